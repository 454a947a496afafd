//! A store of values by key and window start, kept for a retention and dropped by segment.

use crate::backend::{Batch, Direction, KeyRange, Table};
use crate::changelog::ChangeSink;
use crate::codec::CodecRef;
use crate::layout::{self, SEQUENCE_MAX};
use crate::logged::{Leaving, LoggedTable};
use crate::positions::Positions;
use crate::segments::{SegmentId, Segments};
use crate::store::{Change, Drained, Stamped, Store, StoreConfig, Updated, encode_key};
use crate::window_cursor::{Order, Part, Selection, WindowCursor};
use crate::windowed::Windowed;
use crate::{Error, Headers, Kind, Result, Timestamp};

/// Which rule says that a window is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// By whole segments, as Kafka Streams' persistent stores: a put is refused below the oldest live segment,
    /// reads see `start > stream time − retention`. Ranges go by segment, then key, then start.
    Segments,
    /// To the millisecond, as Kafka Streams' in-memory stores: a put is refused at `start <= stream time − retention`.
    /// Ranges go by start, then key.
    Exact,
}

/// The measures of a window store, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct WindowMeasures {
    /// Length of a window; the end shown with a key is start + size.
    pub size_ms: i64,
    /// How long a window is kept, counted from its start.
    pub retention_ms: i64,
    /// Whether several values may stand under one key and start. Such a store does not cache: its updates are not of a
    /// key. Its changelog records carry the headers of the input.
    pub retain_duplicates: bool,
    /// When a window is gone.
    pub expiry: Expiry,
}

/// Values by key and window start.
///
/// ```
/// use state_store::{DefaultCodec, Expiry, Headers, StoreConfig, Timestamp, WindowMeasures, WindowStore};
/// use state_store::backend::{Direction, MemoryBackend};
/// # use state_store::changelog::{ChangeRecord, ChangeSink};
/// # struct Nowhere;
/// # impl ChangeSink for Nowhere { fn change(&mut self, _: ChangeRecord<'_>) -> state_store::Result<()> { Ok(()) } }
/// # let mut sink = Nowhere;
/// let config = StoreConfig::new("views", MemoryBackend::default().shared());
/// let measures = WindowMeasures { size_ms: 10, retention_ms: 60, retain_duplicates: false, expiry: Expiry::Segments };
/// let mut views = WindowStore::open(config, measures, String::codec(), i64::codec())?;
///
/// let key = "page".to_owned();
/// for start in [0, 10, 20] {
///     views.put(&key, Timestamp(start), Some(start), Timestamp(start), &Headers::EMPTY, &mut sink)?;
/// }
/// let fetched = views.fetch(&key, Timestamp(5), Timestamp(20), Direction::Backward)?;
/// let starts: Vec<_> = fetched.map(|entry| entry.map(|(key, _)| key.window.start.millis())).collect::<Result<_, _>>()?;
/// assert_eq!(starts, [20, 10]);
/// # Ok::<(), state_store::Error>(())
/// ```
pub struct WindowStore<K, V> {
    config: StoreConfig,
    measures: WindowMeasures,
    keys: CodecRef<K>,
    rows: LoggedTable<V>,
    segments: Segments,
    positions: Table,
    /// The highest window start put.
    stream_time: Counted,
    /// Of stores that retain duplicates: the number of the last put.
    sequence: Counted,
    /// The number of the last put that made a row.
    row_sequence: u32,
    /// Bytes of the window key at hand.
    key: Vec<u8>,
}

/// A number that is stored with the rows.
struct Counted {
    name: String,
    now: i64,
    stored: Option<i64>,
}

impl<K: 'static, V: Clone + 'static> WindowStore<K, V> {
    /// Opens the store on what its backend has.
    ///
    /// # Errors
    /// `Kind::Invalid` for a negative size or retention, `Kind::Io` where the backend cannot make a table, `Kind::Corrupt`
    /// where its tables are segments of another length.
    pub fn open(config: StoreConfig, measures: WindowMeasures, keys: CodecRef<K>, values: CodecRef<V>) -> Result<Self> {
        if measures.size_ms < 0 || measures.retention_ms < 0 {
            let why = format!("the size and the retention of the window store {:?} must not be negative", config.name);
            return Err(Error::new(Kind::Invalid, why));
        }
        let positions = Positions::table(&mut **config.backend.borrow_mut())?;
        let stream_time = Counted::load(&config, positions, "stream-time", Timestamp::NONE.millis())?;
        let sequence = Counted::load(&config, positions, "sequence", 0)?;
        let segments = Segments::open(&config.name, &config.backend, measures.retention_ms)?;
        let leaving = Leaving {
            changelog: config.changelog,
            caching: config.caching && !measures.retain_duplicates,
            send_old_values: config.send_old_values && !measures.retain_duplicates,
            log_headers: measures.retain_duplicates,
        };
        let row_sequence = sequence_of(sequence.now);
        let rows = LoggedTable::new(values, leaving);
        let key = Vec::new();
        let mut store =
            Self { config, measures, keys, rows, segments, positions, stream_time, sequence, row_sequence, key };
        store.segments.drop_before(store.oldest_segment(store.stream_time.now))?;
        Ok(store)
    }

    /// The value of `key` in the window that starts at `start`. A store that retains duplicates has an answer only for
    /// the value that was put last, as Kafka Streams' persistent store.
    ///
    /// # Errors
    /// `Kind::Codec`, `Kind::Null` for a key that has no bytes; `Kind::Io`, `Kind::Corrupt` of the backend.
    pub fn get(&mut self, key: &K, start: Timestamp) -> Result<Option<Stamped<V>>> {
        if start < self.oldest_readable() {
            return Ok(None);
        }
        let sequence = match (self.measures.retain_duplicates, self.measures.expiry) {
            (false, _) => 0,
            (true, Expiry::Segments) => self.row_sequence,
            (true, Expiry::Exact) => return Ok(None),
        };
        self.encode(key, start, sequence)?;
        let (backend, stored, key) = (&self.config.backend, self.segments.table(self.segments.id(start)), &self.key);
        self.rows.get(key, |row| match stored {
            Some(table) => backend.borrow().get(table, key, row),
            None => Ok(false),
        })
    }

    /// Sets the value of `key` in the window that starts at `start`; a value of `None` deletes, and `timestamp` is then
    /// that of the changelog's tombstone.
    ///
    /// The answer is `None` where the window has expired: nothing is kept (count it as dropped), though the change is
    /// logged, as in Kafka Streams.
    ///
    /// # Errors
    /// As [`get`](Self::get), and what the changelog refuses; `Kind::Invalid` for a negative start.
    pub fn put(
        &mut self,
        key: &K,
        start: Timestamp,
        value: Option<V>,
        timestamp: Timestamp,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
    ) -> Result<Option<Updated<V>>> {
        let new = Stamped { value, timestamp };
        if self.measures.retain_duplicates {
            return self.add(key, start, new, headers, sink);
        }
        self.encode(key, start, 0)?;
        if !self.observe(start)? {
            self.rows.log_unkept(&self.key, &new, headers, sink)?;
            return Ok(None);
        }
        let (backend, stored, key) = (&self.config.backend, self.segments.table(self.segments.id(start)), &self.key);
        let read = |row: &mut Vec<u8>| match stored {
            Some(table) => backend.borrow().get(table, key, row),
            None => Ok(false),
        };
        self.rows.put(key, new, headers, sink, read).map(Some)
    }

    /// Replaces a value by what `f` makes of it; `None` as in [`put`](Self::put). `f` sees what [`get`](Self::get) sees.
    ///
    /// # Errors
    /// As [`put`](Self::put). The window's value is unknown then: the task must be closed.
    #[inline]
    pub fn update(
        &mut self,
        key: &K,
        start: Timestamp,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
        f: impl FnOnce(Option<Stamped<V>>) -> Stamped<Option<V>>,
    ) -> Result<Option<Updated<V>>> {
        if self.measures.retain_duplicates || start < self.oldest_readable() {
            let old = self.get(key, start)?;
            let new = f(old);
            return self.put(key, start, new.value, new.timestamp, headers, sink);
        }
        self.encode(key, start, 0)?;
        // A window that can be read can be written: it is in a live segment.
        self.observe(start)?;
        let (backend, stored, key) = (&self.config.backend, self.segments.table(self.segments.id(start)), &self.key);
        let read = |row: &mut Vec<u8>| match stored {
            Some(table) => backend.borrow().get(table, key, row),
            None => Ok(false),
        };
        self.rows.update(key, headers, sink, read, f).map(Some)
    }

    /// Windows of one key that start in `from ..= to`, by their start.
    ///
    /// # Errors
    /// As [`get`](Self::get); those of a single entry come from the cursor.
    pub fn fetch(
        &mut self,
        key: &K,
        from: Timestamp,
        to: Timestamp,
        direction: Direction,
    ) -> Result<WindowCursor<K, V>> {
        let from = from.max(self.oldest_readable());
        self.encode(key, from, 0)?;
        let start = self.key.clone();
        self.encode(key, to, SEQUENCE_MAX)?;
        let range = KeyRange { start: Some(start), end: Some(layout::successor(&self.key)) };
        encode_key(&*self.keys, key, &mut self.key)?;
        let bytes = Some(self.key.clone());
        let selection = Selection { first: bytes.clone(), last: bytes, from, to };
        // The windows of one key are in the order of their starts anyway.
        Ok(self.cursor(&range, selection, direction, Order::Keys))
    }

    /// Windows of the keys `first ..= last` (open where `None`) that start in `from ..= to`, in the order that the
    /// [`Expiry`] says.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub fn fetch_range(
        &mut self,
        first: Option<&K>,
        last: Option<&K>,
        from: Timestamp,
        to: Timestamp,
        direction: Direction,
    ) -> Result<WindowCursor<K, V>> {
        let from = from.max(self.oldest_readable());
        let first = first.map(|key| self.key_bytes(key)).transpose()?;
        let last = last.map(|key| self.key_bytes(key)).transpose()?;
        let end = last.as_deref().map(|last| layout::window_keys_end(last, to.max(Timestamp(0))));
        let range = KeyRange { start: first.clone(), end };
        let order = match self.measures.expiry {
            Expiry::Segments => Order::Keys,
            Expiry::Exact => Order::Starts,
        };
        Ok(self.cursor(&range, Selection { first, last, from, to }, direction, order))
    }

    /// Caching stores: logs every changed window, in the order of its last update, and hands the updates out.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn drain(&mut self, sink: &mut dyn ChangeSink, out: &mut Vec<Drained<Windowed<K>, V>>) -> Result<()> {
        let (backend, segments, keys) = (&self.config.backend, &self.segments, &self.keys);
        let size_ms = self.measures.size_ms;
        let read = |key: &[u8], row: &mut Vec<u8>| match segments.table(segments.id(start_of(key))) {
            Some(table) => backend.borrow().get(table, key, row),
            None => Ok(false),
        };
        self.rows.drain(sink, read, |drained| {
            let parts = layout::split_window_key(drained.key).expect("only window keys are in the table");
            let key = Windowed { key: keys.decode(parts.key)?, window: layout::window_of(parts.start, size_ms) };
            let (change, timestamp, headers) = (drained.change, drained.timestamp, drained.headers);
            out.push(Drained { key, change, timestamp, headers });
            Ok(())
        })
    }

    /// A put of a store that retains duplicates: a row of its own. Deletions are logged and delete nothing.
    fn add(
        &mut self,
        key: &K,
        start: Timestamp,
        new: Stamped<Option<V>>,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
    ) -> Result<Option<Updated<V>>> {
        self.sequence.now = (self.sequence.now + 1) & i64::from(SEQUENCE_MAX);
        let sequence = sequence_of(self.sequence.now);
        self.encode(key, start, sequence)?;
        let deletes = new.value.as_ref().is_none_or(|value| self.rows.values().is_null(value));
        // Kafka Streams' persistent store does not look at a deletion; the other one counts it when it is late.
        let looked_at = !deletes || self.measures.expiry == Expiry::Exact;
        let live = !looked_at || self.observe(start)?;
        if deletes || !live {
            self.rows.log_unkept(&self.key, &new, headers, sink)?;
            let change = Change { old: None, new: None };
            return Ok(live.then_some(Updated::Now(Stamped { value: change, timestamp: new.timestamp })));
        }
        self.row_sequence = sequence;
        self.rows.put(&self.key, new, headers, sink, |_| Ok(false)).map(Some)
    }

    /// Takes note of a window start; whether the window is still kept.
    #[inline]
    fn observe(&mut self, start: Timestamp) -> Result<bool> {
        if start < Timestamp(0) {
            return Err(Error::new(Kind::Invalid, format!("a window starts at {start}, before time does")));
        }
        self.stream_time.now = self.stream_time.now.max(start.millis());
        Ok(self.is_live(start))
    }

    fn is_live(&self, start: Timestamp) -> bool {
        match self.measures.expiry {
            Expiry::Segments => self.segments.id(start) >= self.oldest_segment(self.stream_time.now),
            Expiry::Exact => start.millis() > self.stream_time.now - self.measures.retention_ms,
        }
    }

    /// The first segment that is kept at a stream time.
    fn oldest_segment(&self, stream_time: i64) -> SegmentId {
        self.segments.id(Timestamp(stream_time - self.measures.retention_ms))
    }

    /// The first window start that reads see.
    #[inline]
    fn oldest_readable(&self) -> Timestamp {
        Timestamp((self.stream_time.now - self.measures.retention_ms + 1).max(0))
    }

    #[inline]
    fn encode(&mut self, key: &K, start: Timestamp, sequence: u32) -> Result<()> {
        encode_key(&*self.keys, key, &mut self.key)?;
        layout::finish_window_key(start, sequence, &mut self.key);
        Ok(())
    }

    fn key_bytes(&mut self, key: &K) -> Result<Vec<u8>> {
        encode_key(&*self.keys, key, &mut self.key)?;
        Ok(self.key.clone())
    }

    fn cursor(
        &mut self,
        range: &KeyRange,
        selection: Selection,
        direction: Direction,
        order: Order,
    ) -> WindowCursor<K, V> {
        let mut parts: Vec<Part<V>> = Vec::new();
        if selection.from <= selection.to {
            let (first, last) = (self.segments.id(selection.from), self.segments.id(selection.to));
            let stored = self.segments.between(first, last);
            parts.extend(stored.map(|(id, table)| Part { id, table: Some(table), uncommitted: Vec::new() }));
            for row in self.rows.uncommitted(range, direction) {
                if !selection.takes(&row.key) {
                    continue;
                }
                let id = self.segments.id(start_of(&row.key));
                let at = parts.partition_point(|part| part.id < id);
                if parts.get(at).is_none_or(|part| part.id != id) {
                    parts.insert(at, Part { id, table: None, uncommitted: Vec::new() });
                }
                parts[at].uncommitted.push(row);
            }
            if direction == Direction::Backward {
                parts.reverse();
            }
        }
        let values = self.rows.values().clone();
        let size_ms = self.measures.size_ms;
        let source = (self.config.backend.clone(), range.clone(), self.keys.clone(), values);
        WindowCursor::new(source, parts, selection, direction, order, size_ms)
    }
}

impl Counted {
    fn load(config: &StoreConfig, positions: Table, what: &str, none: i64) -> Result<Self> {
        let name = format!("{what}:{}", config.name);
        let stored = Positions::read(&**config.backend.borrow(), positions, &name)?;
        Ok(Self { name, now: stored.unwrap_or(none), stored })
    }

    /// Writes the number with the rows, if it has moved.
    fn write(&mut self, positions: Table, none: i64, batch: &mut Batch) {
        if self.now != self.stored.unwrap_or(none) {
            Positions::put(batch, positions, &self.name, self.now);
            self.stored = Some(self.now);
        }
    }
}

/// The start within a window key of this store.
fn start_of(key: &[u8]) -> Timestamp {
    layout::split_window_key(key).expect("only window keys are in the table").start
}

fn sequence_of(number: i64) -> u32 {
    u32::try_from(number).expect("sequence numbers are at most 2^31 - 1")
}

impl<K: 'static, V: Clone + 'static> Store for WindowStore<K, V> {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn log_changed(&mut self, sink: &mut dyn ChangeSink) -> Result<()> {
        self.rows.log_changed(sink)
    }

    fn write(&mut self, batch: &mut Batch) -> Result<()> {
        let oldest = self.oldest_segment(self.stream_time.now);
        let segments = &mut self.segments;
        self.rows.write(|key, row| {
            let id = segments.id(start_of(key));
            match row {
                // Expired since it was put: its segment is dropped next.
                _ if id < oldest => {}
                Some(row) => batch.put(segments.make_table(id)?, key, row),
                None => {
                    if let Some(table) = segments.table(id) {
                        batch.delete(table, key);
                    }
                }
            }
            Ok(())
        })?;
        self.write_numbers(batch);
        Ok(())
    }

    fn committed(&mut self) -> Result<()> {
        if self.measures.retain_duplicates {
            // Every put has a key of its own, so no row is asked for again.
            self.rows.committed_and_forgotten();
        } else {
            self.rows.committed();
        }
        self.segments.drop_before(self.oldest_segment(self.stream_time.now))
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>, timestamp: Timestamp, batch: &mut Batch) -> Result<()> {
        let Some(parts) = layout::split_window_key(key) else {
            let why = format!("a changelog record of the window store {:?} has a key that is none", self.config.name);
            return Err(Error::new(Kind::Corrupt, why));
        };
        self.stream_time.now = self.stream_time.now.max(parts.start.millis());
        if self.measures.retain_duplicates {
            self.sequence.now = self.sequence.now.max(i64::from(parts.sequence & SEQUENCE_MAX));
            self.row_sequence = sequence_of(self.sequence.now);
        }
        self.write_numbers(batch);
        if !self.is_live(parts.start) {
            return Ok(());
        }
        self.rows.forget(key);
        let id = self.segments.id(parts.start);
        match value {
            Some(value) => {
                layout::begin_row(timestamp, &mut self.key);
                self.key.extend_from_slice(value);
                batch.put(self.segments.make_table(id)?, key, &self.key);
            }
            None => {
                if let Some(table) = self.segments.table(id) {
                    batch.delete(table, key);
                }
            }
        }
        Ok(())
    }

    fn observed_stream_time(&self) -> Timestamp {
        Timestamp(self.stream_time.now)
    }

    fn table_bytes(&self) -> usize {
        self.rows.bytes()
    }

    fn dirty_bytes(&self) -> usize {
        self.rows.dirty_bytes()
    }

    fn shrink(&mut self, limit_bytes: usize) {
        self.rows.shrink(limit_bytes);
    }
}

impl<K, V> WindowStore<K, V> {
    /// Stream time and sequence number move together with the rows.
    fn write_numbers(&mut self, batch: &mut Batch) {
        self.stream_time.write(self.positions, Timestamp::NONE.millis(), batch);
        self.sequence.write(self.positions, 0, batch);
    }
}
