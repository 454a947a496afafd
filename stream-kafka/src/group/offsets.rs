//! Committed offsets: read stable, written with the generation of the member that processed up to them.

use std::sync::Arc;

use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{GroupId, OffsetFetchRequest, OffsetFetchResponse};
use stream_core::log::{CommittedOffset, Offsets};
use stream_core::record::TopicPartition;
use stream_core::{Error, Kind, Result};

use crate::error::{answered, code};
use crate::wire::cluster::Cluster;
use crate::wire::leaders::by_topic;
use crate::wire::{string, topic_name};

/// Reads the offsets of `group`, waiting for transactions that may change them.
pub(crate) fn committed(cluster: &mut Cluster, group: &str, partitions: &[TopicPartition]) -> Result<Offsets> {
    if partitions.is_empty() {
        return Ok(Offsets::new());
    }
    let request = fetch(group, partitions);
    let mut deadline = cluster.deadline();
    loop {
        let coordinator = cluster.coordinator(group, &mut deadline)?;
        let asked = cluster.ask_address(&coordinator, &request, deadline.remaining());
        let error = match asked.and_then(|answer| read(group, answer)) {
            Ok(offsets) => return Ok(offsets),
            Err(error) => error,
        };
        if error.kind() != Kind::Retry || !deadline.pause() {
            return Err(error);
        }
    }
}

fn fetch(group: &str, partitions: &[TopicPartition]) -> OffsetFetchRequest {
    let mut request = OffsetFetchRequest::default();
    request.group_id = GroupId(string(group));
    request.require_stable = true;
    let topic = |(name, partitions): (&str, Vec<&TopicPartition>)| {
        let mut topic = OffsetFetchRequestTopic::default();
        topic.name = topic_name(name);
        topic.partition_indexes = partitions.iter().map(|partition| partition.partition).collect();
        topic
    };
    request.topics = Some(by_topic(partitions).into_iter().map(topic).collect());
    request
}

fn read(group: &str, answer: OffsetFetchResponse) -> Result<Offsets> {
    let failed = |code, partition: Option<&TopicPartition>| {
        let of = partition.map_or(String::new(), |partition| format!(" of {partition}"));
        let error = answered(code, format_args!("failed to read the committed offset{of} in group {group:?}"));
        match error.kind() {
            // A group that is unknown to its coordinator for a moment is not a reason to start from the beginning.
            Kind::Migrated => Error::new(Kind::Retry, error.message()),
            _ => error,
        }
    };
    if answer.error_code != code::NONE {
        return Err(failed(answer.error_code, None));
    }
    let mut offsets = Offsets::new();
    for topic in answer.topics {
        let name: Arc<str> = topic.name.as_str().into();
        for of in topic.partitions {
            let partition = TopicPartition::new(Arc::clone(&name), of.partition_index);
            if of.error_code != code::NONE {
                return Err(failed(of.error_code, Some(&partition)));
            }
            if of.committed_offset >= 0 {
                let metadata = of.metadata.map_or(String::new(), |metadata| metadata.to_string());
                offsets.insert(partition, CommittedOffset { offset: of.committed_offset, metadata });
            }
        }
    }
    Ok(offsets)
}
