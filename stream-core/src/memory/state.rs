//! What lies behind the log's one lock, and what its clients share beside it.
//!
//! The lock is taken once per poll and per batch that is handed over. Lock order: a producer's pending records first,
//! then the state; never the other way round.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use super::faults::FaultPlan;
use super::group::GroupState;
use super::partition::Partition;
use super::producer::Pending;
use super::topic::{TopicConfig, check_name};
use super::transaction::Transactions;
use crate::log::{NewTopic, OffsetRange};
use crate::record::{Timestamp, TopicPartition};
use crate::time::Clock;
use crate::{Error, Kind, Result, nearest_name};

/// The log, as all its clients hold it.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Records that somebody waits for have arrived.
    pub(super) arrived: Condvar,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) faults: FaultPlan,
    /// Records of producers without transactions that are not handed over yet.
    pending: Mutex<Vec<Weak<Mutex<Pending>>>>,
}

impl Shared {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Condvar::new(),
            clock,
            faults: FaultPlan::default(),
            pending: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Lets readers that find nothing ask for what this producer has.
    pub(super) fn register(&self, pending: &Arc<Mutex<Pending>>) {
        let mut all = lock(&self.pending);
        all.retain(|pending| pending.strong_count() > 0);
        all.push(Arc::downgrade(pending));
    }

    /// Makes all producers hand over what they have, as if they had lingered long enough.
    pub(super) fn hand_over_all(&self) {
        let all: Vec<_> = lock(&self.pending).iter().filter_map(Weak::upgrade).collect();
        for pending in all {
            lock(&pending).hand_over(self);
        }
    }
}

/// Locks `mutex`. A client that panicked elsewhere does not take the log with it: every change under a lock is whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Number of a partition among all of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PartitionNumber(pub(super) usize);

/// Topics, groups and transactions.
#[derive(Default)]
pub(super) struct State {
    topics: BTreeMap<Arc<str>, Topic>,
    partitions: Vec<Partition>,
    pub(super) groups: BTreeMap<String, GroupState>,
    pub(super) transactions: Transactions,
}

/// A topic: its partitions lie side by side.
pub(super) struct Topic {
    pub(super) first: PartitionNumber,
    pub(super) partitions: i32,
    pub(super) config: Arc<TopicConfig>,
}

impl Topic {
    /// The number of partition `index`, if the topic has it.
    pub(super) fn partition(&self, index: i32) -> Option<PartitionNumber> {
        let index = usize::try_from(index).ok().filter(|_| index < self.partitions)?;
        Some(PartitionNumber(self.first.0 + index))
    }
}

impl State {
    pub(super) fn topic_names(&self) -> Vec<&str> {
        self.topics.keys().map(|name| &**name).collect()
    }

    /// Makes a topic unless there is one of that name.
    pub(super) fn create(&mut self, topic: &NewTopic) -> Result<()> {
        check_name(&topic.name, topic.partitions)?;
        let config = Arc::new(TopicConfig::new(&topic.name, &topic.config)?);
        if self.topics.contains_key(topic.name.as_str()) {
            return Ok(());
        }
        let first = PartitionNumber(self.partitions.len());
        let partitions = topic.partitions;
        self.partitions.extend((0..partitions).map(|_| Partition::new(Arc::clone(&config))));
        self.topics.insert(topic.name.as_str().into(), Topic { first, partitions, config });
        Ok(())
    }

    pub(super) fn topic_if_any(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    pub(super) fn topic(&self, name: &str) -> Result<&Topic> {
        self.topics.get(name).ok_or_else(|| {
            let nearest = nearest_name(name, self.topic_names()).map_or_else(
                || "this log has no topics".to_owned(),
                |(nearest, _)| format!("the nearest name is {nearest:?}"),
            );
            Error::new(Kind::Invalid, format!("there is no topic {name:?}: {nearest}; create it before it is used"))
        })
    }

    pub(super) fn find(&self, partition: &TopicPartition) -> Result<PartitionNumber> {
        let topic = self.topic(&partition.topic)?;
        topic.partition(partition.partition).ok_or_else(|| {
            let (name, index, count) = (&partition.topic, partition.partition, topic.partitions);
            Error::new(Kind::Invalid, format!("topic {name:?} has no partition {index}: it has {count}"))
        })
    }

    pub(super) fn partition(&self, number: PartitionNumber) -> &Partition {
        &self.partitions[number.0]
    }

    pub(super) fn partition_mut(&mut self, number: PartitionNumber) -> &mut Partition {
        &mut self.partitions[number.0]
    }

    pub(super) fn offsets(&self, partition: &TopicPartition) -> Result<OffsetRange> {
        let partition = self.partition(self.find(partition)?);
        Ok(OffsetRange { beginning: partition.start(), end: partition.end() })
    }

    /// Deletes records before `offset`, where the topic's policy lets them be deleted.
    pub(super) fn delete_records(&mut self, name: &TopicPartition, offset: i64) -> Result<()> {
        let number = self.find(name)?;
        let partition = self.partition_mut(number);
        let refuse = |why: String| {
            Err(Error::new(Kind::Invalid, format!("records of {name} before offset {offset} cannot be deleted: {why}")))
        };
        if partition.config.never_deletes() {
            return refuse("the topic's cleanup.policy is compact alone".to_owned());
        }
        if offset > partition.end() {
            return refuse(format!("it ends at {}", partition.end()));
        }
        partition.delete_before(offset);
        Ok(())
    }

    pub(super) fn compact(&mut self, now: Timestamp) {
        for partition in self.partitions.iter_mut().filter(|partition| partition.config.is_compacted()) {
            let oldest = partition.config.oldest_tombstone(now);
            partition.compact(oldest);
        }
    }

    pub(super) fn expire_records(&mut self, now: Timestamp) {
        for partition in &mut self.partitions {
            if let Some(oldest) = partition.config.oldest_record(now) {
                partition.delete_older_than(oldest);
            }
        }
    }
}
