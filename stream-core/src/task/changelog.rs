//! The changelogs of a task: which store each one backs up, and up to which offset the store has it.
//!
//! A position is the offset behind the last changelog record that is in the store. It is written with the rows it tells
//! about, in one batch, so after a crash the store is at an earlier position and reads the rest of the changelog.

use state_store::backend::{Batch, SharedBackend, Table};
use state_store::positions::Positions;

use crate::Result;
use crate::log::OutTopic;
use crate::record::TopicPartition;
use crate::task::stores::Backends;

/// The changelog of one store.
#[derive(Clone, Debug)]
pub(crate) struct Changelog {
    pub(crate) partition: TopicPartition,
    /// As the producer numbers it.
    pub(crate) topic: OutTopic,
    /// Index among the stores of the task.
    pub(crate) store: usize,
    pub(crate) store_name: String,
    pub(crate) in_memory: bool,
    /// Behind the last record that the store has.
    pub(crate) position: i64,
}

/// All changelogs of a task.
#[derive(Default)]
pub(crate) struct Changelogs {
    pub(crate) list: Vec<Changelog>,
    /// Where positions are kept: with the rows on disk, and with those in memory.
    tables: Option<(Table, Table)>,
}

impl Changelogs {
    pub(crate) fn new(list: Vec<Changelog>, backends: &Backends) -> Result<Self> {
        if list.is_empty() {
            return Ok(Self::default());
        }
        let table = |backend: &SharedBackend| Positions::table(&mut **backend.borrow_mut());
        Ok(Self { list, tables: Some((table(&backends.disk)?, table(&backends.memory)?)) })
    }

    /// Moves the positions to what the producer has acknowledged: all that the stores have changed is in the log.
    pub(crate) fn advance(&mut self, partition: i32, mut acknowledged: impl FnMut(OutTopic, i32) -> Option<i64>) {
        for changelog in &mut self.list {
            if let Some(end) = acknowledged(changelog.topic, partition) {
                changelog.position = changelog.position.max(end);
            }
        }
    }

    /// Writes all positions with the rows.
    pub(crate) fn put_all(&self, disk: &mut Batch, memory: &mut Batch) {
        for index in 0..self.list.len() {
            let batch = if self.list[index].in_memory { &mut *memory } else { &mut *disk };
            self.put(index, batch);
        }
    }

    /// Writes the position of one changelog.
    pub(crate) fn put(&self, index: usize, batch: &mut Batch) {
        let Some((disk, memory)) = self.tables else { return };
        let changelog = &self.list[index];
        let table = if changelog.in_memory { memory } else { disk };
        Positions::put(batch, table, &position_name(&changelog.partition), changelog.position);
    }

    /// Changelog records up to the positions, over all stores: grows by what was logged.
    pub(crate) fn total(&self) -> i64 {
        self.list.iter().map(|changelog| changelog.position).sum()
    }
}

/// The name under which the position in a changelog is kept.
pub(crate) fn position_name(partition: &TopicPartition) -> String {
    format!("changelog:{partition}")
}
