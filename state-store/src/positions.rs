//! Numbers stored beside the rows, in the same batch: changelog positions, stream times, sequence numbers.
//!
//! A number is 8 big-endian bytes under its name, in a table whose name no store can have.

use std::collections::BTreeMap;

use crate::backend::{Backend, Batch, Direction, KeyRange, Rows, Table};
use crate::layout::successor;
use crate::{Error, Kind, Result};

/// The numbers as they were committed last.
///
/// ```
/// use state_store::backend::{Backend, Batch, MemoryBackend};
/// use state_store::positions::Positions;
///
/// let mut backend = MemoryBackend::default();
/// let (table, mut batch) = (Positions::table(&mut backend)?, Batch::default());
/// Positions::put(&mut batch, table, "changelog:app-counts-changelog-0", 42);
/// backend.apply(&batch)?;
/// assert_eq!(Positions::load(&backend)?.get("changelog:app-counts-changelog-0"), Some(42));
/// # Ok::<(), state_store::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    numbers: BTreeMap<String, i64>,
}

const TABLE: &str = "@positions";
const CHUNK_ROWS: usize = 256;

impl Positions {
    /// The table of the positions, created where it is absent.
    ///
    /// # Errors
    /// `Kind::Io`.
    pub fn table(backend: &mut dyn Backend) -> Result<Table> {
        backend.table(TABLE)
    }

    /// All positions; none where none was ever put.
    ///
    /// # Errors
    /// `Kind::Io`, `Kind::Corrupt`.
    pub fn load(backend: &dyn Backend) -> Result<Self> {
        let mut numbers = BTreeMap::new();
        let Some(table) = backend.find_table(TABLE) else { return Ok(Self::default()) };
        let (mut range, mut rows) = (KeyRange::default(), Rows::default());
        loop {
            rows.clear();
            backend.scan(table, &range, Direction::Forward, CHUNK_ROWS, &mut rows)?;
            for index in 0..rows.len() {
                let Some((name, number)) = rows.get(index) else { break };
                numbers.insert(String::from_utf8_lossy(name).into_owned(), decode(name, number)?);
                range.start = Some(successor(name));
            }
            if rows.len() < CHUNK_ROWS {
                return Ok(Self { numbers });
            }
        }
    }

    /// The number `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<i64> {
        self.numbers.get(name).copied()
    }

    /// All names with their numbers, in byte order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.numbers.iter().map(|(name, number)| (name.as_str(), *number))
    }

    /// Writes `value` under `name` with the rest of `batch`; `table` is [`Positions::table`].
    pub fn put(batch: &mut Batch, table: Table, name: &str, value: i64) {
        batch.put(table, name.as_bytes(), &value.to_be_bytes());
    }

    /// Removes `name` with the rest of `batch`.
    pub fn delete(batch: &mut Batch, table: Table, name: &str) {
        batch.delete(table, name.as_bytes());
    }

    /// The number `name` alone.
    pub(crate) fn read(backend: &dyn Backend, table: Table, name: &str) -> Result<Option<i64>> {
        let mut number = Vec::new();
        if !backend.get(table, name.as_bytes(), &mut number)? {
            return Ok(None);
        }
        decode(name.as_bytes(), &number).map(Some)
    }
}

fn decode(name: &[u8], number: &[u8]) -> Result<i64> {
    let bytes = number.try_into().map_err(|_| {
        let name = String::from_utf8_lossy(name);
        Error::new(Kind::Corrupt, format!("the position {name:?} has {} bytes instead of 8", number.len()))
    })?;
    Ok(i64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::MemoryBackend;

    #[test]
    fn many_positions_are_loaded_and_removed() {
        let mut backend = MemoryBackend::default();
        assert_eq!(Positions::load(&backend).expect("loads"), Positions::default());
        let (table, mut batch) = (Positions::table(&mut backend).expect("a table"), Batch::default());
        for number in 0..600 {
            Positions::put(&mut batch, table, &format!("n{number}"), number);
        }
        Positions::delete(&mut batch, table, "n7");
        backend.apply(&batch).expect("applies");
        let positions = Positions::load(&backend).expect("loads");
        assert_eq!((positions.iter().count(), positions.get("n599"), positions.get("n7")), (599, Some(599), None));
    }

    #[test]
    fn a_damaged_number_is_named() {
        let mut backend = MemoryBackend::default();
        let (table, mut batch) = (Positions::table(&mut backend).expect("a table"), Batch::default());
        batch.put(table, b"changelog:x", b"seven");
        backend.apply(&batch).expect("applies");
        let error = Positions::load(&backend).expect_err("not a number");
        assert_eq!(error.kind(), Kind::Corrupt);
        assert!(error.to_string().contains("changelog:x"), "{error}");
    }
}
