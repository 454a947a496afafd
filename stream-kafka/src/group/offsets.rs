//! Committed offsets: read stable, written with the generation of the member that processed up to them.

use std::sync::Arc;

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    GroupId, OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
};
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

/// A commit of `offsets` by a member.
pub(super) fn commit(group: &str, member_id: &str, generation: i32, offsets: &Offsets) -> OffsetCommitRequest {
    let mut request = OffsetCommitRequest::default();
    request.group_id = GroupId(string(group));
    request.generation_id_or_member_epoch = generation;
    request.member_id = string(member_id);
    let topic = |(name, partitions): (&str, Vec<&TopicPartition>)| {
        let mut topic = OffsetCommitRequestTopic::default();
        topic.name = topic_name(name);
        topic.partitions.extend(partitions.into_iter().map(|of| {
            let mut partition = OffsetCommitRequestPartition::default();
            partition.partition_index = of.partition;
            partition.committed_offset = offsets[of].offset;
            partition.committed_leader_epoch = -1;
            partition.committed_metadata = Some(string(&offsets[of].metadata));
            partition
        }));
        topic
    };
    request.topics.extend(by_topic(offsets.keys()).into_iter().map(topic));
    request
}

/// The first partition whose offset was not committed, and the code.
pub(super) fn first_failure(answer: &OffsetCommitResponse) -> Option<(TopicPartition, i16)> {
    answer.topics.iter().find_map(|topic| {
        let failed = topic.partitions.iter().find(|of| of.error_code != code::NONE)?;
        Some((TopicPartition::new(topic.name.as_str(), failed.partition_index), failed.error_code))
    })
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
