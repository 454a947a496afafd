//! Aggregations without windows: one table update a record, or one a key and commit where the store caches.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use state_store::{Drained, KeyValueStore, Stamped, Updated};

use crate::Result;
use crate::node::nulls::Nulls;
use crate::node::{Node, Outlet, Push};
use crate::record::{Change, Data, Record, Timestamp};
use crate::task::context::TaskContext;

/// What an absent aggregate begins as.
pub(crate) type Begin<A> = Arc<dyn Fn() -> Option<A> + Send + Sync>;

/// Count, reduce and aggregate. `step` makes the new aggregate of key, value and the old one.
pub(crate) struct Aggregate<K, V, A, F> {
    pub(crate) store: Rc<RefCell<KeyValueStore<K, A>>>,
    /// Records without a key or without a value are dropped.
    pub(crate) keys: Nulls<K>,
    pub(crate) values: Nulls<V>,
    pub(crate) step: F,
    /// Where changes carry old values: what stands for one that is absent. Kafka Streams takes the initial aggregate
    /// there, unless the store caches.
    pub(crate) old: Option<Begin<A>>,
    pub(crate) outlet: Outlet<K, Change<A>>,
    /// Reused from flush to flush.
    pub(crate) drained: Vec<Drained<K, A>>,
}

impl<K, V, A, F> Push<K, V> for Aggregate<K, V, A, F>
where
    K: Data,
    V: Data,
    A: Data,
    F: Fn(&K, &V, Option<A>) -> Option<A>,
{
    fn push(&mut self, record: Record<K, V>, task: &mut TaskContext) -> Result<()> {
        if self.keys.is_null(&record.key) || self.values.is_null(&record.value) {
            task.drop_record();
            return Ok(());
        }
        let Record { key, value, timestamp, headers } = record;
        let (step, mut latest) = (&self.step, timestamp);
        let updated = self.store.borrow_mut().update(&key, &headers, task, |old| {
            let old = old.map(|old| {
                latest = latest.max(old.timestamp);
                old.value
            });
            stamped(step(&key, &value, old), latest, timestamp)
        })?;
        match updated {
            Updated::Deferred => Ok(()),
            Updated::Now(Stamped { mut value, .. }) => {
                let timestamp = latest;
                if value.old.is_none() {
                    value.old = self.old.as_ref().and_then(|begin| begin());
                }
                self.outlet.forward(Record { key, value, timestamp, headers }, task)
            }
        }
    }
}

impl<K: Data, V: Data, A: Data, F> Node for Aggregate<K, V, A, F> {
    fn flush(&mut self, task: &mut TaskContext) -> Result<()> {
        self.store.borrow_mut().drain(task, &mut self.drained)?;
        forward_drained(&mut self.drained, &self.outlet, task)
    }
}

/// An aggregate as it is stored: at the latest of its records. A deletion is logged at the record that made it.
#[inline]
pub(crate) fn stamped<A>(value: Option<A>, latest: Timestamp, record: Timestamp) -> Stamped<Option<A>> {
    let timestamp = if value.is_some() { latest } else { record };
    Stamped { value, timestamp }
}

/// Passes on what a caching store held back. The store is not borrowed: a node downstream may read it.
pub(crate) fn forward_drained<K: Data, A: Data>(
    drained: &mut Vec<Drained<K, A>>,
    outlet: &Outlet<K, Change<A>>,
    task: &mut TaskContext,
) -> Result<()> {
    for Drained { key, change, timestamp, headers } in drained.drain(..) {
        outlet.forward(Record { key, value: change, timestamp, headers }, task)?;
    }
    Ok(())
}
