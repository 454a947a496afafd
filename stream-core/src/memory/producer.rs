//! Writing: records wait in batches per partition and are handed over when there are enough, on a flush, or when a
//! reader waits for them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::faults::Client;
use super::partition::TransactionNumber;
use super::state::{PartitionNumber, Shared, State, lock};
use super::topic::TopicConfig;
use super::transaction::{Outcome, Owner};
use crate::log::{Batch, Group, Offsets, OutTopic, Outgoing, Producer};
use crate::record::RawRecord;
use crate::{Error, Kind, Result};

/// That many bytes that wait are handed over.
const PENDING_BYTES_MAX: usize = 256 << 10;
/// That many records that wait are handed over.
const PENDING_RECORDS_MAX: usize = 4096;

pub(super) struct MemoryProducer {
    shared: Arc<Shared>,
    client: Arc<Client>,
    pending: Arc<Mutex<Pending>>,
    transactions: Option<Owner>,
}

/// Records that are not handed over yet.
pub(super) struct Pending {
    client: Arc<Client>,
    topics: Vec<Topic>,
    /// Lanes with records, as topic and partition, in the order of their first record.
    filled: Vec<(usize, usize)>,
    bytes: usize,
    records: usize,
    /// Whose transaction they belong to, and its number.
    transaction: Option<(Owner, TransactionNumber)>,
    failure: Option<Failure>,
}

/// A topic as this producer has it.
struct Topic {
    name: Arc<str>,
    config: Arc<TopicConfig>,
    lanes: Vec<Lane>,
}

/// The records that wait for one partition.
struct Lane {
    partition: PartitionNumber,
    awaited: Arc<AtomicUsize>,
    records: Batch,
    /// Behind the last record that was handed over.
    acknowledged: Option<i64>,
}

/// The first record or batch that failed since the last flush.
#[derive(Clone)]
struct Failure {
    kind: Kind,
    message: String,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { kind: error.kind(), message: error.to_string() }
    }
}

impl Failure {
    fn error(&self) -> Error {
        Error::new(self.kind, self.message.clone())
    }
}

impl MemoryProducer {
    pub(super) fn new(shared: Arc<Shared>, client: Arc<Client>, transactional_id: Option<&str>) -> Result<Self> {
        let transactions = match transactional_id {
            Some(id) => Some(client.call(&shared.faults, "fence earlier producers", || Ok(shared.lock().fence(id)))?),
            None => None,
        };
        let pending = Arc::new(Mutex::new(Pending::new(Arc::clone(&client))));
        if transactions.is_none() {
            shared.register(&pending);
        } else {
            // Fencing may have ended a transaction that readers wait for.
            shared.arrived.notify_all();
        }
        Ok(Self { shared, client, pending, transactions })
    }

    fn owner(&self) -> Result<&Owner> {
        self.transactions.as_ref().ok_or_else(|| {
            Error::new(Kind::Invalid, "a producer without a transactional id has no transactions; make it with one")
        })
    }

    /// The owner and number of the transaction that is open.
    fn open(&self) -> Result<(Owner, TransactionNumber)> {
        self.owner()?;
        lock(&self.pending).transaction.clone().ok_or_else(|| {
            Error::new(Kind::Invalid, "no transaction is open: begin one before it is committed or aborted")
        })
    }
}

impl Producer for MemoryProducer {
    fn topic(&mut self, topic: &str) -> Result<(OutTopic, i32)> {
        self.client.call(&self.shared.faults, "describe a topic", || {
            let mut pending = lock(&self.pending);
            let known = pending.topics.iter().position(|known| &*known.name == topic);
            let index = match known {
                Some(index) => index,
                None => {
                    let opened = Topic::open(topic, &self.shared.lock())?;
                    pending.topics.push(opened);
                    pending.topics.len() - 1
                }
            };
            let partitions = pending.topics[index].lanes.len();
            let number = u32::try_from(index).expect("a producer has fewer topics than that");
            Ok((OutTopic(number), i32::try_from(partitions).expect("a topic's partitions are counted in 32 bits")))
        })
    }

    fn send(&mut self, record: Outgoing<'_>) -> Result<()> {
        let mut pending = lock(&self.pending);
        if let Some(failure) = &pending.failure {
            return Err(failure.error());
        }
        if self.transactions.is_some() && pending.transaction.is_none() {
            return Err(Error::new(Kind::Invalid, "no transaction is open: begin one before records are sent"));
        }
        if pending.push(record)? {
            pending.hand_over(&self.shared);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let mut pending = lock(&self.pending);
        pending.hand_over(&self.shared);
        pending.failure.take().map_or(Ok(()), |failure| Err(failure.error()))
    }

    fn acknowledged(&mut self, topic: OutTopic, partition: i32) -> Option<i64> {
        let pending = lock(&self.pending);
        let lane = usize::try_from(partition).ok()?;
        pending.topics.get(topic.0 as usize)?.lanes.get(lane)?.acknowledged
    }

    fn begin(&mut self) -> Result<()> {
        self.client.check()?;
        let owner = self.owner()?.clone();
        let mut pending = lock(&self.pending);
        if pending.transaction.is_some() {
            return Err(Error::new(Kind::Invalid, "a transaction is open already: commit or abort it first"));
        }
        let number = self.shared.lock().begin(&owner)?;
        pending.transaction = Some((owner, number));
        Ok(())
    }

    fn commit(&mut self, offsets: &Offsets, group: &dyn Group) -> Result<()> {
        let (owner, number) = self.open()?;
        self.flush()?;
        let mut state = self.shared.lock();
        let faults = &self.shared.faults;
        if !offsets.is_empty() {
            let add = || state.add_offsets(&owner, number, offsets, group);
            self.client.call(faults, "add offsets to a transaction", add)?;
        }
        let end = || state.end(&owner, number, Outcome::Committed);
        self.client.call(faults, "commit a transaction", end)?;
        drop(state);
        lock(&self.pending).transaction = None;
        self.shared.arrived.notify_all();
        Ok(())
    }

    fn abort(&mut self) -> Result<()> {
        let (owner, number) = self.open()?;
        let mut pending = lock(&self.pending);
        pending.discard();
        let end = || self.shared.lock().end(&owner, number, Outcome::Aborted);
        self.client.call(&self.shared.faults, "abort a transaction", end)?;
        pending.transaction = None;
        self.shared.arrived.notify_all();
        Ok(())
    }
}

impl Topic {
    fn open(name: &str, state: &State) -> Result<Self> {
        let topic = state.topic(name)?;
        let lane = |index| {
            let partition = topic.partition(index).expect("the topic has as many partitions as it says");
            let awaited = Arc::clone(&state.partition(partition).awaited);
            Lane { partition, awaited, records: Batch::default(), acknowledged: None }
        };
        let lanes = (0..topic.partitions).map(lane).collect();
        Ok(Self { name: name.into(), config: Arc::clone(&topic.config), lanes })
    }

    /// Refuses what a broker would refuse.
    fn check(&self, record: &Outgoing<'_>) -> Result<usize> {
        let refuse = |why: String| {
            let message = format!("a record for {}-{} is refused: {why}", self.name, record.partition);
            Err(Error::new(Kind::Invalid, message))
        };
        let Some(lane) = usize::try_from(record.partition).ok().filter(|lane| *lane < self.lanes.len()) else {
            return refuse(format!("the topic has {} partitions", self.lanes.len()));
        };
        let bytes = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        if bytes > self.config.record_bytes_max {
            let limit = self.config.record_bytes_max;
            return refuse(format!("its {bytes} bytes exceed the topic's max.message.bytes of {limit}"));
        }
        if record.key.is_none() && self.config.is_compacted() {
            return refuse("a topic that is compacted takes no record without a key".to_owned());
        }
        Ok(lane)
    }
}

impl Pending {
    fn new(client: Arc<Client>) -> Self {
        Self { client, topics: Vec::new(), filled: Vec::new(), bytes: 0, records: 0, transaction: None, failure: None }
    }

    /// Adds a record and tells whether the time to hand over has come.
    fn push(&mut self, record: Outgoing<'_>) -> Result<bool> {
        let index = record.topic.0 as usize;
        let topic = self.topics.get_mut(index).ok_or_else(|| {
            Error::new(Kind::Invalid, format!("this producer has not numbered a topic {index}; ask it for one first"))
        })?;
        let number = topic.check(&record)?;
        let lane = &mut topic.lanes[number];
        if lane.records.is_empty() {
            self.filled.push((index, number));
        }
        let before = lane.records.size_bytes();
        let Outgoing { key, value, timestamp, headers, .. } = record;
        lane.records.push(0, RawRecord { offset: 0, timestamp, key, value, headers });
        self.bytes += lane.records.size_bytes() - before;
        self.records += 1;
        let awaited = self.transaction.is_none() && lane.awaited.load(Ordering::Relaxed) > 0;
        Ok(awaited || self.bytes >= PENDING_BYTES_MAX || self.records >= PENDING_RECORDS_MAX)
    }

    /// Appends what waits to the partitions. A failure is told by the next send and by the next flush.
    pub(super) fn hand_over(&mut self, shared: &Shared) {
        if self.filled.is_empty() {
            return;
        }
        let client = Arc::clone(&self.client);
        if let Err(error) = client.call(&shared.faults, "hand over records", || self.append(shared)) {
            self.failure.get_or_insert_with(|| error.into());
        }
        self.discard();
    }

    fn append(&mut self, shared: &Shared) -> Result<()> {
        let mut state = shared.lock();
        let number = match &self.transaction {
            Some((owner, number)) => {
                let lanes = self.filled.iter().map(|(topic, lane)| self.topics[*topic].lanes[*lane].partition);
                state.add_partitions(owner, *number, lanes)?;
                *number
            }
            None => TransactionNumber::NONE,
        };
        let mut awaited = false;
        for (topic, lane) in &self.filled {
            let lane = &mut self.topics[*topic].lanes[*lane];
            let partition = state.partition_mut(lane.partition);
            partition.append(&lane.records, number);
            lane.acknowledged = Some(partition.end());
            awaited |= lane.awaited.load(Ordering::Relaxed) > 0;
        }
        drop(state);
        if awaited {
            shared.arrived.notify_all();
        }
        Ok(())
    }

    /// Forgets what waits.
    fn discard(&mut self) {
        for (topic, lane) in self.filled.drain(..) {
            self.topics[topic].lanes[lane].records.clear();
        }
        (self.bytes, self.records) = (0, 0);
    }
}
