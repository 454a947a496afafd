//! What a plan says of a table: whether it is kept in a store, and how others read its current values.
//!
//! ```text
//! Kept(store)            aggregations, named tables: the store is read
//! Reserved(store plan)   a source table that nothing reads so far: kept from the moment that something does
//! Computed(parent)       filter and map_values without a store: read through the parent, computed again
//! ```

use crate::Result;
use crate::plan::{NodeId, PlanBuilder, StoreId, StorePlan};
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

impl PlanBuilder {
    /// Makes the node a table whose rows are kept in `store`, which the node is then connected to.
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
    pub(crate) fn enable_old_values(&mut self, node: NodeId) -> bool {
        let table = self.table(node);
        if table.send_old_values {
            return true;
        }
        match (&table.rows, table.parent) {
            (TableRows::Kept(store), _) => {
                let store = *store;
                self.store_mut(store).send_old_values = true;
            }
            (TableRows::Reserved(_), _) => return false,
            (TableRows::Computed, parent) => {
                let parent = parent.expect("a computed table has a parent");
                if !self.enable_old_values(parent) {
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
