//! The unit aligned with a partition: one partition of one subtopology, with its queues, timers, nodes and stores.
//!
//! ```text
//! batches ─▶ queues ─ lowest timestamp ─▶ source ─▶ nodes ─▶ sinks ─▶ collector
//!                                                    │ stores ──────▶ collector (changelogs)
//! ```
//! A task never leaves its thread. It is wired anew wherever its state goes.

pub(crate) mod builder;
pub(crate) mod context;
pub(crate) mod queues;
pub(crate) mod stores;
pub(crate) mod timers;

use std::fmt;

pub use timers::{PunctuationType, TimerId};

/// A task: subtopology and partition, written `0_3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    /// Number of the subtopology.
    pub subtopology: u32,
    /// Number of the partition.
    pub partition: i32,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.subtopology, self.partition)
    }
}
