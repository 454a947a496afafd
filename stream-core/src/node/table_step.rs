//! `filter` and `map_values` of tables: a row is computed from the parent's row, and kept only where it has a store.

use std::sync::Arc;

use state_store::Stamped;

use crate::Result;
use crate::node::table::{Rows, TableView, ViewRef};
use crate::node::{Node, Outlet, Push};
use crate::record::{Change, Data, Record};
use crate::task::context::TaskContext;

/// A running step. `compute` makes a row of the parent's row; `None` where there is none.
pub(crate) struct TableStep<F, K, W> {
    pub(crate) compute: Arc<F>,
    pub(crate) rows: Option<Rows<K, W>>,
    pub(crate) old_values: OldValuesSent,
    pub(crate) nothing: Nothing,
    pub(crate) outlet: Outlet<K, Change<W>>,
}

/// Whether changes carry the old value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OldValuesSent {
    Yes,
    No,
}

/// What becomes of a change from nothing to nothing, where old values tell that it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// `filter`: it is no change.
    Stops,
    /// `map_values`: it deletes once more.
    Passes,
}

impl<F, K: Data, V: Data, W: Data> Push<K, Change<V>> for TableStep<F, K, W>
where
    F: Fn(&K, V) -> Option<W>,
{
    fn push(&mut self, record: Record<K, Change<V>>, task: &mut TaskContext) -> Result<()> {
        let Record { key, value: Change { old, new }, timestamp, headers } = record;
        let new = new.and_then(|value| (self.compute)(&key, value));
        let stops = self.nothing == Nothing::Stops && self.old_values == OldValuesSent::Yes && new.is_none();
        match &mut self.rows {
            Some(rows) => {
                if stops && !rows.has(&key)? {
                    return Ok(());
                }
                rows.put(Record { key, value: new, timestamp, headers }, &self.outlet, task)
            }
            None => {
                let old = match self.old_values {
                    OldValuesSent::Yes => old.and_then(|value| (self.compute)(&key, value)),
                    OldValuesSent::No => None,
                };
                if stops && old.is_none() {
                    return Ok(());
                }
                self.outlet.forward(Record { key, value: Change { old, new }, timestamp, headers }, task)
            }
        }
    }
}

impl<F, K: Data, W: Data> Node for TableStep<F, K, W> {
    fn flush(&mut self, task: &mut TaskContext) -> Result<()> {
        self.rows.as_mut().map_or(Ok(()), |rows| rows.drain(&self.outlet, task))
    }
}

/// The view of a step without a store: the parent's row, computed again for each reader.
pub(crate) struct ComputedView<F, K, V> {
    pub(crate) parent: ViewRef<K, V>,
    pub(crate) compute: Arc<F>,
}

impl<F, K: Data, V: Data, W: Data> TableView<K, W> for ComputedView<F, K, V>
where
    F: Fn(&K, V) -> Option<W>,
{
    fn get(&self, key: &K) -> Result<Option<Stamped<W>>> {
        let Some(Stamped { value, timestamp }) = self.parent.get(key)? else { return Ok(None) };
        Ok((self.compute)(key, value).map(|value| Stamped { value, timestamp }))
    }
}
