//! Operators without state: a user's function and a step that says what to do with it.

use std::sync::Arc;

use crate::Result;
use crate::node::{Node, Out, Outlet, Push};
use crate::record::{Data, Record};
use crate::task::context::TaskContext;

/// Filter, map, flat_map, peek and the like. `step` captures nothing, so it is inlined.
pub(crate) struct Stateless<F, S, K2, V2> {
    pub(crate) f: Arc<F>,
    pub(crate) step: S,
    pub(crate) outlet: Outlet<K2, V2>,
}

impl<F, S, K, V, K2, V2> Push<K, V> for Stateless<F, S, K2, V2>
where
    K: Data,
    V: Data,
    K2: Data,
    V2: Data,
    S: Fn(&F, Record<K, V>, &mut Out<'_, K2, V2>) -> Result<()>,
{
    #[inline]
    fn push(&mut self, record: Record<K, V>, task: &mut TaskContext) -> Result<()> {
        (self.step)(&self.f, record, &mut Out::new(&self.outlet, task))
    }
}

impl<F, S, K2, V2> Node for Stateless<F, S, K2, V2> {}
