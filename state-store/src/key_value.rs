//! A store of values by key, with the write-back table in front of its backend.

use crate::backend::{Batch, Direction, KeyRange, Table};
use crate::changelog::ChangeSink;
use crate::codec::CodecRef;
use crate::cursor::MergeCursor;
use crate::logged::{Leaving, LoggedTable};
use crate::store::{Drained, Stamped, Store, StoreConfig, Updated, encode_key};
use crate::{Headers, Result, Timestamp, layout};

/// Values by key. Reads see what was put, committed or not.
///
/// ```
/// use state_store::{DefaultCodec, Headers, KeyValueStore, Stamped, Store, StoreConfig, Timestamp};
/// use state_store::backend::{Batch, Direction, MemoryBackend};
/// # use state_store::changelog::{ChangeRecord, ChangeSink};
/// # struct Nowhere;
/// # impl ChangeSink for Nowhere { fn change(&mut self, _: ChangeRecord<'_>) -> state_store::Result<()> { Ok(()) } }
/// # let mut sink = Nowhere;
/// let backend = MemoryBackend::default().shared();
/// let config = StoreConfig::new("counts", backend.clone());
/// let mut counts = KeyValueStore::open(config, String::codec(), i64::codec())?;
///
/// let key = "a".to_owned();
/// for time in 1..=3 {
///     counts.update(&key, &Headers::EMPTY, &mut sink, |old| Stamped {
///         value: Some(old.map_or(0, |old| old.value) + 1),
///         timestamp: Timestamp(time),
///     })?;
/// }
/// assert_eq!(counts.get(&key)?, Some(Stamped { value: 3, timestamp: Timestamp(3) }));
/// assert_eq!(counts.range(None, None, Direction::Forward)?.count(), 1);
///
/// // A commit: one batch for all stores of a task.
/// let mut batch = Batch::default();
/// counts.write(&mut batch)?;
/// backend.borrow_mut().apply(&batch)?;
/// counts.committed()?;
/// # Ok::<(), state_store::Error>(())
/// ```
pub struct KeyValueStore<K, V> {
    config: StoreConfig,
    stored: Table,
    keys: CodecRef<K>,
    rows: LoggedTable<V>,
    /// Bytes of the key at hand.
    key: Vec<u8>,
}

impl<K: 'static, V: Clone + 'static> KeyValueStore<K, V> {
    /// Opens the store on what its backend has.
    ///
    /// # Errors
    /// `Kind::Io` where the backend cannot make its table.
    pub fn open(config: StoreConfig, keys: CodecRef<K>, values: CodecRef<V>) -> Result<Self> {
        let stored = config.backend.borrow_mut().table(&config.name)?;
        let leaving = Leaving {
            changelog: config.changelog,
            caching: config.caching,
            send_old_values: config.send_old_values,
            log_headers: false,
        };
        Ok(Self { config, stored, keys, rows: LoggedTable::new(values, leaving), key: Vec::new() })
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// `Kind::Codec`, `Kind::Null` for a key that has no bytes; `Kind::Io`, `Kind::Corrupt` of the backend.
    pub fn get(&mut self, key: &K) -> Result<Option<Stamped<V>>> {
        encode_key(&*self.keys, key, &mut self.key)?;
        let (backend, stored, key) = (&self.config.backend, self.stored, &self.key);
        self.rows.get(key, |row| backend.borrow().get(stored, key, row))
    }

    /// Sets the value of `key`. `None` deletes, and `timestamp` is then that of the changelog's tombstone.
    ///
    /// # Errors
    /// As [`get`](Self::get), and what the changelog refuses.
    pub fn put(
        &mut self,
        key: &K,
        value: Option<V>,
        timestamp: Timestamp,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
    ) -> Result<Updated<V>> {
        encode_key(&*self.keys, key, &mut self.key)?;
        let (backend, stored, key) = (&self.config.backend, self.stored, &self.key);
        let new = Stamped { value, timestamp };
        self.rows.put(key, new, headers, sink, |row| backend.borrow().get(stored, key, row))
    }

    /// Replaces a value by what `f` makes of it; one lookup, no copy of the old value.
    ///
    /// # Errors
    /// As [`put`](Self::put). The key's value is unknown then: the task must be closed.
    #[inline]
    pub fn update(
        &mut self,
        key: &K,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
        f: impl FnOnce(Option<Stamped<V>>) -> Stamped<Option<V>>,
    ) -> Result<Updated<V>> {
        encode_key(&*self.keys, key, &mut self.key)?;
        let (backend, stored, key) = (&self.config.backend, self.stored, &self.key);
        self.rows.update(key, headers, sink, |row| backend.borrow().get(stored, key, row), f)
    }

    /// Entries from `from` to `to`, both inclusive, in byte order of the encoded keys; `None` is open.
    ///
    /// # Errors
    /// As [`get`](Self::get); those of a single entry come from the cursor.
    pub fn range(&mut self, from: Option<&K>, to: Option<&K>, direction: Direction) -> Result<KeyValueCursor<K, V>> {
        let mut range = KeyRange::default();
        if let Some(from) = from {
            encode_key(&*self.keys, from, &mut self.key)?;
            range.start = Some(self.key.clone());
        }
        if let Some(to) = to {
            encode_key(&*self.keys, to, &mut self.key)?;
            range.end = Some(layout::successor(&self.key));
        }
        Ok(self.cursor(range, direction))
    }

    /// Entries whose key bytes start with `prefix`.
    ///
    /// # Errors
    /// None so far; those of a single entry come from the cursor.
    pub fn prefix(&mut self, prefix: &[u8], direction: Direction) -> Result<KeyValueCursor<K, V>> {
        let range = KeyRange { start: Some(prefix.to_vec()), end: layout::prefix_end(prefix) };
        Ok(self.cursor(range, direction))
    }

    /// Caching stores: logs every changed key, in the order of its last update, and hands the updates out.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn drain(&mut self, sink: &mut dyn ChangeSink, out: &mut Vec<Drained<K, V>>) -> Result<()> {
        let (backend, stored, keys) = (&self.config.backend, self.stored, &self.keys);
        let read = |key: &[u8], row: &mut Vec<u8>| backend.borrow().get(stored, key, row);
        self.rows.drain(sink, read, |drained| {
            let (change, timestamp, headers) = (drained.change, drained.timestamp, drained.headers);
            out.push(Drained { key: keys.decode(drained.key)?, change, timestamp, headers });
            Ok(())
        })
    }

    fn cursor(&mut self, range: KeyRange, direction: Direction) -> KeyValueCursor<K, V> {
        let uncommitted = self.rows.uncommitted(&range, direction);
        let values = self.rows.values().clone();
        let (backend, stored) = (&self.config.backend, Some(self.stored));
        let merge = MergeCursor::new(backend, stored, range, uncommitted, values, direction);
        KeyValueCursor { merge, keys: self.keys.clone(), failed: false }
    }
}

/// Entries of a range: a snapshot, not a borrow. It is good until the next commit.
pub struct KeyValueCursor<K, V> {
    merge: MergeCursor<V>,
    keys: CodecRef<K>,
    failed: bool,
}

impl<K: 'static, V: Clone + 'static> Iterator for KeyValueCursor<K, V> {
    type Item = Result<(K, Stamped<V>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.merge.next(|key| Some(self.keys.decode(key)));
        self.failed = next.is_err();
        next.transpose()
    }
}

impl<K: 'static, V: Clone + 'static> Store for KeyValueStore<K, V> {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn log_changed(&mut self, sink: &mut dyn ChangeSink) -> Result<()> {
        self.rows.log_changed(sink)
    }

    fn write(&mut self, batch: &mut Batch) -> Result<()> {
        let stored = self.stored;
        self.rows.write(|key, row| {
            match row {
                Some(row) => batch.put(stored, key, row),
                None => batch.delete(stored, key),
            }
            Ok(())
        })
    }

    fn committed(&mut self) -> Result<()> {
        self.rows.committed();
        Ok(())
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>, timestamp: Timestamp, batch: &mut Batch) -> Result<()> {
        self.rows.forget(key);
        match value {
            None => batch.delete(self.stored, key),
            Some(value) => {
                layout::begin_row(timestamp, &mut self.key);
                self.key.extend_from_slice(value);
                batch.put(self.stored, key, &self.key);
            }
        }
        Ok(())
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
