//! Topics and offsets, looked after on own connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::{
    CreateTopicsRequest, DeleteRecordsRequest, DeleteRecordsResponse, DescribeConfigsRequest,
};
use stream_core::log::{Admin, Isolation, NewTopic, OffsetRange, Offsets};
use stream_core::record::TopicPartition;
use stream_core::{Error, Kind, Result};

use crate::error::{answered, code};
use crate::group::offsets;
use crate::wire::cluster::Cluster;
use crate::wire::deadline::Deadline;
use crate::wire::leaders::{Answered, End, by_topic};
use crate::wire::{string, topic_name};

/// A topic as a resource whose settings are asked for.
const RESOURCE_TOPIC: i8 = 2;

pub(crate) struct KafkaAdmin {
    cluster: Cluster,
}

impl KafkaAdmin {
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    /// Partition counts of the topics that exist.
    fn count(&mut self, names: &[&str], deadline: &mut Deadline) -> Result<BTreeMap<String, i32>> {
        loop {
            let mut counts = BTreeMap::new();
            let mut failure = None;
            for topic in self.cluster.topics(names, deadline)? {
                let name = topic.name.as_ref().map_or("", |name| name.as_str()).to_owned();
                match topic.error_code {
                    code::NONE => {
                        let count = i32::try_from(topic.partitions.len()).expect("a topic's partitions fit in 32 bits");
                        counts.insert(name, count);
                    }
                    code::UNKNOWN_TOPIC_OR_PARTITION => {}
                    failed => failure = Some(answered(failed, format_args!("failed to describe topic {name:?}"))),
                }
            }
            match failure {
                None => return Ok(counts),
                Some(failure) if failure.kind() != Kind::Retry || !deadline.pause() => return Err(failure),
                Some(_) => {}
            }
        }
    }

    /// Asks for topics to be made, until each is or was there.
    fn make(&mut self, topics: &[NewTopic], deadline: &mut Deadline) -> Result<()> {
        let mut open: Vec<&NewTopic> = topics.iter().collect();
        while !open.is_empty() {
            let request = create_topics(&open, deadline);
            let answer = self.cluster.ask_any(&request, deadline)?;
            let mut failure = None;
            for made in &answer.topics {
                let name = made.name.as_str();
                if let code::NONE | code::TOPIC_ALREADY_EXISTS = made.error_code {
                    open.retain(|topic| topic.name != name);
                    continue;
                }
                let why = made.error_message.as_ref().map_or("", |message| message.as_str());
                let what = format!("failed to create topic {name:?}: {why}");
                let error = answered(made.error_code, what.trim_end_matches(": "));
                if error.kind() != Kind::Retry {
                    return Err(Error::new(Kind::Invalid, error.message()));
                }
                failure = Some(error);
            }
            if let Some(failure) = failure
                && !deadline.pause()
            {
                return Err(failure);
            }
        }
        Ok(())
    }
}

impl Admin for KafkaAdmin {
    fn partitions(&mut self, names: &[&str]) -> Result<BTreeMap<String, i32>> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut deadline = self.cluster.deadline();
        self.count(names, &mut deadline)
    }

    fn create(&mut self, topics: &[NewTopic]) -> Result<()> {
        let mut deadline = self.cluster.deadline();
        self.make(topics, &mut deadline)?;
        // The broker that answered may not be the one that is asked next: wait until the topics are seen.
        let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
        while !names.is_empty() {
            let seen = self.count(&names, &mut deadline)?;
            let Some(missing) = names.iter().find(|name| !seen.contains_key(**name)) else { break };
            if !deadline.pause() {
                return Err(Error::new(Kind::Retry, format!("topic {missing:?} was made and is not seen yet")));
            }
        }
        Ok(())
    }

    fn config(&mut self, topic: &str) -> Result<BTreeMap<String, String>> {
        let mut resource = DescribeConfigsResource::default();
        resource.resource_type = RESOURCE_TOPIC;
        resource.resource_name = string(topic);
        resource.configuration_keys = None;
        let mut request = DescribeConfigsRequest::default();
        request.resources.push(resource);
        let mut deadline = self.cluster.deadline();
        loop {
            let answer = self.cluster.ask_any(&request, &mut deadline)?;
            let result = answer.results.first().ok_or_else(|| {
                Error::new(Kind::Fatal, format!("a broker tells nothing of topic {topic:?} when it is asked"))
            })?;
            match result.error_code {
                code::NONE => {
                    let shown = result.configs.iter().filter(|config| !config.is_sensitive);
                    return Ok(shown
                        .filter_map(|config| Some((config.name.to_string(), config.value.as_ref()?.to_string())))
                        .collect());
                }
                code::UNKNOWN_TOPIC_OR_PARTITION => {
                    return Err(Error::new(Kind::Invalid, format!("there is no topic {topic:?}")));
                }
                failed => {
                    let error = answered(failed, format_args!("failed to read the settings of topic {topic:?}"));
                    if error.kind() != Kind::Retry || !deadline.pause() {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn offsets(&mut self, partitions: &[TopicPartition]) -> Result<BTreeMap<TopicPartition, OffsetRange>> {
        let mut deadline = self.cluster.deadline();
        let first = self.cluster.list_offsets(partitions, End::First, &mut deadline)?;
        let last = self.cluster.list_offsets(partitions, End::Last(Isolation::ReadUncommitted), &mut deadline)?;
        let range = |(partition, beginning): (TopicPartition, i64)| {
            let end = last.get(&partition).copied().unwrap_or(beginning);
            (partition, OffsetRange { beginning, end })
        };
        Ok(first.into_iter().map(range).collect())
    }

    fn committed(&mut self, group: &str, partitions: &[TopicPartition]) -> Result<Offsets> {
        offsets::committed(&mut self.cluster, group, partitions)
    }

    fn delete_records(&mut self, before: &BTreeMap<TopicPartition, i64>) -> Result<()> {
        let mut deadline = self.cluster.deadline();
        let partitions: Vec<_> = before.keys().cloned().collect();
        let request = |of: &[&TopicPartition]| delete_records(of, before);
        let timeout = &mut deadline;
        self.cluster.ask_leaders(&partitions, timeout, request, read_deleted).map(drop)
    }
}

fn create_topics(topics: &[&NewTopic], deadline: &Deadline) -> CreateTopicsRequest {
    let mut request = CreateTopicsRequest::default();
    request.timeout_ms = i32::try_from(deadline.remaining().as_millis()).unwrap_or(i32::MAX);
    request.topics.extend(topics.iter().map(|new| {
        let mut topic = CreatableTopic::default();
        topic.name = topic_name(&new.name);
        topic.num_partitions = new.partitions;
        topic.replication_factor = new.replication;
        topic.configs.extend(new.config.iter().map(|(name, value)| {
            let mut config = CreatableTopicConfig::default();
            config.name = string(name);
            config.value = Some(string(value));
            config
        }));
        topic
    }));
    request
}

fn delete_records(partitions: &[&TopicPartition], before: &BTreeMap<TopicPartition, i64>) -> DeleteRecordsRequest {
    let mut request = DeleteRecordsRequest::default();
    request.timeout_ms = DELETE_TIMEOUT_MS;
    for (name, partitions) in by_topic(partitions.iter().copied()) {
        let mut topic = DeleteRecordsTopic::default();
        topic.name = topic_name(name);
        topic.partitions.extend(partitions.iter().map(|of| {
            let mut partition = DeleteRecordsPartition::default();
            partition.partition_index = of.partition;
            partition.offset = before[*of];
            partition
        }));
        request.topics.push(topic);
    }
    request
}

/// How long a broker waits for the replicas of a partition to delete too.
const DELETE_TIMEOUT_MS: i32 = 10_000;

fn read_deleted(answer: DeleteRecordsResponse) -> Vec<Answered> {
    let mut answers = Vec::new();
    for topic in answer.topics {
        let name: Arc<str> = topic.name.as_str().into();
        answers.extend(
            topic.partitions.iter().map(|of| {
                (TopicPartition::new(Arc::clone(&name), of.partition_index), of.error_code, of.low_watermark)
            }),
        );
    }
    answers
}
