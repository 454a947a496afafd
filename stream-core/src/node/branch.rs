//! A branch: each record goes to the first child whose predicate it meets, or to the default child, or nowhere.

use std::sync::Arc;

use crate::Result;
use crate::node::{Node, Outlet, Push};
use crate::plan::NodeId;
use crate::record::{Data, Record};
use crate::task::context::TaskContext;

/// Says whether a record belongs to a branch.
pub(crate) type Predicate<K, V> = dyn Fn(&K, &V) -> bool + Send + Sync;

/// A running branch.
pub(crate) struct Branch<K, V> {
    /// In the order in which they were added.
    pub(crate) predicates: Vec<(Arc<Predicate<K, V>>, NodeId)>,
    pub(crate) default: Option<NodeId>,
    pub(crate) outlet: Outlet<K, V>,
}

impl<K: Data, V: Data> Push<K, V> for Branch<K, V> {
    fn push(&mut self, record: Record<K, V>, task: &mut TaskContext) -> Result<()> {
        let met = self.predicates.iter().find(|(meets, _)| meets(&record.key, &record.value));
        match met.map(|(_, child)| *child).or(self.default) {
            Some(child) => self.outlet.forward_to(child, record, task).map(drop),
            None => Ok(()),
        }
    }
}

impl<K, V> Node for Branch<K, V> {}
