//! Entries of a window store's fetch: segment by segment, each a merge of stored and uncommitted rows.

use std::vec;

use crate::backend::{Direction, KeyRange, SharedBackend, Table};
use crate::codec::CodecRef;
use crate::cursor::{MergeCursor, Uncommitted};
use crate::layout::{self, split_window_key};
use crate::segments::SegmentId;
use crate::store::Stamped;
use crate::windowed::Windowed;
use crate::{Error, Kind, Result, Timestamp};

/// Which windows are asked for: keys and starts, all bounds inclusive.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) first: Option<Vec<u8>>,
    pub(crate) last: Option<Vec<u8>>,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// How the windows of one segment are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By the bytes of key and start.
    Keys,
    /// By start, then key.
    Starts,
}

/// One segment of a fetch.
pub(crate) struct Part<V> {
    pub(crate) id: SegmentId,
    /// `None` where nothing of it is stored yet.
    pub(crate) table: Option<Table>,
    pub(crate) uncommitted: Vec<Uncommitted<V>>,
}

/// Where a fetch reads: backend, range within each segment, codecs of keys and values.
pub(crate) type Source<K, V> = (SharedBackend, KeyRange, CodecRef<K>, CodecRef<V>);

/// Entries of a fetch: a snapshot, not a borrow. It is good until the next commit.
pub struct WindowCursor<K, V> {
    source: Source<K, V>,
    parts: vec::IntoIter<Part<V>>,
    merge: Option<MergeCursor<V>>,
    /// The windows of one segment, where they must be sorted.
    sorted: vec::IntoIter<Entry<K, V>>,
    selection: Selection,
    direction: Direction,
    order: Order,
    size_ms: i64,
}

type Entry<K, V> = (Windowed<K>, Stamped<V>);

impl Selection {
    /// Whether a window key is asked for.
    pub(crate) fn takes(&self, key: &[u8]) -> bool {
        split_window_key(key).is_some_and(|parts| {
            self.from <= parts.start
                && parts.start <= self.to
                && self.first.as_deref().is_none_or(|first| first <= parts.key)
                && self.last.as_deref().is_none_or(|last| parts.key <= last)
        })
    }
}

impl<K: 'static, V: Clone + 'static> WindowCursor<K, V> {
    pub(crate) fn new(
        source: Source<K, V>,
        parts: Vec<Part<V>>,
        selection: Selection,
        direction: Direction,
        order: Order,
        size_ms: i64,
    ) -> Self {
        let (parts, sorted) = (parts.into_iter(), Vec::new().into_iter());
        Self { source, parts, merge: None, sorted, selection, direction, order, size_ms }
    }

    fn advance(&mut self) -> Result<Option<Entry<K, V>>> {
        loop {
            if let Some(entry) = self.sorted.next() {
                return Ok(Some(entry));
            }
            if let Some(merge) = &mut self.merge {
                let (selection, keys, size_ms) = (&self.selection, &*self.source.2, self.size_ms);
                let next = merge.next(|key| selection.takes(key).then(|| windowed(keys, key, size_ms)))?;
                if next.is_some() {
                    return Ok(next);
                }
                self.merge = None;
            }
            let Some(part) = self.parts.next() else { return Ok(None) };
            let (backend, range, _, values) = &self.source;
            let (range, values) = (range.clone(), values.clone());
            let merge = MergeCursor::new(backend, part.table, range, part.uncommitted, values, self.direction);
            match self.order {
                Order::Keys => self.merge = Some(merge),
                Order::Starts => self.sort(merge)?,
            }
        }
    }

    /// Takes all windows of a segment and orders them by start: only stores in memory are asked for this.
    fn sort(&mut self, mut merge: MergeCursor<V>) -> Result<()> {
        let mut entries = Vec::new();
        loop {
            let (selection, keys, size_ms) = (&self.selection, &*self.source.2, self.size_ms);
            let take = |key: &[u8]| Ok((start_first(key), windowed(keys, key, size_ms)?));
            let next = merge.next(|key| selection.takes(key).then(|| take(key)))?;
            let Some(((order, key), value)) = next else { break };
            entries.push((order, (key, value)));
        }
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        if self.direction == Direction::Backward {
            entries.reverse();
        }
        let sorted: Vec<_> = entries.into_iter().map(|(_, entry)| entry).collect();
        self.sorted = sorted.into_iter();
        Ok(())
    }
}

impl<K: 'static, V: Clone + 'static> Iterator for WindowCursor<K, V> {
    type Item = Result<(Windowed<K>, Stamped<V>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            (self.merge, self.parts) = (None, Vec::new().into_iter());
        }
        next.transpose()
    }
}

/// A window key with its start in front: the order of Kafka Streams' stores in memory.
fn start_first(bytes: &[u8]) -> Vec<u8> {
    let parts = split_window_key(bytes).expect("a selection takes window keys alone");
    [&parts.start.millis().to_be_bytes(), parts.key, &parts.sequence.to_be_bytes()].concat()
}

fn windowed<K: 'static>(keys: &dyn crate::Codec<K>, bytes: &[u8], size_ms: i64) -> Result<Windowed<K>> {
    let parts = split_window_key(bytes).ok_or_else(|| Error::new(Kind::Corrupt, "a stored key is no window key"))?;
    Ok(Windowed { key: keys.decode(parts.key)?, window: layout::window_of(parts.start, size_ms) })
}
