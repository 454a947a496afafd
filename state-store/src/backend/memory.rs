//! Ordered bytes in memory: a real backend, for stores that need no disk and for tests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::backend::{Backend, Batch, Direction, KeyRange, Rows, SharedBackend, Table};
use crate::{Error, Kind, Result};

/// Tables in memory.
#[derive(Debug, Default)]
pub struct MemoryBackend {
    names: BTreeMap<String, Table>,
    tables: HashMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Handles are not used twice, so that a dead one is known as such.
    handles: u32,
}

impl MemoryBackend {
    /// The backend as the stores of a task share it.
    #[must_use]
    pub fn shared(self) -> SharedBackend {
        Rc::new(RefCell::new(Box::new(self)))
    }

    fn rows(&self, table: Table) -> Result<&BTreeMap<Vec<u8>, Vec<u8>>> {
        self.tables.get(&table).ok_or_else(unknown)
    }
}

impl Backend for MemoryBackend {
    fn table(&mut self, name: &str) -> Result<Table> {
        if let Some(table) = self.find_table(name) {
            return Ok(table);
        }
        let table = Table(self.handles);
        self.handles += 1;
        self.names.insert(name.to_owned(), table);
        self.tables.insert(table, BTreeMap::new());
        Ok(table)
    }

    fn find_table(&self, name: &str) -> Option<Table> {
        self.names.get(name).copied()
    }

    fn table_names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    fn drop_table(&mut self, table: Table) -> Result<()> {
        self.tables.remove(&table).ok_or_else(unknown)?;
        self.names.retain(|_, other| *other != table);
        Ok(())
    }

    fn get(&self, table: Table, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        value.clear();
        let found = self.rows(table)?.get(key);
        if let Some(found) = found {
            value.extend_from_slice(found);
        }
        Ok(found.is_some())
    }

    fn scan(&self, table: Table, range: &KeyRange, direction: Direction, limit: usize, rows: &mut Rows) -> Result<()> {
        let start = range.start.as_deref().map_or(Bound::Unbounded, Bound::Included);
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        if let (Bound::Included(start), Bound::Excluded(end)) = (start, end)
            && start >= end
        {
            return Ok(());
        }
        let found = self.rows(table)?.range::<[u8], _>((start, end));
        match direction {
            Direction::Forward => found.take(limit).for_each(|(key, value)| rows.push(key, value)),
            Direction::Backward => found.rev().take(limit).for_each(|(key, value)| rows.push(key, value)),
        }
        Ok(())
    }

    fn apply(&mut self, batch: &Batch) -> Result<()> {
        // Whole or not at all: a write to a dead table is found before the first is made.
        for (table, _, _) in batch.iter() {
            self.rows(table)?;
        }
        for (table, key, value) in batch.iter() {
            let rows = self.tables.get_mut(&table).ok_or_else(unknown)?;
            match value {
                Some(value) => match rows.get_mut(key) {
                    Some(old) => {
                        old.clear();
                        old.extend_from_slice(value);
                    }
                    None => {
                        rows.insert(key.to_vec(), value.to_vec());
                    }
                },
                None => {
                    rows.remove(key);
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cold]
fn unknown() -> Error {
    Error::new(Kind::Invalid, "the table is not of this backend, or was dropped")
}
