//! Reading: librdkafka fetches ahead into one queue, bounded in kilobytes; a poll takes from it what is there.
//!
//! Positions are kept here, moved by records and by the news that a partition is read to its end, so that they pass
//! gaps. A partition that is paused goes on being fetched for a while, and what comes is held back: a short pause costs
//! nothing. When too much is held, fetching stops until it is resumed.

use std::collections::VecDeque;
use std::time::Duration;

use stream_core::log::{Batch, Consumer, Isolation, PollEvent, StartAt};
use stream_core::record::TopicPartition;
use stream_core::{Error, Kind, Result};

use crate::error::kind_of;
use crate::ffi::reader::{Origin, Reader, Taken, TopicNumber};
use crate::wire::cluster::Cluster;
use crate::wire::deadline::Deadline;
use crate::wire::leaders::End;

/// So many bytes are held back for paused partitions, in all, before fetching them stops.
const HELD_BYTES_MAX: usize = 8 << 20;

pub(crate) struct KafkaConsumer {
    reader: Reader,
    cluster: Cluster,
    isolation: Isolation,
    partitions: Vec<Assigned>,
    events: VecDeque<PollEvent>,
    /// What reading has failed with; told by the next poll that has no records.
    failure: Option<Error>,
}

/// A partition that is read.
struct Assigned {
    name: TopicPartition,
    topic: TopicNumber,
    origin: Origin,
    /// The next offset to come from librdkafka.
    fetched: i64,
    /// The end that was told when it was assigned.
    end_first: i64,
    /// Where it was last read to its end.
    end_reached: Option<i64>,
    paused: bool,
    reading: Reading,
    held: Held,
}

/// What librdkafka does about a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// It fetches.
    Runs,
    /// It does not, as too much is held back.
    Stopped,
    /// It does not, as the offset is gone.
    Gone,
}

/// Records that came while their partition was paused.
#[derive(Default)]
struct Held {
    records: Batch,
    /// How many of them have been given out.
    given: usize,
}

impl Held {
    fn is_empty(&self) -> bool {
        self.given == self.records.len()
    }

    fn first_offset(&self) -> Option<i64> {
        (!self.is_empty()).then(|| self.records.get(self.given).1.offset)
    }

    /// Moves records to `batch`, up to `records_max` in all.
    fn give(&mut self, source: usize, records_max: usize, batch: &mut Batch) {
        while !self.is_empty() && batch.len() < records_max {
            batch.push(source, self.records.get(self.given).1);
            self.given += 1;
        }
        if self.is_empty() {
            self.records.clear();
            self.given = 0;
        }
    }
}

impl Assigned {
    /// The next offset to be polled.
    fn position(&self) -> i64 {
        self.held.first_offset().unwrap_or(self.fetched)
    }
}

impl KafkaConsumer {
    pub(crate) fn new(reader: Reader, cluster: Cluster, isolation: Isolation) -> Self {
        let (partitions, events) = Default::default();
        Self { reader, cluster, isolation, partitions, events, failure: None }
    }

    /// Begins to read `name`, which has not been read before or not from there.
    fn start(&mut self, name: &TopicPartition, offset: i64, end: i64) -> Result<Assigned> {
        let topic = self.reader.topic(&name.topic)?;
        let origin = self.reader.origin(topic, name.partition);
        self.reader.start(topic, name.partition, offset);
        Ok(Assigned {
            name: name.clone(),
            topic,
            origin,
            fetched: offset,
            end_first: end,
            end_reached: None,
            paused: false,
            reading: Reading::Runs,
            held: Held::default(),
        })
    }

    /// Takes from the queue what is there, waiting up to `timeout` for a first. Tells how much it was.
    fn take(&mut self, timeout: Duration, records_max: usize, batch: &mut Batch) -> usize {
        let Self { reader, partitions, events, failure, .. } = self;
        let mut last = 0;
        reader.take(timeout, records_max - batch.len(), |origin, taken| {
            // Records of a partition come in runs.
            if partitions.get(last).is_none_or(|partition| partition.origin != origin) {
                match partitions.iter().position(|partition| partition.origin == origin) {
                    Some(found) => last = found,
                    None => return,
                }
            }
            let partition = &mut partitions[last];
            match taken {
                Taken::Record(record) => {
                    partition.fetched = record.offset + 1;
                    match partition.paused || !partition.held.is_empty() {
                        true => partition.held.records.push(0, record),
                        false => batch.push(last, record),
                    }
                }
                Taken::End(offset) => {
                    partition.fetched = partition.fetched.max(offset);
                    partition.end_reached = Some(offset);
                }
                Taken::Gone => {
                    partition.reading = Reading::Gone;
                    events.push_back(PollEvent::OffsetGone { source: last, offset: partition.fetched });
                }
                Taken::Failed(code, why) => {
                    let Assigned { name, fetched, .. } = partition;
                    let message = format!("failed to read {name} from offset {fetched}: {why}");
                    let error = Error::new(kind_of(code), message);
                    // librdkafka tells once: what another attempt may cure must not hide what none will.
                    if failure.as_ref().is_none_or(|kept| kept.kind() == Kind::Retry) {
                        *failure = Some(error);
                    }
                }
            }
        })
    }

    /// Stops fetching partitions that are paused when too much of them is held back.
    fn bound_held(&mut self) {
        let held: usize = self.partitions.iter().map(|partition| partition.held.records.size_bytes()).sum();
        if held < HELD_BYTES_MAX {
            return;
        }
        for partition in &mut self.partitions {
            if partition.paused && partition.reading == Reading::Runs {
                self.reader.stop(partition.topic, partition.name.partition);
                partition.reading = Reading::Stopped;
            }
        }
    }

    fn assigned(&mut self, source: usize) -> Result<&mut Assigned> {
        let count = self.partitions.len();
        self.partitions.get_mut(source).ok_or_else(|| {
            Error::new(Kind::Invalid, format!("there is no partition {source} in an assignment of {count}"))
        })
    }
}

impl Consumer for KafkaConsumer {
    fn assign(&mut self, partitions: &[(TopicPartition, Option<StartAt>)]) -> Result<()> {
        let is_assigned = |name: &TopicPartition| self.partitions.iter().any(|assigned| assigned.name == *name);
        if let Some((name, _)) = partitions.iter().find(|(name, start)| start.is_none() && !is_assigned(name)) {
            let message = format!("{name} has no position: it was not assigned before");
            return Err(Error::new(Kind::Invalid, message));
        }
        let with = |starts: fn(StartAt) -> bool| -> Vec<TopicPartition> {
            let wanted = partitions.iter().filter(|(_, start)| start.is_some_and(starts));
            wanted.map(|(name, _)| name.clone()).collect()
        };
        let mut deadline = self.cluster.deadline();
        let begun = with(|start| start == StartAt::Beginning);
        let firsts = self.cluster.list_offsets(&begun, End::First, &mut deadline)?;
        let ends = self.cluster.list_offsets(&with(|_| true), End::Last(self.isolation), &mut deadline)?;

        let mut before: Vec<Assigned> = std::mem::take(&mut self.partitions);
        let untold = self.events.drain(..).filter_map(|PollEvent::OffsetGone { source, offset }| {
            let goes_on = |(name, start): &(TopicPartition, Option<_>)| start.is_none() && *name == before[source].name;
            Some(PollEvent::OffsetGone { source: partitions.iter().position(goes_on)?, offset })
        });
        // Of a partition that goes on, nothing would ever be read if this were not told.
        let untold: Vec<_> = untold.collect();
        self.events.extend(untold);
        if partitions.iter().all(|(_, start)| start.is_some()) {
            self.failure = None;
        }
        for old in &before {
            let goes_on = partitions.iter().any(|(name, start)| *name == old.name && start.is_none());
            if !goes_on && old.reading != Reading::Stopped {
                self.reader.stop(old.topic, old.name.partition);
            }
        }
        for (name, start) in partitions {
            let assigned = match start {
                None => {
                    let index = before.iter().position(|old| old.name == *name);
                    before.swap_remove(index.expect("whether it was assigned has been checked"))
                }
                Some(StartAt::Beginning) => self.start(name, firsts[name], ends[name])?,
                Some(StartAt::End) => self.start(name, ends[name], ends[name])?,
                Some(StartAt::Offset(offset)) => self.start(name, *offset, ends[name])?,
            };
            self.partitions.push(assigned);
        }
        Ok(())
    }

    fn poll(&mut self, timeout: Duration, records_max: usize, batch: &mut Batch) -> Result<Option<PollEvent>> {
        batch.clear();
        let deadline = Deadline::after(timeout);
        for (source, partition) in self.partitions.iter_mut().enumerate() {
            if !partition.paused && !partition.held.is_empty() {
                partition.held.give(source, records_max, batch);
            }
        }
        while batch.len() < records_max {
            let is_found = !batch.is_empty() || !self.events.is_empty() || self.failure.is_some();
            let wait = if is_found { Duration::ZERO } else { deadline.remaining() };
            let taken = self.take(wait, records_max, batch);
            self.bound_held();
            if taken == 0 || !batch.is_empty() || is_found {
                break;
            }
        }
        if batch.is_empty()
            && self.events.is_empty()
            && let Some(failure) = self.failure.take()
        {
            return Err(failure);
        }
        Ok(self.events.pop_front())
    }

    fn pause(&mut self, source: usize) -> Result<()> {
        self.assigned(source)?.paused = true;
        Ok(())
    }

    fn resume(&mut self, source: usize) -> Result<()> {
        let partition = self.assigned(source)?;
        partition.paused = false;
        if partition.reading == Reading::Stopped {
            partition.reading = Reading::Runs;
            let (topic, number, offset) = (partition.topic, partition.name.partition, partition.fetched);
            self.reader.start(topic, number, offset);
        }
        Ok(())
    }

    fn position(&mut self, source: usize) -> Result<i64> {
        Ok(self.assigned(source)?.position())
    }

    fn lag(&mut self, source: usize) -> Option<u64> {
        let partition = self.partitions.get(source)?;
        let position = partition.position();
        // A reader of committed records is at its end where an open transaction begins, short of the high watermark.
        if partition.end_reached == Some(position) && self.reader.is_drained() {
            return Some(0);
        }
        let told = self.reader.end_told(partition.topic, partition.name.partition).unwrap_or(partition.end_first);
        Some(u64::try_from(told.max(partition.end_first) - position).unwrap_or_default())
    }
}
