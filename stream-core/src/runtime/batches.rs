//! Batches that are polled into, again and again: one is free once no queue holds a record of it.

use std::rc::Rc;

use crate::log::Batch;

/// More than this many are not kept.
const KEPT_MAX: usize = 8;

/// Batches of one thread.
#[derive(Default)]
pub(crate) struct Batches {
    kept: Vec<Rc<Batch>>,
}

impl Batches {
    /// A batch that nobody else holds.
    pub(crate) fn take(&mut self) -> Rc<Batch> {
        let free = self.kept.iter().position(|batch| Rc::strong_count(batch) == 1);
        free.map_or_else(Rc::default, |index| self.kept.swap_remove(index))
    }

    /// Keeps a batch for later.
    pub(crate) fn give(&mut self, batch: Rc<Batch>) {
        if self.kept.len() < KEPT_MAX {
            self.kept.push(batch);
        }
    }
}
