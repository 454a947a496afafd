//! Tables that are kept: a store in front of whoever reads the changes, and the views that others read.

use std::cell::RefCell;
use std::rc::Rc;

use state_store::{Drained, KeyValueStore, Stamped, Updated, WindowStore, Windowed};

use crate::Result;
use crate::node::aggregate::forward_drained;
use crate::node::nulls::Nulls;
use crate::node::{Node, Outlet, Push};
use crate::nullable::Nullable;
use crate::record::{Change, Data, Record};
use crate::task::context::TaskContext;

/// A table made of a topic or a stream: null keys are dropped, null values delete.
pub(crate) struct Table<K, V> {
    /// `None` where nothing reads the table: its changes pass through, without old values.
    pub(crate) rows: Option<Rows<K, V>>,
    /// Null as the codecs have it, beside the types' own.
    pub(crate) keys: Nulls<K>,
    pub(crate) values: Nulls<V>,
    pub(crate) outlet: Outlet<K, Change<V>>,
}

impl<K: Data, V: Data, KN: Nullable<K>, VN: Nullable<V>> Push<KN, VN> for Table<K, V> {
    fn push(&mut self, record: Record<KN, VN>, task: &mut TaskContext) -> Result<()> {
        let Record { key, value, timestamp, headers } = record;
        let Some(key) = key.into_option().and_then(|key| self.keys.present(key)) else {
            task.drop_record();
            return Ok(());
        };
        let value = value.into_option().and_then(|value| self.values.present(value));
        let record = Record { key, value, timestamp, headers };
        match &mut self.rows {
            Some(rows) => rows.put(record, &self.outlet, task),
            None => {
                let Record { key, value, timestamp, headers } = record;
                let value = Change { old: None, new: value };
                self.outlet.forward(Record { key, value, timestamp, headers }, task)
            }
        }
    }
}

impl<K: Data, V: Data> Node for Table<K, V> {
    fn flush(&mut self, task: &mut TaskContext) -> Result<()> {
        self.rows.as_mut().map_or(Ok(()), |rows| rows.drain(&self.outlet, task))
    }
}

/// The store in which a table's node keeps its rows.
pub(crate) struct Rows<K, V> {
    store: Rc<RefCell<KeyValueStore<K, V>>>,
    /// Reused from flush to flush.
    drained: Vec<Drained<K, V>>,
}

impl<K: Data, V: Data> Rows<K, V> {
    pub(crate) fn new(store: Rc<RefCell<KeyValueStore<K, V>>>) -> Self {
        Self { store, drained: Vec::new() }
    }

    /// Whether `key` has a value.
    pub(crate) fn has(&self, key: &K) -> Result<bool> {
        Ok(self.store.borrow_mut().get(key)?.is_some())
    }

    /// Stores a row, or deletes it where the value is `None`, and passes the change on unless the store caches.
    pub(crate) fn put(
        &mut self,
        record: Record<K, Option<V>>,
        outlet: &Outlet<K, Change<V>>,
        task: &mut TaskContext,
    ) -> Result<()> {
        let Record { key, value, timestamp, headers } = record;
        let updated = self.store.borrow_mut().put(&key, value, timestamp, &headers, task)?;
        match updated {
            Updated::Deferred => Ok(()),
            Updated::Now(Stamped { value, .. }) => outlet.forward(Record { key, value, timestamp, headers }, task),
        }
    }

    /// Passes on what the store's cache holds back.
    pub(crate) fn drain(&mut self, outlet: &Outlet<K, Change<V>>, task: &mut TaskContext) -> Result<()> {
        self.store.borrow_mut().drain(task, &mut self.drained)?;
        forward_drained(&mut self.drained, outlet, task)
    }
}

/// The current values of a table, kept or computed.
pub(crate) trait TableView<K, V> {
    /// The value of `key` and the timestamp of its last update.
    fn get(&self, key: &K) -> Result<Option<Stamped<V>>>;
}

/// A view as it is shared between readers of one task.
pub(crate) type ViewRef<K, V> = Rc<dyn TableView<K, V>>;

/// A view of a key-value store.
impl<K: Data, V: Data> TableView<K, V> for RefCell<KeyValueStore<K, V>> {
    fn get(&self, key: &K) -> Result<Option<Stamped<V>>> {
        Ok(self.borrow_mut().get(key)?)
    }
}

/// A view of a window store.
impl<K: Data, V: Data> TableView<Windowed<K>, V> for RefCell<WindowStore<K, V>> {
    fn get(&self, key: &Windowed<K>) -> Result<Option<Stamped<V>>> {
        Ok(self.borrow_mut().get(&key.key, key.window.start)?)
    }
}
