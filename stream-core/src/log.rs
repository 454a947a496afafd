//! What a log must give: records in, records out, topics, and the group that shares the work.
//!
//! ```text
//!            ┌ Consumer ── poll ─▶ Batch (an arena of raw records)
//!   Log ─────┤ Producer ◀─ send ── outputs, changelogs, repartitions; flush, or a transaction with offsets
//!   (the     │ Admin    ── topics, partitions, offsets, deletion of processed records
//!   factory) └ Group    ── membership: joined, assigned, lost; offsets committed by its members
//! ```
//!
//! Implementations: [`memory`](crate::memory) in this crate, Apache Kafka in `stream-kafka`, Kinesis in
//! `stream-kinesis`. All that can serve it pass [`testing::log_conformance`](crate::testing).
//!
//! Rules:
//! * everything blocks at most as long as its time limit, and says then what it waited for;
//! * offsets of a partition only grow; gaps are allowed (compaction, transaction markers), so an end is compared
//!   with the *position*, never with the last record;
//! * a batch belongs to its caller: nothing of a consumer is borrowed while records are processed.

mod batch;

use std::collections::BTreeMap;
use std::time::Duration;

pub use batch::Batch;

use crate::Result;
use crate::record::{Headers, Timestamp, TopicPartition};

/// Makes the clients of one log. Shared by all threads of an instance.
pub trait Log: Send + Sync {
    /// A consumer for `client_id`.
    ///
    /// # Errors
    /// `Kind::Invalid` for settings that the log refuses.
    fn consumer(&self, client_id: &str, isolation: Isolation) -> Result<Box<dyn Consumer>>;

    /// A producer; with a transactional id it fences every earlier one of the same id.
    ///
    /// # Errors
    /// `Kind::Invalid` for settings that the log refuses or a guarantee that it cannot give.
    fn producer(&self, client_id: &str, transactional_id: Option<&str>) -> Result<Box<dyn Producer>>;

    /// An administrator.
    ///
    /// # Errors
    /// `Kind::Invalid` for settings that the log refuses.
    fn admin(&self) -> Result<Box<dyn Admin>>;

    /// Joins `member.group`. Returns once the member is in; what it may run comes as events.
    ///
    /// # Errors
    /// `Kind::Refused` where another instance runs, `Kind::Retry` where the log does not answer in time.
    fn join(&self, member: &Member) -> Result<Box<dyn Group>>;
}

/// What a consumer sees of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Everything.
    ReadUncommitted,
    /// Nothing of an aborted or open transaction.
    ReadCommitted,
}

/// Where a partition is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// The first record there is.
    Beginning,
    /// Past the last.
    End,
    /// A given offset; one that is gone is an `OffsetGone` event of the poll.
    Offset(i64),
}

/// What a poll found besides records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollEvent {
    /// The offset asked for is not there (any more). Nothing is read from the partition until it is assigned anew.
    OffsetGone {
        /// Number of the partition in the assignment.
        source: usize,
        /// The offset asked for.
        offset: i64,
    },
}

/// Reads the partitions it was assigned, in the order of their offsets.
pub trait Consumer: Send {
    /// Replaces the assignment. The index of a partition in `partitions` is its number in batches. A partition that
    /// was assigned before and is given with `None` goes on where it is.
    ///
    /// # Errors
    /// `Kind::Invalid` for an unknown partition, `Kind::Retry` where the log does not answer.
    fn assign(&mut self, partitions: &[(TopicPartition, Option<StartAt>)]) -> Result<()>;

    /// Waits up to `timeout` for a first record, then takes what is there, up to `records_max`, into `batch`
    /// (cleared first).
    ///
    /// # Errors
    /// What the log says of a partition, with topic and partition.
    fn poll(&mut self, timeout: Duration, records_max: usize, batch: &mut Batch) -> Result<Option<PollEvent>>;

    /// Stops (or, with [`resume`](Consumer::resume), goes on) reading the partition numbered `source`.
    ///
    /// # Errors
    /// `Kind::Invalid` for an unknown partition.
    fn pause(&mut self, source: usize) -> Result<()>;

    /// Goes on reading.
    ///
    /// # Errors
    /// `Kind::Invalid` for an unknown partition.
    fn resume(&mut self, source: usize) -> Result<()>;

    /// The offset of the next record to be polled, past any gaps.
    ///
    /// # Errors
    /// `Kind::Invalid` for an unknown partition.
    fn position(&mut self, source: usize) -> Result<i64>;

    /// How many offsets lie between the position and the end that the log last told; `None` where it has not told.
    fn lag(&mut self, source: usize) -> Option<u64>;
}

/// A topic as a producer numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutTopic(pub u32);

/// A record on its way out.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Its topic.
    pub topic: OutTopic,
    /// Its partition.
    pub partition: i32,
    /// Key bytes.
    pub key: Option<&'a [u8]>,
    /// Value bytes.
    pub value: Option<&'a [u8]>,
    /// Event time.
    pub timestamp: Timestamp,
    /// Headers.
    pub headers: &'a Headers,
}

/// Writes records. Order is kept per partition. A failed record fails the next [`flush`](Producer::flush).
pub trait Producer: Send {
    /// The number of `topic` and how many partitions it has.
    ///
    /// # Errors
    /// `Kind::Invalid` where there is no such topic, `Kind::Retry` where the log does not answer.
    fn topic(&mut self, topic: &str) -> Result<(OutTopic, i32)>;

    /// Takes a record; waits while the queue is full (bounded), which is the backpressure.
    ///
    /// # Errors
    /// The first failure of any earlier record, with topic and partition; `Kind::Retry` where the queue stays full.
    fn send(&mut self, record: Outgoing<'_>) -> Result<()>;

    /// Sends on what the producer has gathered to send it together. Called when a thread has done all that it could, so
    /// that a record waits for company no longer than that; a log that gathers nothing has nothing to do.
    ///
    /// # Errors
    /// As of [`send`](Producer::send).
    fn hand_over(&mut self) -> Result<()> {
        Ok(())
    }

    /// Waits until every record sent is acknowledged.
    ///
    /// # Errors
    /// The first failure of any record since the last flush.
    fn flush(&mut self) -> Result<()>;

    /// The offset behind the last record of this producer that the log has acknowledged in a partition; `None` where
    /// there is none yet. After a [`flush`](Producer::flush) that is everything sent. A changelog's only writer knows
    /// from it how much of the changelog its store has.
    fn acknowledged(&mut self, topic: OutTopic, partition: i32) -> Option<i64>;

    /// Begins a transaction.
    ///
    /// # Errors
    /// `Kind::Migrated` where a newer producer has fenced this one, `Kind::Invalid` without a transactional id.
    fn begin(&mut self) -> Result<()>;

    /// Makes `offsets` of the group part of the transaction, then ends it: all of it is visible, or nothing.
    ///
    /// # Errors
    /// `Kind::Migrated` where fenced; `Kind::Retry` where the outcome is unknown: discard the producer and what it
    /// sent, and read the committed offsets.
    fn commit(&mut self, offsets: &Offsets, group: &dyn Group) -> Result<()>;

    /// Ends the transaction without a trace for readers of committed records.
    ///
    /// # Errors
    /// `Kind::Migrated` where fenced.
    fn abort(&mut self) -> Result<()>;
}

/// Offsets to commit, with the metadata that Kafka Streams keeps beside them.
pub type Offsets = BTreeMap<TopicPartition, CommittedOffset>;

/// A committed offset: the next record to process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next offset.
    pub offset: i64,
    /// Metadata: partition time, in Kafka Streams' encoding.
    pub metadata: String,
}

/// A topic to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: i32,
    /// Replication factor; −1 for the log's default.
    pub replication: i16,
    /// Settings of the topic.
    pub config: BTreeMap<String, String>,
}

/// First offset and the one past the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetRange {
    /// First record there is.
    pub beginning: i64,
    /// Past the last, open transactions included (high watermark).
    pub end: i64,
}

/// Looks after topics and offsets.
pub trait Admin: Send {
    /// Partition counts of the topics among `names` that exist.
    ///
    /// # Errors
    /// `Kind::Retry` where the log does not answer, saying which address was asked.
    fn partitions(&mut self, names: &[&str]) -> Result<BTreeMap<String, i32>>;

    /// Makes topics; one that exists already is left as it is.
    ///
    /// # Errors
    /// `Kind::Invalid` where the log refuses one, with its reason; `Kind::Retry`.
    fn create(&mut self, topics: &[NewTopic]) -> Result<()>;

    /// Settings of a topic that matter to us (`cleanup.policy`, `retention.ms`, …).
    ///
    /// # Errors
    /// `Kind::Invalid` for an unknown topic; `Kind::Retry`.
    fn config(&mut self, topic: &str) -> Result<BTreeMap<String, String>>;

    /// Where the records of partitions lie now.
    ///
    /// # Errors
    /// `Kind::Invalid` for an unknown partition; `Kind::Retry`.
    fn offsets(&mut self, partitions: &[TopicPartition]) -> Result<BTreeMap<TopicPartition, OffsetRange>>;

    /// Stable committed offsets of a group: waits for open transactions rather than read past them. A partition
    /// without one is absent.
    ///
    /// # Errors
    /// `Kind::Retry`: a time-out is never "no offset".
    fn committed(&mut self, group: &str, partitions: &[TopicPartition]) -> Result<Offsets>;

    /// Deletes the records before each offset.
    ///
    /// # Errors
    /// `Kind::Retry`, `Kind::Invalid`.
    fn delete_records(&mut self, before: &BTreeMap<TopicPartition, i64>) -> Result<()>;
}

/// Who joins a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// The group: the application id.
    pub group: String,
    /// Client id.
    pub client_id: String,
    /// The process's id, kept in the state directory.
    pub process_id: [u8; 16],
    /// The id the log gave this member when it last joined, kept in the state directory: with it a restarted process
    /// takes its place back at once.
    pub member_id: Option<String>,
    /// Source topics.
    pub topics: Vec<String>,
    /// A member that is silent for this long is dead.
    pub session_timeout: Duration,
    /// How long members have to join again in a rebalance.
    pub rebalance_timeout: Duration,
}

/// What a member must react to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// The member is out: its tasks belong to somebody else. Close them without a commit.
    Lost {
        /// Why, for the log.
        reason: String,
    },
}

/// A membership. It lives by itself (heartbeats run beside the caller) until it is left or dropped.
pub trait Group: Send + Sync {
    /// The group's name: the application id.
    fn group_id(&self) -> &str;

    /// The id the log gave this member.
    fn member_id(&self) -> String;

    /// The generation of the membership.
    fn generation(&self) -> i32;

    /// What happened since the last call.
    fn poll(&self) -> Option<GroupEvent>;

    /// Commits offsets as this member.
    ///
    /// # Errors
    /// `Kind::Migrated` where the member is out; `Kind::Retry` where the outcome is unknown.
    fn commit(&self, offsets: &Offsets) -> Result<()>;

    /// Leaves, so that a successor need not wait for the session to run out.
    ///
    /// # Errors
    /// `Kind::Retry` where the log does not answer.
    fn leave(&self) -> Result<()>;
}
