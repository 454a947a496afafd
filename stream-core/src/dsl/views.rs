//! Views of tables: how a running node reads another table's current values out of the store that keeps them.

use std::cell::RefCell;
use std::rc::Rc;

use state_store::{KeyValueStore, WindowStore, Windowed};

use crate::node::table::ViewRef;
use crate::plan::table::WireView;
use crate::plan::{NodeId, StoreId};
use crate::record::Data;

/// The view of a table that is kept in the key-value store `store`.
pub(crate) fn key_value_view<K: Data, V: Data>(node: NodeId, store: StoreId) -> WireView {
    Box::new(move |task| {
        let view: Rc<RefCell<KeyValueStore<K, V>>> = task.store(store)?;
        let view: ViewRef<K, V> = view;
        task.install_view(node, view);
        Ok(())
    })
}

/// The view of the table `node`, whose key-value store may be made after the node.
pub(crate) fn source_view<K: Data, V: Data>(node: NodeId) -> WireView {
    Box::new(move |task| {
        let store = task.table_store(node).expect("a table is kept from the moment that it is read");
        key_value_view::<K, V>(node, store)(task)
    })
}

/// The view of a table that is kept in the window store `store`.
pub(crate) fn window_view<K: Data, V: Data>(node: NodeId, store: StoreId) -> WireView {
    Box::new(move |task| {
        let view: Rc<RefCell<WindowStore<K, V>>> = task.store(store)?;
        let view: ViewRef<Windowed<K>, V> = view;
        task.install_view(node, view);
        Ok(())
    })
}
