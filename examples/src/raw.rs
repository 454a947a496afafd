//! The yardstick: the same work by hand, on the log's own clients, without a framework around it.
//!
//! It keeps no changelog, no commits and no order between partitions: a framework cannot be cheaper than this, and should
//! not be much dearer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hashbrown::HashMap;
use stream_core::log::{Batch, Isolation, Log, OutTopic, Outgoing, Producer, StartAt};
use stream_core::partitioner::partition_for_key;
use stream_core::record::{Headers, RawRecord, Timestamp, TopicPartition};
use stream_core::{Error, Kind, Result};

use crate::application::{ACTIONS_TOPIC, COUNTS_TOPIC, WINDOW};
use crate::workload;

const POLL_MAX: Duration = Duration::from_millis(100);
const POLL_RECORDS_MAX: usize = 10_000;
/// Changed windows of a thread are written when there are so many: what 10 MiB of a cache hold, for two threads.
const CHANGED_WINDOWS_MAX: usize = 50_000;

/// What is done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Events per user and hour.
    Count,
    /// Events other than heartbeats, in capitals.
    Stateless,
}

/// Does `work` for the partitions of the workload's topic that fall to thread `thread` of `threads`, to their present
/// end, and adds what is done to `done`.
///
/// # Errors
/// What the log says.
pub fn work(log: &dyn Log, work: Work, thread: usize, threads: usize, done: &Arc<AtomicU64>) -> Result<()> {
    let all = 0..workload::PARTITIONS;
    let mine: Vec<_> = all
        .filter(|partition| *partition as usize % threads == thread)
        .map(|partition| TopicPartition::new(workload::TOPIC, partition))
        .collect();
    let ends = log.admin()?.offsets(&mine)?;
    let mut left: i64 = ends.values().map(|range| range.end - range.beginning).sum();
    let assignment: Vec<_> = mine.into_iter().map(|partition| (partition, Some(StartAt::Beginning))).collect();
    let mut consumer = log.consumer("raw", Isolation::ReadCommitted)?;
    consumer.assign(&assignment)?;
    let mut hands = Hands::new(log, work)?;
    let mut batch = Batch::default();
    while left > 0 {
        consumer.poll(POLL_MAX, POLL_RECORDS_MAX, &mut batch)?;
        for index in 0..batch.len() {
            hands.take(batch.get(index).1)?;
        }
        left -= batch.len() as i64;
        done.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }
    hands.finish()
}

/// One thread's producer and what it remembers.
struct Hands {
    work: Work,
    producer: Box<dyn Producer>,
    topic: OutTopic,
    partitions: i32,
    counts: HashMap<Vec<u8>, i64>,
    changed: HashMap<Vec<u8>, (i64, Timestamp)>,
    scratch: Vec<u8>,
}

impl Hands {
    fn new(log: &dyn Log, work: Work) -> Result<Self> {
        let mut producer = log.producer("raw", None)?;
        let topic = match work {
            Work::Count => COUNTS_TOPIC,
            Work::Stateless => ACTIONS_TOPIC,
        };
        let (topic, partitions) = producer.topic(topic)?;
        let (counts, changed, scratch) = (HashMap::new(), HashMap::new(), Vec::new());
        Ok(Self { work, producer, topic, partitions, counts, changed, scratch })
    }

    fn take(&mut self, record: RawRecord<'_>) -> Result<()> {
        let (Some(key), Some(value)) = (record.key, record.value) else { return Ok(()) };
        let text =
            std::str::from_utf8(value).map_err(|cause| Error::new(Kind::Record, "not UTF-8").caused_by(cause))?;
        if text.contains("heartbeat") {
            return Ok(());
        }
        match self.work {
            Work::Count => self.count(key, record.timestamp),
            Work::Stateless => self.pass_on(key, value, record.timestamp),
        }
    }

    fn count(&mut self, key: &[u8], timestamp: Timestamp) -> Result<()> {
        let time = timestamp.millis();
        let start = time - time.rem_euclid(WINDOW.as_millis() as i64);
        self.scratch.clear();
        self.scratch.extend_from_slice(key);
        self.scratch.extend_from_slice(&start.to_be_bytes());
        let (_, count) =
            self.counts.raw_entry_mut().from_key(&self.scratch).or_insert_with(|| (self.scratch.clone(), 0));
        *count += 1;
        let count = *count;
        let changed = self.changed.raw_entry_mut().from_key(&self.scratch);
        let (_, last) = changed.or_insert_with(|| (self.scratch.clone(), (0, timestamp)));
        *last = (count, last.1.max(timestamp));
        if self.changed.len() >= CHANGED_WINDOWS_MAX { self.write_changed() } else { Ok(()) }
    }

    fn write_changed(&mut self) -> Result<()> {
        for (key, (count, timestamp)) in self.changed.drain() {
            let user = &key[..key.len() - size_of::<i64>()];
            self.producer.send(Outgoing {
                topic: self.topic,
                partition: partition_for_key(user, self.partitions),
                key: Some(&key),
                value: Some(&count.to_be_bytes()),
                timestamp,
                headers: &Headers::EMPTY,
            })?;
        }
        Ok(())
    }

    fn pass_on(&mut self, key: &[u8], value: &[u8], timestamp: Timestamp) -> Result<()> {
        self.scratch.clear();
        self.scratch.extend_from_slice(value);
        self.scratch.make_ascii_uppercase();
        self.producer.send(Outgoing {
            topic: self.topic,
            partition: partition_for_key(key, self.partitions),
            key: Some(key),
            value: Some(&self.scratch),
            timestamp,
            headers: &Headers::EMPTY,
        })
    }

    fn finish(mut self) -> Result<()> {
        self.write_changed()?;
        self.producer.flush()
    }
}
