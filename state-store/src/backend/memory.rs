//! Ordered bytes in memory: a real backend, for stores that need no disk and for tests.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::backend::{Backend, Batch, Direction, KeyRange, Rows, Table};
use crate::{Error, Kind, Result};

/// Tables in memory.
#[derive(Debug, Default)]
pub struct MemoryBackend {
    names: Vec<Option<String>>,
    tables: Vec<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryBackend {
    fn rows(&self, table: Table) -> Result<&BTreeMap<Vec<u8>, Vec<u8>>> {
        self.tables.get(table.0 as usize).ok_or_else(|| Error::new(Kind::Invalid, "the table is not of this backend"))
    }
}

impl Backend for MemoryBackend {
    fn table(&mut self, name: &str) -> Result<Table> {
        let index = self.names.iter().position(|other| other.as_deref() == Some(name)).unwrap_or_else(|| {
            self.names.push(Some(name.to_owned()));
            self.tables.push(BTreeMap::new());
            self.names.len() - 1
        });
        Ok(Table(u32::try_from(index).expect("fewer than 2^32 tables")))
    }

    fn table_names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.names.iter().flatten().cloned().collect();
        names.sort();
        names
    }

    fn drop_table(&mut self, table: Table) -> Result<()> {
        self.rows(table)?;
        self.names[table.0 as usize] = None;
        self.tables[table.0 as usize].clear();
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
        let start = range.start.as_ref().map_or(Bound::Unbounded, Bound::Included);
        let end = range.end.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        if let (Bound::Included(start), Bound::Excluded(end)) = (start, end)
            && start >= end
        {
            return Ok(());
        }
        let found = self.rows(table)?.range::<Vec<u8>, _>((start, end));
        match direction {
            Direction::Forward => found.take(limit).for_each(|(key, value)| rows.push(key, value)),
            Direction::Backward => found.rev().take(limit).for_each(|(key, value)| rows.push(key, value)),
        }
        Ok(())
    }

    fn apply(&mut self, batch: &Batch) -> Result<()> {
        for (table, key, value) in batch.iter() {
            self.rows(table)?;
            let rows = &mut self.tables[table.0 as usize];
            match value {
                Some(value) => rows.insert(key.to_vec(), value.to_vec()),
                None => rows.remove(key),
            };
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
