//! Requests that go to the leaders of partitions: who leads is asked first, and again when it has changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::ListOffsetsRequest;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId, ListOffsetsResponse};
use stream_core::log::Isolation;
use stream_core::record::TopicPartition;
use stream_core::{Error, Kind, Result};

use super::calls::Call;
use super::cluster::Cluster;
use super::deadline::Deadline;
use super::topic_name;
use crate::error::{answered, code};

/// Which end of a partition is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The first record there is.
    First,
    /// Past the last that a reader of this isolation sees.
    Last(Isolation),
}

/// What a leader answered for one partition: an error code and a number.
pub(crate) type Answered = (TopicPartition, i16, i64);

impl Cluster {
    /// Where the records of `partitions` begin or end.
    pub(crate) fn list_offsets(
        &mut self,
        partitions: &[TopicPartition],
        end: End,
        deadline: &mut Deadline,
    ) -> Result<BTreeMap<TopicPartition, i64>> {
        self.ask_leaders(partitions, deadline, |of| list_offsets(of, end), read_offsets)
    }

    /// Asks the leaders of `partitions`, each for those it leads, until all have answered or the time is over.
    pub(crate) fn ask_leaders<C: Call>(
        &mut self,
        partitions: &[TopicPartition],
        deadline: &mut Deadline,
        request: impl Fn(&[&TopicPartition]) -> C,
        read: impl Fn(C::Answer) -> Vec<Answered>,
    ) -> Result<BTreeMap<TopicPartition, i64>> {
        let mut done = BTreeMap::new();
        loop {
            let open: Vec<_> = partitions.iter().filter(|partition| !done.contains_key(*partition)).collect();
            if open.is_empty() {
                return Ok(done);
            }
            let mut failure = None;
            for (leader, led) in self.leaders(&open, deadline)? {
                match self.ask_broker(leader, &request(&led), deadline.remaining()) {
                    Ok(answer) => failure = take(read(answer), C::WHAT, &mut done)?.or(failure),
                    Err(error) => failure = Some(error),
                }
            }
            if let Some(failure) = failure
                && !deadline.pause()
            {
                return Err(failure);
            }
        }
    }

    /// The partitions by the broker that leads them.
    fn leaders<'a>(
        &mut self,
        partitions: &[&'a TopicPartition],
        deadline: &mut Deadline,
    ) -> Result<BTreeMap<i32, Vec<&'a TopicPartition>>> {
        let mut names: Vec<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
        names.dedup();
        loop {
            let mut known = BTreeMap::new();
            for topic in self.topics(&names, deadline)? {
                let name: Arc<str> = topic.name.as_ref().map_or("", |name| name.as_str()).into();
                match topic.error_code {
                    code::NONE => {}
                    code::UNKNOWN_TOPIC_OR_PARTITION => {
                        return Err(Error::new(Kind::Invalid, format!("there is no topic {name:?}")));
                    }
                    failed => return Err(answered(failed, format_args!("failed to describe topic {name:?}"))),
                }
                let leader = |of: &kafka_protocol::messages::metadata_response::MetadataResponsePartition| {
                    (TopicPartition::new(Arc::clone(&name), of.partition_index), of.leader_id)
                };
                known.extend(topic.partitions.iter().map(leader));
            }
            let mut led: BTreeMap<i32, Vec<&TopicPartition>> = BTreeMap::new();
            for partition in partitions {
                let leader = known
                    .get(*partition)
                    .ok_or_else(|| Error::new(Kind::Invalid, format!("there is no partition {partition}")))?;
                led.entry(leader.0).or_default().push(*partition);
            }
            let Some(without) = led.get(&-1) else { return Ok(led) };
            if !deadline.pause() {
                return Err(Error::new(Kind::Retry, format!("partition {} has no leader", without[0])));
            }
        }
    }
}

/// Keeps what was answered; tells an error that another attempt may cure.
fn take(answers: Vec<Answered>, what: &str, done: &mut BTreeMap<TopicPartition, i64>) -> Result<Option<Error>> {
    let mut failure = None;
    for (partition, failed, number) in answers {
        if failed == code::NONE {
            done.insert(partition, number);
            continue;
        }
        let error = answered(failed, format_args!("failed to {what} of {partition}"));
        // Right after a topic was made, its leader may not know it yet; whether it exists was asked before.
        if error.kind() != Kind::Retry && failed != code::UNKNOWN_TOPIC_OR_PARTITION {
            return Err(error);
        }
        failure = Some(error);
    }
    Ok(failure)
}

/// Partition numbers by topic.
pub(crate) fn by_topic<'a>(
    partitions: impl IntoIterator<Item = &'a TopicPartition>,
) -> BTreeMap<&'a str, Vec<&'a TopicPartition>> {
    let mut topics: BTreeMap<&str, Vec<&TopicPartition>> = BTreeMap::new();
    for partition in partitions {
        topics.entry(&partition.topic).or_default().push(partition);
    }
    topics
}

fn list_offsets(partitions: &[&TopicPartition], end: End) -> ListOffsetsRequest {
    let timestamp = match end {
        End::First => -2,
        End::Last(_) => -1,
    };
    let mut request = ListOffsetsRequest::default();
    request.replica_id = BrokerId(-1);
    request.isolation_level = i8::from(end == End::Last(Isolation::ReadCommitted));
    for (name, partitions) in by_topic(partitions.iter().copied()) {
        let mut topic = ListOffsetsTopic::default();
        topic.name = topic_name(name);
        topic.partitions.extend(partitions.iter().map(|of| {
            let mut partition = ListOffsetsPartition::default();
            partition.partition_index = of.partition;
            partition.current_leader_epoch = -1;
            partition.timestamp = timestamp;
            partition
        }));
        request.topics.push(topic);
    }
    request
}

fn read_offsets(answer: ListOffsetsResponse) -> Vec<Answered> {
    let mut answers = Vec::new();
    for topic in answer.topics {
        let name: Arc<str> = topic.name.as_str().into();
        answers.extend(
            topic
                .partitions
                .iter()
                .map(|of| (TopicPartition::new(Arc::clone(&name), of.partition_index), of.error_code, of.offset)),
        );
    }
    answers
}
