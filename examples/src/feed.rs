//! Makes topics and fills them with the workload.

use std::collections::BTreeMap;
use std::ops::Range;

use stream_core::log::{Log, NewTopic, Outgoing};
use stream_core::record::{Headers, TopicPartition};
use stream_core::{Error, Kind, Result};

use crate::workload::{self, Workload};

/// How often progress is told.
const PROGRESS_RECORDS: u64 = 10_000;

/// Makes `topics` with `partitions` partitions. Their records are kept for ever: the events' timestamps are old, and a
/// broker's default retention would delete them at once.
///
/// # Errors
/// What the log says.
pub fn create_topics(log: &dyn Log, topics: &[&str], partitions: i32) -> Result<()> {
    let config = BTreeMap::from([("retention.ms".to_owned(), "-1".to_owned())]);
    let new = |name: &&str| NewTopic { name: (*name).to_owned(), partitions, replication: -1, config: config.clone() };
    let topics: Vec<_> = topics.iter().map(new).collect();
    log.admin()?.create(&topics)
}

/// How many records lie in `topic`; none where there is no such topic.
///
/// # Errors
/// What the log says.
pub fn records_in(log: &dyn Log, topic: &str) -> Result<u64> {
    let mut admin = log.admin()?;
    let Some(&partitions) = admin.partitions(&[topic])?.get(topic) else { return Ok(0) };
    let names: Vec<_> = (0..partitions).map(|partition| TopicPartition::new(topic, partition)).collect();
    let ranges = admin.offsets(&names)?;
    Ok(ranges.values().map(|range| u64::try_from(range.end - range.beginning).unwrap_or_default()).sum())
}

/// Writes the events of `workload` to `topic`, in order, and tells `progress` how many there are so far.
///
/// # Errors
/// `Kind::Invalid` where the topic is missing or has another number of partitions; what the log or `progress` says.
pub fn fill(log: &dyn Log, topic: &str, workload: Workload, progress: impl FnMut(u64) -> Result<()>) -> Result<()> {
    fill_part(log, topic, workload, 0..workload.records, progress)
}

/// Writes the events whose numbers are in `part`, as [`fill`] does.
///
/// # Errors
/// As [`fill`].
pub fn fill_part(
    log: &dyn Log,
    topic: &str,
    workload: Workload,
    part: Range<u64>,
    mut progress: impl FnMut(u64) -> Result<()>,
) -> Result<()> {
    let mut producer = log.producer("workload", None)?;
    let (number, partitions) = producer.topic(topic)?;
    if partitions != workload::PARTITIONS {
        let wanted = workload::PARTITIONS;
        let why = format!("topic {topic:?} has {partitions} partitions, the workload needs {wanted}: delete the topic");
        return Err(Error::new(Kind::Invalid, why));
    }
    let mut events = workload.events();
    for event_number in 0..part.end {
        let Some(event) = events.next_event() else { break };
        if event_number < part.start {
            continue;
        }
        producer.send(Outgoing {
            topic: number,
            partition: event.partition,
            key: Some(event.key.as_bytes()),
            value: Some(event.value.as_bytes()),
            timestamp: event.timestamp,
            headers: &Headers::EMPTY,
        })?;
        let written = event_number + 1 - part.start;
        if written.is_multiple_of(PROGRESS_RECORDS) {
            progress(written)?;
        }
    }
    producer.flush()?;
    progress(part.end - part.start)
}
