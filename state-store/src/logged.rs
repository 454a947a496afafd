//! A write-back table whose changes go to a changelog: what the stores share.
//!
//! Caching off: an update is logged at once and handed back. Caching on: updates of a key are one, logged and handed
//! out at the drain, in the order of the last updates, with the value of the drain before as the old one. The caller
//! gives key bytes, and reads the backend where the table does not know a key.

use crate::backend::{Direction, KeyRange};
use crate::changelog::{ChangeRecord, ChangeSink, ChangelogId};
use crate::codec::CodecRef;
use crate::cursor::Uncommitted;
use crate::layout;
use crate::store::{Change, Stamped, Updated};
use crate::table::{Base, Slot, State, WriteBackTable};
use crate::{Headers, Result, Timestamp};

/// How changes leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaving {
    /// `None`: logging is off.
    pub(crate) changelog: Option<ChangelogId>,
    /// Updates wait for a drain.
    pub(crate) caching: bool,
    /// Changes carry the old value.
    pub(crate) send_old_values: bool,
    /// Changelog records carry the headers of the record that caused them.
    pub(crate) log_headers: bool,
}

/// The rows of a store that are held decoded.
pub(crate) struct LoggedTable<V> {
    table: WriteBackTable<V>,
    values: CodecRef<V>,
    leaving: Leaving,
    /// Bytes of one encoded value, or of one stored row.
    scratch: Vec<u8>,
    /// Length of the value encoded or decoded last: the guess for values that have not been encoded yet.
    value_bytes: usize,
}

/// A drained update, its key still bytes.
pub(crate) struct DrainedBytes<'a, V> {
    pub(crate) key: &'a [u8],
    pub(crate) change: Change<V>,
    pub(crate) timestamp: Timestamp,
    pub(crate) headers: Headers,
}

impl<V: Clone + 'static> LoggedTable<V> {
    pub(crate) fn new(values: CodecRef<V>, leaving: Leaving) -> Self {
        Self { table: WriteBackTable::default(), values, leaving, scratch: Vec::new(), value_bytes: 0 }
    }

    pub(crate) fn values(&self) -> &CodecRef<V> {
        &self.values
    }

    /// The row of `key`; `read` asks the backend.
    #[inline]
    pub(crate) fn get(
        &mut self,
        key: &[u8],
        read: impl FnOnce(&mut Vec<u8>) -> Result<bool>,
    ) -> Result<Option<Stamped<V>>> {
        let slot = self.load(key, read)?;
        let row = self.table.row(slot);
        Ok(row.value.as_ref().map(|value| Stamped { value: value.clone(), timestamp: row.timestamp }))
    }

    /// Replaces the row of `key` by what `f` makes of it.
    #[inline]
    pub(crate) fn update(
        &mut self,
        key: &[u8],
        headers: &Headers,
        sink: &mut dyn ChangeSink,
        read: impl FnOnce(&mut Vec<u8>) -> Result<bool>,
        f: impl FnOnce(Option<Stamped<V>>) -> Stamped<Option<V>>,
    ) -> Result<Updated<V>> {
        let slot = self.load(key, read)?;
        self.replace(slot, headers, sink, f)
    }

    /// Replaces the row of `key` without a look at what it was, unless changes carry it.
    pub(crate) fn put(
        &mut self,
        key: &[u8],
        new: Stamped<Option<V>>,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
        read: impl FnOnce(&mut Vec<u8>) -> Result<bool>,
    ) -> Result<Updated<V>> {
        let slot = match self.table.find(key) {
            Some(slot) => slot,
            None if self.leaving.send_old_values => self.load_stored(key, read)?,
            None => {
                let slot = self.table.insert(key, None, self.value_bytes);
                self.set(slot, new);
                return self.leave(slot, Base::Unread, headers, sink);
            }
        };
        self.replace(slot, headers, sink, |_| new)
    }

    /// Logs a change that the store does not keep.
    pub(crate) fn log_unkept(
        &mut self,
        key: &[u8],
        new: &Stamped<Option<V>>,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
    ) -> Result<()> {
        let Some(changelog) = self.leaving.changelog else { return Ok(()) };
        let value = new.value.as_ref().filter(|value| !self.values.is_null(value));
        self.scratch.clear();
        if let Some(value) = value {
            self.values.encode(value, &mut self.scratch)?;
        }
        sink.change(ChangeRecord {
            changelog,
            key,
            value: value.map(|_| self.scratch.as_slice()),
            timestamp: new.timestamp,
            headers: if self.leaving.log_headers { headers } else { &Headers::EMPTY },
        })
    }

    /// Logs every changed row, in the order of the last updates, and hands it out. A row that is null and was absent
    /// is neither logged nor handed out, as in Kafka Streams' cache.
    pub(crate) fn drain(
        &mut self,
        sink: &mut dyn ChangeSink,
        mut read: impl FnMut(&[u8], &mut Vec<u8>) -> Result<bool>,
        mut out: impl FnMut(DrainedBytes<'_, V>) -> Result<()>,
    ) -> Result<()> {
        while let Some(slot) = self.table.first(State::Changed) {
            self.resolve_base(slot, &mut read)?;
            let row = self.table.row_mut(slot);
            let base = std::mem::replace(&mut row.base, Base::Unread);
            let headers = std::mem::take(&mut row.headers);
            if row.value.is_none() && matches!(base, Base::Absent) {
                // It is written all the same: a deletion that was drained before may still wait for its batch.
                self.table.move_to_back(slot, State::Logged);
                continue;
            }
            let change = Change {
                old: match base {
                    Base::Value(value) => Some(value),
                    Base::Unread | Base::Absent | Base::Present => None,
                },
                new: row.value.clone(),
            };
            let timestamp = row.timestamp;
            self.log_row(slot, &headers, sink)?;
            self.table.move_to_back(slot, State::Logged);
            out(DrainedBytes { key: &self.table.row(slot).key, change, timestamp, headers })?;
        }
        Ok(())
    }

    /// Logs every changed row, in the order of the last updates: for a store that no operator drains, whose deletions
    /// of what is not there are logged as well.
    pub(crate) fn log_changed(&mut self, sink: &mut dyn ChangeSink) -> Result<()> {
        while let Some(slot) = self.table.first(State::Changed) {
            let row = self.table.row_mut(slot);
            row.base = Base::Unread;
            let headers = std::mem::take(&mut row.headers);
            self.log_row(slot, &headers, sink)?;
            self.table.move_to_back(slot, State::Logged);
        }
        Ok(())
    }

    /// Hands out what the next batch must write: key, and row or `None` for a deletion.
    ///
    /// # Panics
    /// Where a changed row has not been drained: its change would be stored and never logged.
    pub(crate) fn write(&mut self, mut out: impl FnMut(&[u8], Option<&[u8]>) -> Result<()>) -> Result<()> {
        assert!(self.table.first(State::Changed).is_none(), "a caching store is drained before it is written");
        let mut at = self.table.first(State::Logged);
        while let Some(slot) = at {
            let row = self.table.row(slot);
            match &row.value {
                None => out(&row.key, None)?,
                Some(value) => {
                    layout::begin_row(row.timestamp, &mut self.scratch);
                    self.values.encode(value, &mut self.scratch)?;
                    out(&row.key, Some(&self.scratch))?;
                    let bytes = self.scratch.len() - layout::TIMESTAMP_BYTES;
                    self.value_bytes = bytes;
                    self.table.resize(slot, bytes);
                }
            }
            at = self.table.next(slot);
        }
        Ok(())
    }

    /// What was written is stored.
    pub(crate) fn committed(&mut self) {
        while let Some(slot) = self.table.first(State::Logged) {
            self.table.move_to_back(slot, State::Clean);
        }
    }

    /// What was written is stored, and is not worth being held.
    pub(crate) fn committed_and_forgotten(&mut self) {
        while let Some(slot) = self.table.first(State::Logged) {
            self.table.remove(slot);
        }
    }

    /// Forgets the row of `key`: the backend gets another.
    pub(crate) fn forget(&mut self, key: &[u8]) {
        self.table.forget(key);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }

    pub(crate) fn dirty_bytes(&self) -> usize {
        self.table.dirty_bytes()
    }

    pub(crate) fn shrink(&mut self, limit_bytes: usize) {
        self.table.shrink(limit_bytes);
    }

    /// Copies of the rows within `range` that the backend has not, in `direction`.
    pub(crate) fn uncommitted(&mut self, range: &KeyRange, direction: Direction) -> Vec<Uncommitted<V>> {
        let slots = self.table.dirty_range(range);
        let mut rows: Vec<_> = slots.into_iter().map(|slot| self.copy(slot)).collect();
        if direction == Direction::Backward {
            rows.reverse();
        }
        rows
    }

    fn copy(&self, slot: Slot) -> Uncommitted<V> {
        let row = self.table.row(slot);
        let value = row.value.as_ref().map(|value| Stamped { value: value.clone(), timestamp: row.timestamp });
        Uncommitted { key: row.key.clone(), value }
    }

    /// The row of `key`, read from the backend where it is not held.
    #[inline]
    fn load(&mut self, key: &[u8], read: impl FnOnce(&mut Vec<u8>) -> Result<bool>) -> Result<Slot> {
        match self.table.find(key) {
            Some(slot) => Ok(slot),
            None => self.load_stored(key, read),
        }
    }

    fn load_stored(&mut self, key: &[u8], read: impl FnOnce(&mut Vec<u8>) -> Result<bool>) -> Result<Slot> {
        if !read(&mut self.scratch)? {
            return Ok(self.table.insert(key, None, self.value_bytes));
        }
        let (timestamp, bytes) = layout::split_row(&self.scratch)?;
        let value = self.values.decode(bytes)?;
        self.value_bytes = bytes.len();
        Ok(self.table.insert(key, Some(Stamped { value, timestamp }), self.value_bytes))
    }

    #[inline]
    fn replace(
        &mut self,
        slot: Slot,
        headers: &Headers,
        sink: &mut dyn ChangeSink,
        f: impl FnOnce(Option<Stamped<V>>) -> Stamped<Option<V>>,
    ) -> Result<Updated<V>> {
        let Leaving { caching, send_old_values, .. } = self.leaving;
        let row = self.table.row_mut(slot);
        let old = row.value.take();
        let base = if !caching || row.state != State::Changed {
            match &old {
                None => Base::Absent,
                Some(value) if send_old_values => Base::Value(value.clone()),
                Some(_) => Base::Present,
            }
        } else {
            // The first update since the drain has kept what was drained.
            std::mem::replace(&mut row.base, Base::Unread)
        };
        let new = f(old.map(|value| Stamped { value, timestamp: row.timestamp }));
        self.set(slot, new);
        self.leave(slot, base, headers, sink)
    }

    #[inline]
    fn set(&mut self, slot: Slot, new: Stamped<Option<V>>) {
        let value = new.value.filter(|value| !self.values.is_null(value));
        let row = self.table.row_mut(slot);
        (row.value, row.timestamp) = (value, new.timestamp);
    }

    /// The row has its new value: it is logged now, or waits for the drain.
    #[inline]
    fn leave(&mut self, slot: Slot, base: Base<V>, headers: &Headers, sink: &mut dyn ChangeSink) -> Result<Updated<V>> {
        if self.leaving.caching {
            let row = self.table.row_mut(slot);
            row.base = base;
            row.headers.clone_from(headers);
            self.table.move_to_back(slot, State::Changed);
            return Ok(Updated::Deferred);
        }
        self.log_row(slot, headers, sink)?;
        self.table.move_to_back(slot, State::Logged);
        let row = self.table.row(slot);
        let old = match base {
            Base::Value(value) => Some(value),
            Base::Unread | Base::Absent | Base::Present => None,
        };
        Ok(Updated::Now(Stamped { value: Change { old, new: row.value.clone() }, timestamp: row.timestamp }))
    }

    fn log_row(&mut self, slot: Slot, headers: &Headers, sink: &mut dyn ChangeSink) -> Result<()> {
        let Some(changelog) = self.leaving.changelog else { return Ok(()) };
        let row = self.table.row(slot);
        self.scratch.clear();
        if let Some(value) = &row.value {
            self.values.encode(value, &mut self.scratch)?;
        }
        let headers = if self.leaving.log_headers { headers } else { &Headers::EMPTY };
        sink.change(ChangeRecord {
            changelog,
            key: &row.key,
            value: row.value.as_ref().map(|_| self.scratch.as_slice()),
            timestamp: row.timestamp,
            headers,
        })?;
        self.value_bytes = self.scratch.len();
        self.table.resize(slot, self.scratch.len());
        Ok(())
    }

    /// What a blindly put row was at the drain before: a row that was not held is as the backend has it.
    fn resolve_base(&mut self, slot: Slot, read: &mut impl FnMut(&[u8], &mut Vec<u8>) -> Result<bool>) -> Result<()> {
        let row = self.table.row(slot);
        if matches!(row.base, Base::Unread) && row.value.is_none() {
            let there = read(&row.key, &mut self.scratch)?;
            self.table.row_mut(slot).base = if there { Base::Present } else { Base::Absent };
        }
        Ok(())
    }
}
