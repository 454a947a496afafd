//! The in-process log: partitions, compaction, retention, transactions and groups, all in memory and deterministic.
//!
//! It is the default log of demonstrations and tests and the stage of the simulator; nothing of it survives the process.
//! It reads no clock but the one it is given, and what fails does so by a seed.
//!
//! ```text
//!   Producer ─ send ─▶ pending batches ─ handed over when full, flushed or awaited ─▶ Partition: chunks of records
//!   Consumer ◀─ poll: runs of records copied out of the chunks ───────────────────────┘
//! ```

mod admin;
mod consumer;
mod faults;
mod group;
mod partition;
mod producer;
mod state;
mod topic;
mod transaction;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use faults::Faults;

use crate::Result;
use crate::log::{Admin, Consumer, Group, Isolation, Log, Member, NewTopic, Producer};
use crate::time::{Clock, ManualClock};
use admin::MemoryAdmin;
use consumer::MemoryConsumer;
use faults::Client;
use producer::MemoryProducer;
use state::Shared;

/// A log in memory. Clones are handles of the same log.
///
/// ```
/// use std::time::Duration;
/// use stream_core::log::{Batch, Isolation, Log, Outgoing, StartAt};
/// use stream_core::memory::MemoryLog;
/// use stream_core::record::{Headers, Timestamp, TopicPartition};
///
/// # fn main() -> stream_core::Result<()> {
/// let log = MemoryLog::new();
/// log.create_topic("greetings", 1)?;
/// let mut producer = log.producer("writer", None)?;
/// let (topic, _partitions) = producer.topic("greetings")?;
/// let (key, value) = (Some(&b"k"[..]), Some(&b"hello"[..]));
/// producer.send(Outgoing { topic, partition: 0, key, value, timestamp: Timestamp(1), headers: &Headers::EMPTY })?;
/// producer.flush()?;
///
/// let mut consumer = log.consumer("reader", Isolation::ReadCommitted)?;
/// consumer.assign(&[(TopicPartition::new("greetings", 0), Some(StartAt::Beginning))])?;
/// let mut batch = Batch::default();
/// consumer.poll(Duration::ZERO, 100, &mut batch)?;
/// assert_eq!(batch.get(0).1.value, value);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryLog {
    shared: Arc<Shared>,
}

impl MemoryLog {
    /// An empty log whose clock stands still: no record grows too old, no silent member dies by itself.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(ManualClock::default()))
    }

    /// An empty log that measures the age of records and the silence of members with `clock`.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared::new(clock)) }
    }

    /// Makes a topic with the default settings.
    ///
    /// # Errors
    /// `Kind::Invalid` for a name or a number of partitions that no log takes.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<()> {
        let topic = NewTopic { name: name.to_owned(), partitions, replication: -1, config: Default::default() };
        self.shared.lock().create(&topic)
    }

    /// Compacts all topics whose `cleanup.policy` says `compact`: of each key the latest record stays.
    pub fn compact(&self) {
        let now = self.shared.clock.now();
        self.shared.lock().compact(now);
    }

    /// Deletes the records that are older than their topic's `retention.ms`, by the log's clock.
    pub fn expire_records(&self) {
        let now = self.shared.clock.now();
        self.shared.lock().expire_records(now);
    }

    /// Ends the session of whoever runs `group`, as if it had been silent for too long.
    pub fn expire(&self, group: &str) {
        self.shared.lock().expire_member(group);
    }

    /// Aborts all open transactions, as if they had been open for too long.
    pub fn time_out_transactions(&self) {
        self.shared.lock().time_out_transactions();
        self.shared.arrived.notify_all();
    }

    /// Lets calls fail from now on as `faults` says; the same seed and the same calls fail in the same places.
    pub fn inject(&self, faults: Faults) {
        self.shared.faults.inject(faults);
    }

    /// Ends what [`inject`](Self::inject) began. Clients that have crashed stay so.
    pub fn heal(&self) {
        self.shared.faults.heal();
    }

    /// Crashes the clients whose id begins with `client_id`: what they have not handed over is lost, and all their
    /// later calls fail. Clients made afterwards are well.
    pub fn crash(&self, client_id: &str) {
        self.shared.faults.crash(client_id);
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryLog").field("topics", &self.shared.lock().topic_names()).finish()
    }
}

impl Log for MemoryLog {
    fn consumer(&self, client_id: &str, isolation: Isolation) -> Result<Box<dyn Consumer>> {
        let client = self.shared.faults.client(client_id);
        Ok(Box::new(MemoryConsumer::new(Arc::clone(&self.shared), client, isolation)))
    }

    fn producer(&self, client_id: &str, transactional_id: Option<&str>) -> Result<Box<dyn Producer>> {
        let client = self.shared.faults.client(client_id);
        Ok(Box::new(MemoryProducer::new(Arc::clone(&self.shared), client, transactional_id)?))
    }

    fn admin(&self) -> Result<Box<dyn Admin>> {
        Ok(Box::new(MemoryAdmin::new(Arc::clone(&self.shared), self.shared.faults.client("admin"))))
    }

    fn join(&self, member: &Member) -> Result<Box<dyn Group>> {
        let client: Arc<Client> = self.shared.faults.client(&member.client_id);
        Ok(Box::new(group::join(Arc::clone(&self.shared), client, member)?))
    }
}
