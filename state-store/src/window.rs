//! A store of values by key and window start, kept for a retention and dropped by segment.

use std::marker::PhantomData;

use crate::backend::{Batch, Direction};
use crate::changelog::ChangeSink;
use crate::codec::CodecRef;
use crate::store::{Drained, Stamped, Store, StoreConfig, Updated};
use crate::windowed::Windowed;
use crate::{Headers, Result, Timestamp};

/// Which rule says that a window is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// By whole segments, as Kafka Streams' persistent stores: a put is refused below the oldest live segment,
    /// reads see `start > stream time − retention`.
    Segments,
    /// To the millisecond, as Kafka Streams' in-memory stores: a put is refused at `start <= stream time − retention`.
    Exact,
}

/// The measures of a window store, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct WindowMeasures {
    /// Length of a window; the end shown with a key is start + size.
    pub size_ms: i64,
    /// How long a window is kept, counted from its start.
    pub retention_ms: i64,
    /// Whether several values may stand under one key and start.
    pub retain_duplicates: bool,
    /// When a window is gone.
    pub expiry: Expiry,
}

/// Values by key and window start.
pub struct WindowStore<K, V> {
    config: StoreConfig,
    types: PhantomData<(K, V)>,
}

impl<K: 'static, V: Clone + 'static> WindowStore<K, V> {
    pub fn open(config: StoreConfig, measures: WindowMeasures, keys: CodecRef<K>, values: CodecRef<V>) -> Result<Self> {
        todo!()
    }
    pub fn get(&mut self, key: &K, start: Timestamp) -> Result<Option<Stamped<V>>> {
        todo!()
    }
    /// `None`: the window has expired and nothing was put (count it as dropped).
    pub fn put(
        &mut self,
        key: &K,
        start: Timestamp,
        value: Option<V>,
        timestamp: Timestamp,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
    ) -> Result<Option<Updated<V>>> {
        todo!()
    }
    pub fn update(
        &mut self,
        key: &K,
        start: Timestamp,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
        f: impl FnOnce(Option<Stamped<V>>) -> Stamped<Option<V>>,
    ) -> Result<Option<Updated<V>>> {
        todo!()
    }
    /// Windows of one key that start in `from ..= to`.
    pub fn fetch(
        &mut self,
        key: &K,
        from: Timestamp,
        to: Timestamp,
        direction: Direction,
    ) -> Result<WindowCursor<K, V>> {
        todo!()
    }
    /// Windows of the keys `first ..= last` (open where `None`) that start in `from ..= to`.
    pub fn fetch_range(
        &mut self,
        first: Option<&K>,
        last: Option<&K>,
        from: Timestamp,
        to: Timestamp,
        direction: Direction,
    ) -> Result<WindowCursor<K, V>> {
        todo!()
    }
    pub fn drain(&mut self, sink: &mut dyn ChangeSink, out: &mut Vec<Drained<Windowed<K>, V>>) -> Result<()> {
        todo!()
    }
}

/// Entries of a fetch: a snapshot, not a borrow.
pub struct WindowCursor<K, V>(PhantomData<(K, V)>);

impl<K, V> Iterator for WindowCursor<K, V> {
    type Item = Result<(Windowed<K>, Stamped<V>)>;
    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}

impl<K: 'static, V: Clone + 'static> Store for WindowStore<K, V> {
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
