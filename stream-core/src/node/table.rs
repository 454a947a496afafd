//! Tables that are kept: a store in front of whoever reads the changes, and the views that others read.

use std::cell::RefCell;
use std::rc::Rc;

use state_store::{KeyValueStore, Stamped, WindowStore, Windowed};

use crate::Result;
use crate::record::Data;

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
