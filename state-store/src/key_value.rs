//! A store of values by key, with the write-back table in front of its backend.

use std::marker::PhantomData;

use crate::backend::{Batch, Direction};
use crate::changelog::ChangeSink;
use crate::codec::CodecRef;
use crate::store::{Drained, Stamped, Store, StoreConfig, Updated};
use crate::{Headers, Result, Timestamp};

/// Values by key. Reads see what was put, committed or not.
pub struct KeyValueStore<K, V> {
    config: StoreConfig,
    types: PhantomData<(K, V)>,
}

impl<K: 'static, V: Clone + 'static> KeyValueStore<K, V> {
    pub fn open(config: StoreConfig, keys: CodecRef<K>, values: CodecRef<V>) -> Result<Self> {
        todo!()
    }
    pub fn get(&mut self, key: &K) -> Result<Option<Stamped<V>>> {
        todo!()
    }
    /// `None` deletes, and `timestamp` is then that of the changelog's tombstone.
    pub fn put(
        &mut self,
        key: &K,
        value: Option<V>,
        timestamp: Timestamp,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
    ) -> Result<Updated<V>> {
        todo!()
    }
    /// Replaces a value by what `f` makes of it; one lookup, no copy of the old value.
    pub fn update(
        &mut self,
        key: &K,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
        f: impl FnOnce(Option<Stamped<V>>) -> Stamped<Option<V>>,
    ) -> Result<Updated<V>> {
        todo!()
    }
    /// Both bounds inclusive, in byte order of the encoded keys; `None` is open.
    pub fn range(&mut self, from: Option<&K>, to: Option<&K>, direction: Direction) -> Result<KeyValueCursor<K, V>> {
        todo!()
    }
    /// Keys whose bytes start with `prefix`.
    pub fn prefix(&mut self, prefix: &[u8], direction: Direction) -> Result<KeyValueCursor<K, V>> {
        todo!()
    }
    /// Caching stores: logs every changed key, in the order of its last update, and hands the updates out.
    pub fn drain(&mut self, sink: &mut dyn ChangeSink, out: &mut Vec<Drained<K, V>>) -> Result<()> {
        todo!()
    }
}

/// Entries of a range: a snapshot, not a borrow.
pub struct KeyValueCursor<K, V>(PhantomData<(K, V)>);

impl<K, V> Iterator for KeyValueCursor<K, V> {
    type Item = Result<(K, Stamped<V>)>;
    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}

impl<K: 'static, V: Clone + 'static> Store for KeyValueStore<K, V> {
    fn name(&self) -> &str {
        &self.config.name
    }
    fn write(&mut self, _batch: &mut Batch) -> Result<()> {
        todo!()
    }
    fn committed(&mut self) -> Result<()> {
        todo!()
    }
    fn restore(&mut self, _: &[u8], _: Option<&[u8]>, _: Timestamp, _: &mut Batch) -> Result<()> {
        todo!()
    }
    fn table_bytes(&self) -> usize {
        todo!()
    }
    fn dirty_bytes(&self) -> usize {
        todo!()
    }
    fn shrink(&mut self, _limit_bytes: usize) {
        todo!()
    }
}
