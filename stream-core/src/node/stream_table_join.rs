//! The stream-table join: each record of the stream meets the table's value as of now. The table's updates emit nothing.

use std::sync::Arc;

use crate::Result;
use crate::node::nulls::Nulls;
use crate::node::table::ViewRef;
use crate::node::{Node, Outlet, Push};
use crate::nullable::Nullable;
use crate::record::{Data, Record};
use crate::task::context::TaskContext;

/// A running inner join: what has no key, no value or no match gives nothing; of these, the first two are counted.
pub(crate) struct InnerJoin<F, K, V, T, W> {
    pub(crate) table: ViewRef<K, T>,
    pub(crate) joiner: Arc<F>,
    pub(crate) outlet: Outlet<K, W>,
    /// Null as the codecs have it, beside the types' own.
    pub(crate) keys: Nulls<K>,
    pub(crate) values: Nulls<V>,
}

impl<F, K, V, T, W, KN, VN> Push<KN, VN> for InnerJoin<F, K, V, T, W>
where
    K: Data,
    V: Data,
    T: Data,
    W: Data,
    KN: Nullable<K>,
    VN: Nullable<V>,
    F: Fn(&K, V, &T) -> W,
{
    fn push(&mut self, record: Record<KN, VN>, task: &mut TaskContext) -> Result<()> {
        let Record { key, value, timestamp, headers } = record;
        let key = key.into_option().and_then(|key| self.keys.present(key));
        let (Some(key), Some(value)) = (key, value.into_option().and_then(|value| self.values.present(value))) else {
            task.drop_record();
            return Ok(());
        };
        let Some(row) = self.table.get(&key)? else { return Ok(()) };
        let value = (self.joiner)(&key, value, &row.value);
        self.outlet.forward(Record { key, value, timestamp, headers }, task)
    }
}

impl<F, K, V, T, W> Node for InnerJoin<F, K, V, T, W> {}

/// A running left join: a record without a match, or without a key, joins with nothing; one without a value is dropped.
pub(crate) struct LeftJoin<F, KN, K, V, T, W> {
    pub(crate) table: ViewRef<K, T>,
    pub(crate) joiner: Arc<F>,
    pub(crate) outlet: Outlet<KN, W>,
    /// Null as the codecs have it, beside the types' own.
    pub(crate) keys: Nulls<K>,
    pub(crate) values: Nulls<V>,
}

impl<F, K, V, T, W, KN, VN> Push<KN, VN> for LeftJoin<F, KN, K, V, T, W>
where
    K: Data,
    V: Data,
    T: Data,
    W: Data,
    KN: Nullable<K>,
    VN: Nullable<V>,
    F: Fn(&KN, V, Option<&T>) -> W,
{
    fn push(&mut self, record: Record<KN, VN>, task: &mut TaskContext) -> Result<()> {
        let Record { key, value, timestamp, headers } = record;
        let Some(value) = value.into_option().and_then(|value| self.values.present(value)) else {
            task.drop_record();
            return Ok(());
        };
        let row = match key.as_option().filter(|key| !self.keys.is_null(key)) {
            Some(key) => self.table.get(key)?,
            None => None,
        };
        let value = (self.joiner)(&key, value, row.as_ref().map(|row| &row.value));
        self.outlet.forward(Record { key, value, timestamp, headers }, task)
    }
}

impl<F, KN, K, V, T, W> Node for LeftJoin<F, KN, K, V, T, W> {}
