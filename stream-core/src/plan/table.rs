//! What a plan says of a table: whether it is kept in a store, and how others read its current values.
//!
//! ```text
//! Kept(store)            aggregations, named tables: the store is read
//! Reserved(store plan)   a source table that nothing reads so far: kept from the moment that something does
//! Computed(parent)       filter and map_values without a store: read through the parent, computed again
//! ```

use std::cell::RefCell;
use std::rc::Rc;

use state_store::{KeyValueStore, WindowStore, Windowed};

use crate::Result;
use crate::node::table::ViewRef;
use crate::plan::{NodeId, PlanBuilder, StoreId, StorePlan};
use crate::record::Data;
use crate::task::builder::TaskBuilder;

/// Makes the running view of a table in a task, by [`TaskBuilder::install_view`].
pub(crate) type WireView = Box<dyn Fn(&mut TaskBuilder<'_>) -> Result<()> + Send + Sync>;

/// The table side of a node.
pub(crate) struct TablePlan {
    pub(crate) rows: TableRows,
    /// The table that this one is made from, where it is.
    pub(crate) parent: Option<NodeId>,
    /// Whether its changes carry old values.
    pub(crate) send_old_values: bool,
    pub(crate) view: WireView,
}

/// Where the current values of a table are.
pub(crate) enum TableRows {
    Kept(StoreId),
    Reserved(Box<StorePlan>),
    Computed,
}

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

impl PlanBuilder {
    /// Makes the node a table whose rows are kept in `store`, which the node is then connected to.
    /// `view` is [`key_value_view`] or [`window_view`].
    pub(crate) fn keep_table(&mut self, node: NodeId, store: StoreId, parent: Option<NodeId>, view: WireView) {
        self.connect(node, store);
        let table = TablePlan { rows: TableRows::Kept(store), parent, send_old_values: false, view };
        self.node_mut(node).table = Some(table);
    }

    /// The stores that a reader of the table must be connected to. A source table is kept from now on.
    pub(crate) fn table_stores(&mut self, node: NodeId) -> Vec<StoreId> {
        let table = self.table(node);
        match &table.rows {
            TableRows::Kept(store) => vec![*store],
            TableRows::Reserved(_) => vec![self.keep_reserved(node)],
            TableRows::Computed => {
                let parent = table.parent.expect("a computed table has a parent");
                self.table_stores(parent)
            }
        }
    }

    /// Asks the table for old values. `false` where it cannot give them: it is not kept, and is not made to be.
    pub(crate) fn enable_old_values(&mut self, node: NodeId, asked: OldValues) -> bool {
        let table = self.table(node);
        if table.send_old_values {
            return true;
        }
        match (&table.rows, table.parent) {
            (TableRows::Kept(store), _) => {
                let store = *store;
                self.store_mut(store).send_old_values = true;
            }
            (TableRows::Reserved(_), _) => {
                if asked == OldValues::IfKept {
                    return false;
                }
                let store = self.keep_reserved(node);
                self.store_mut(store).send_old_values = true;
            }
            (TableRows::Computed, parent) => {
                let parent = parent.expect("a computed table has a parent");
                if !self.enable_old_values(parent, asked) {
                    return false;
                }
            }
        }
        self.table_mut(node).send_old_values = true;
        true
    }

    fn table(&self, node: NodeId) -> &TablePlan {
        self.node(node).table.as_ref().expect("a table's handle points at a table")
    }

    fn table_mut(&mut self, node: NodeId) -> &mut TablePlan {
        self.node_mut(node).table.as_mut().expect("a table's handle points at a table")
    }

    fn keep_reserved(&mut self, node: NodeId) -> StoreId {
        // Computed rows stand in while the plan of the store moves out; nothing reads them.
        let rows = std::mem::replace(&mut self.table_mut(node).rows, TableRows::Computed);
        let TableRows::Reserved(plan) = rows else { unreachable!("only reserved rows are kept later") };
        let store = self.add_store(*plan);
        self.connect(node, store);
        self.table_mut(node).rows = TableRows::Kept(store);
        store
    }
}

/// How strongly old values are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OldValues {
    /// Where they are at hand.
    IfKept,
    /// The table is kept for them where it is not.
    Always,
}
