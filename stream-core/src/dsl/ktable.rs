//! Tables: the latest value of each key, and the operators on them.

use std::marker::PhantomData;

use crate::dsl::{Named, PlanCell};
use crate::plan::{NodeId, PendingName};
use crate::record::Data;

/// A table: a stream of changes, of which the last of each key is its value.
///
/// A handle is `Copy`, as a [`KStream`](crate::dsl::KStream) is. Between operators a table's update is a
/// [`Change`](crate::record::Change): what is new, and what was before where an operator downstream needs it.
pub struct KTable<'b, K, V> {
    pub(crate) plan: &'b PlanCell,
    pub(crate) node: NodeId,
    /// The name for the next operator, kept by the plan.
    pub(crate) pending: Option<PendingName>,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for KTable<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for KTable<'_, K, V> {}

impl<'b, K: Data, V: Data> KTable<'b, K, V> {
    pub(crate) fn at(plan: &'b PlanCell, node: NodeId) -> Self {
        Self { plan, node, pending: None, types: PhantomData }
    }

    /// Names the next operator: `table.named("adults").filter(..)`.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.pending = Some(self.plan.borrow_mut().keep_name(name.into().0));
        self
    }
}
