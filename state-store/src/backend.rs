//! Ordered bytes of one task on one machine: what a store needs of RocksDB, and of memory.
//!
//! ```text
//! store ── get, scan ──▶ Backend ◀── apply(Batch) ── commit        one batch per commit, atomic over all tables
//! ```
//!
//! Rules every backend obeys, checked by [`conformance`](crate::conformance):
//! * keys of a table are in byte order;
//! * a batch is applied whole or not at all, over all its tables, also across a crash;
//! * what is applied is readable at once, and durable no later than the next [`flush`](Backend::flush);
//! * after a crash the backend is at an earlier batch, never between two.

mod memory;
mod rocks;

use std::cell::RefCell;
use std::rc::Rc;

pub use memory::MemoryBackend;
pub use rocks::{RocksBackend, RocksMemory};

use crate::Result;

/// A table of a backend: a column family in RocksDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Table(pub(crate) u32);

/// A backend shared by the stores of one task, on the task's thread.
pub type SharedBackend = Rc<RefCell<Box<dyn Backend>>>;

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// From `start` (inclusive) to `end` (exclusive); `None` is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key that may be in the range.
    pub start: Option<Vec<u8>>,
    /// The first key past the range.
    pub end: Option<Vec<u8>>,
}

/// Rows of a scan, one after the other in two buffers that are reused.
#[derive(Debug, Default)]
pub struct Rows {
    bytes: Vec<u8>,
    /// End of key, end of value.
    ends: Vec<(usize, usize)>,
}

impl Rows {
    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds a row.
    pub fn push(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((key_end, self.bytes.len()));
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Key and value of row `index`, or `None` past the end.
    pub fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let start = if index == 0 { 0 } else { self.ends.get(index - 1)?.1 };
        let (key_end, value_end) = *self.ends.get(index)?;
        Some((&self.bytes[start..key_end], &self.bytes[key_end..value_end]))
    }
}

/// Writes of one commit, over any tables, applied together.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    writes: Vec<Write>,
}

#[derive(Clone, Copy, Debug)]
struct Write {
    table: Table,
    key_start: usize,
    key_end: usize,
    /// `None` deletes.
    value_end: Option<usize>,
}

impl Batch {
    /// Writes `value` under `key`.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.push(table, key, Some(value));
    }

    /// Removes `key`.
    pub fn delete(&mut self, table: Table, key: &[u8]) {
        self.push(table, key, None);
    }

    fn push(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) {
        let key_start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        let value_end = value.map(|value| {
            self.bytes.extend_from_slice(value);
            self.bytes.len()
        });
        self.writes.push(Write { table, key_start, key_end, value_end });
    }

    /// The writes in the order they were made: table, key, value or `None` for a deletion.
    pub fn iter(&self) -> impl Iterator<Item = (Table, &[u8], Option<&[u8]>)> {
        self.writes.iter().map(|write| {
            let key = &self.bytes[write.key_start..write.key_end];
            (write.table, key, write.value_end.map(|end| &self.bytes[write.key_end..end]))
        })
    }

    /// Forgets all writes and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.writes.clear();
    }

    /// Bytes of keys and values.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many writes there are.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there are no writes.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}

/// Ordered bytes of one task. `Send`, since a task's state may move to another thread between two wirings.
pub trait Backend: Send {
    /// The table `name`, created where it is absent. A name is any text that is not empty.
    ///
    /// # Errors
    /// `Kind::Io` where it cannot be created.
    fn table(&mut self, name: &str) -> Result<Table>;

    /// The table `name`, if it exists.
    fn find_table(&self, name: &str) -> Option<Table>;

    /// Names of all tables that exist, in byte order.
    fn table_names(&self) -> Vec<String>;

    /// Drops a table with all its rows, in time independent of their number. The handle is dead afterwards.
    ///
    /// # Errors
    /// `Kind::Io`.
    fn drop_table(&mut self, table: Table) -> Result<()>;

    /// Reads the value of `key` into `value` (cleared first); `false` where there is none.
    ///
    /// # Errors
    /// `Kind::Io`, `Kind::Corrupt`.
    fn get(&self, table: Table, key: &[u8], value: &mut Vec<u8>) -> Result<bool>;

    /// Appends up to `limit` rows of `range` to `rows`, in `direction`. A scan goes on by a range that starts
    /// behind the last row: no iterator outlives a call, so no borrow does.
    ///
    /// # Errors
    /// `Kind::Io`, `Kind::Corrupt`.
    fn scan(&self, table: Table, range: &KeyRange, direction: Direction, limit: usize, rows: &mut Rows) -> Result<()>;

    /// Applies a batch, whole or not at all.
    ///
    /// # Errors
    /// `Kind::Io`: nothing is known about the batch; the task must be closed and reopened.
    fn apply(&mut self, batch: &Batch) -> Result<()>;

    /// Makes durable all that was applied.
    ///
    /// # Errors
    /// `Kind::Io`.
    fn flush(&mut self) -> Result<()>;
}
