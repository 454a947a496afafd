//! The queues of a task, one per source partition, and the choice of the next record: the lowest timestamp.
//!
//! Records stay in the batches they were polled in; only the head of a queue is decoded. Ties are broken as by Java's
//! `PriorityQueue`, so that results equal Kafka Streams' to the record: see [`Heads`].

use crate::Result;
use crate::record::{RawRecord, Timestamp};
use crate::task::context::TaskContext;

/// The typed head of a queue.
pub(crate) trait Head {
    /// Decodes `raw` and keeps it as the next record; its timestamp, negative if it is to be dropped.
    fn load(&mut self, raw: RawRecord<'_>, partition_time: Timestamp) -> Result<Timestamp>;

    /// Pushes the loaded record through the topology.
    fn process(&mut self, task: &mut TaskContext) -> Result<()>;
}
