//! Topics and offsets, looked after.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::faults::Client;
use super::state::Shared;
use crate::Result;
use crate::log::{Admin, NewTopic, OffsetRange, Offsets};
use crate::record::TopicPartition;

pub(super) struct MemoryAdmin {
    shared: Arc<Shared>,
    client: Arc<Client>,
}

impl MemoryAdmin {
    pub(super) fn new(shared: Arc<Shared>, client: Arc<Client>) -> Self {
        Self { shared, client }
    }

    fn call<T>(&self, what: &str, request: impl FnOnce() -> Result<T>) -> Result<T> {
        self.client.call(&self.shared.faults, what, request)
    }
}

impl Admin for MemoryAdmin {
    fn partitions(&mut self, names: &[&str]) -> Result<BTreeMap<String, i32>> {
        self.call("describe topics", || {
            let state = self.shared.lock();
            let count = |name: &&str| Some(((*name).to_owned(), state.topic_if_any(name)?.partitions));
            Ok(names.iter().filter_map(count).collect())
        })
    }

    fn create(&mut self, topics: &[NewTopic]) -> Result<()> {
        self.call("create topics", || {
            let mut state = self.shared.lock();
            topics.iter().try_for_each(|topic| state.create(topic))
        })
    }

    fn config(&mut self, topic: &str) -> Result<BTreeMap<String, String>> {
        self.call("read a topic's settings", || Ok(self.shared.lock().topic(topic)?.config.all.clone()))
    }

    fn offsets(&mut self, partitions: &[TopicPartition]) -> Result<BTreeMap<TopicPartition, OffsetRange>> {
        self.call("list offsets", || {
            let state = self.shared.lock();
            partitions.iter().map(|partition| Ok((partition.clone(), state.offsets(partition)?))).collect()
        })
    }

    fn committed(&mut self, group: &str, partitions: &[TopicPartition]) -> Result<Offsets> {
        self.call("read committed offsets", || self.shared.lock().committed(group, partitions))
    }

    fn delete_records(&mut self, before: &BTreeMap<TopicPartition, i64>) -> Result<()> {
        self.call("delete records", || {
            let mut state = self.shared.lock();
            before.iter().try_for_each(|(name, offset)| state.delete_records(name, *offset))
        })
    }
}
