//! Forgetting a store: its tables and its numbers, before it is rebuilt from its changelog.

use crate::Result;
use crate::backend::{Backend, Batch, Table};
use crate::positions::Positions;
use crate::segments::SEPARATOR;

/// Drops all tables of the store `name` and all positions that belong to it. The store must not be open; `positions` are
/// names beyond its own (`stream-time:NAME`, …) that go with it.
///
/// # Errors
/// `Kind::Io`: the task must be closed and reopened.
pub fn wipe_store(backend: &mut dyn Backend, name: &str, positions: &[&str]) -> Result<()> {
    let own =
        |table: &String| table == name || table.strip_prefix(name).is_some_and(|rest| rest.starts_with(SEPARATOR));
    for table in backend.table_names().into_iter().filter(own) {
        if let Some(table) = backend.find_table(&table) {
            backend.drop_table(table)?;
        }
    }
    let mut batch = Batch::default();
    let table: Table = Positions::table(backend)?;
    for (position, _) in Positions::load(backend)?.iter() {
        let owned = position.split_once(':').is_some_and(|(_, owner)| owner == name);
        if owned || positions.contains(&position) {
            Positions::delete(&mut batch, table, position);
        }
    }
    if batch.is_empty() { Ok(()) } else { backend.apply(&batch) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::MemoryBackend;

    #[test]
    fn tables_and_numbers_of_the_store_go_and_others_stay() {
        let mut backend = MemoryBackend::default();
        for table in ["counts", "counts@0", "counts@60000", "counts-2", "other"] {
            backend.table(table).expect("a table");
        }
        let (table, mut batch) = (Positions::table(&mut backend).expect("a table"), Batch::default());
        for name in ["stream-time:counts", "stream-time:counts-2", "changelog:app-counts-0"] {
            Positions::put(&mut batch, table, name, 1);
        }
        backend.apply(&batch).expect("applies");
        wipe_store(&mut backend, "counts", &["changelog:app-counts-0"]).expect("wiped");
        let names: Vec<_> = backend.table_names().into_iter().filter(|name| !name.starts_with('@')).collect();
        assert_eq!(names, ["counts-2", "other"]);
        let left = Positions::load(&backend).expect("loads");
        assert_eq!(left.iter().collect::<Vec<_>>(), [("stream-time:counts-2", 1)]);
    }
}
