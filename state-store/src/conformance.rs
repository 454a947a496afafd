//! The suite that every backend must pass: plain functions over a fresh backend.
//!
//! ```
//! use state_store::backend::MemoryBackend;
//! use state_store::conformance::SUITE;
//!
//! for (name, check) in SUITE {
//!     println!("{name}");
//!     check(Box::new(MemoryBackend::default()));
//! }
//! ```
//! They panic where a rule of [`Backend`] is broken. [`DURABLE`] is for backends that survive being closed.

mod random;

use crate::Kind;
use crate::backend::{Backend, Batch, Direction, KeyRange, Rows, Table};

pub use random::Random;

/// A check of a fresh backend.
pub type Check = fn(Box<dyn Backend>);

/// A check of a backend that each call opens at the same place, the one before having been dropped.
pub type DurableCheck = fn(&mut dyn FnMut() -> Box<dyn Backend>);

/// What every backend must do, by name.
pub const SUITE: &[(&str, Check)] = &[
    ("a_fresh_backend_is_empty", a_fresh_backend_is_empty),
    ("what_is_applied_is_read", what_is_applied_is_read),
    ("the_last_write_of_a_batch_counts", the_last_write_of_a_batch_counts),
    ("keys_are_in_byte_order", keys_are_in_byte_order),
    ("a_scan_keeps_its_bounds", a_scan_keeps_its_bounds),
    ("a_scan_goes_on_behind_the_last_row", a_scan_goes_on_behind_the_last_row),
    ("tables_are_apart", tables_are_apart),
    ("a_dropped_table_is_gone", a_dropped_table_is_gone),
    ("a_batch_with_a_dead_table_is_refused_whole", a_batch_with_a_dead_table_is_refused_whole),
    ("table_names_are_free", table_names_are_free),
    ("it_does_what_a_sorted_map_does", random::it_does_what_a_sorted_map_does),
];

/// What a backend must do that survives being closed.
pub const DURABLE: &[(&str, DurableCheck)] = &[
    ("what_was_flushed_is_there_again", what_was_flushed_is_there_again),
    ("tables_are_there_again", tables_are_there_again),
    ("what_was_not_flushed_is_there_up_to_some_batch", what_was_not_flushed_is_there_up_to_some_batch),
];

/// All rows of `table` within `range`.
pub(crate) fn rows(
    backend: &dyn Backend,
    table: Table,
    range: &KeyRange,
    direction: Direction,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Rows::default();
    backend.scan(table, range, direction, usize::MAX, &mut rows).expect("scans");
    (0..rows.len()).filter_map(|index| rows.get(index)).map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn keys(backend: &dyn Backend, table: Table, range: &KeyRange, direction: Direction) -> Vec<Vec<u8>> {
    rows(backend, table, range, direction).into_iter().map(|(key, _)| key).collect()
}

fn get(backend: &dyn Backend, table: Table, key: &[u8]) -> Option<Vec<u8>> {
    let mut value = b"left over".to_vec();
    backend.get(table, key, &mut value).expect("reads").then_some(value)
}

fn put(backend: &mut dyn Backend, table: Table, rows: &[(&[u8], &[u8])]) {
    let mut batch = Batch::default();
    for (key, value) in rows {
        batch.put(table, key, value);
    }
    backend.apply(&batch).expect("applies");
}

fn range(start: &[u8], end: &[u8]) -> KeyRange {
    KeyRange { start: Some(start.to_vec()), end: Some(end.to_vec()) }
}

fn a_fresh_backend_is_empty(mut backend: Box<dyn Backend>) {
    assert_eq!(backend.table_names(), Vec::<String>::new());
    assert_eq!(backend.find_table("t"), None);
    let table = backend.table("t").expect("a table");
    assert_eq!((backend.find_table("t"), backend.table("t").expect("the same")), (Some(table), table));
    assert_eq!(get(&*backend, table, b"k"), None);
    assert_eq!(keys(&*backend, table, &KeyRange::default(), Direction::Backward), Vec::<Vec<u8>>::new());
    backend.apply(&Batch::default()).expect("an empty batch is one");
    backend.flush().expect("flushes");
}

fn what_is_applied_is_read(mut backend: Box<dyn Backend>) {
    let table = backend.table("t").expect("a table");
    let large = vec![7; 1 << 20];
    put(&mut *backend, table, &[(b"a", b"1"), (b"", b"empty key"), (b"empty value", b""), (b"large", &large)]);
    assert_eq!(get(&*backend, table, b"a"), Some(b"1".to_vec()));
    assert_eq!(get(&*backend, table, b""), Some(b"empty key".to_vec()));
    assert_eq!(get(&*backend, table, b"empty value"), Some(Vec::new()));
    assert_eq!(get(&*backend, table, b"large"), Some(large));
    let mut batch = Batch::default();
    batch.delete(table, b"a");
    batch.delete(table, b"never there");
    backend.apply(&batch).expect("applies");
    assert_eq!(get(&*backend, table, b"a"), None);
}

fn the_last_write_of_a_batch_counts(mut backend: Box<dyn Backend>) {
    let table = backend.table("t").expect("a table");
    let mut batch = Batch::default();
    batch.put(table, b"a", b"1");
    batch.delete(table, b"a");
    batch.delete(table, b"b");
    batch.put(table, b"b", b"1");
    batch.put(table, b"b", b"2");
    backend.apply(&batch).expect("applies");
    assert_eq!((get(&*backend, table, b"a"), get(&*backend, table, b"b")), (None, Some(b"2".to_vec())));
}

fn keys_are_in_byte_order(mut backend: Box<dyn Backend>) {
    let table = backend.table("t").expect("a table");
    let sorted: [&[u8]; 6] = [b"", b"\0", b"a", b"a\0", b"aa", b"\xff"];
    for key in [2, 5, 0, 3, 1, 4] {
        put(&mut *backend, table, &[(sorted[key], b"v")]);
    }
    assert_eq!(keys(&*backend, table, &KeyRange::default(), Direction::Forward), sorted);
    let mut backward = keys(&*backend, table, &KeyRange::default(), Direction::Backward);
    backward.reverse();
    assert_eq!(backward, sorted);
}

fn a_scan_keeps_its_bounds(mut backend: Box<dyn Backend>) {
    let table = backend.table("t").expect("a table");
    put(&mut *backend, table, &[(b"a", b"1"), (b"b", b"2"), (b"c", b"3"), (b"d", b"4")]);
    for direction in [Direction::Forward, Direction::Backward] {
        let found = |range: KeyRange| {
            let mut found = keys(&*backend, table, &range, direction);
            found.sort();
            String::from_utf8(found.concat()).expect("ASCII")
        };
        assert_eq!(found(range(b"b", b"d")), "bc");
        assert_eq!(found(range(b"aa", b"c\0")), "bc");
        assert_eq!(found(KeyRange { start: Some(b"c".to_vec()), end: None }), "cd");
        assert_eq!(found(KeyRange { start: None, end: Some(b"b".to_vec()) }), "a");
        for empty in [range(b"b", b"b"), range(b"d", b"a"), range(b"x", b"z"), range(b"", b"a")] {
            assert_eq!(found(empty.clone()), "", "{empty:?}");
        }
    }
}

fn a_scan_goes_on_behind_the_last_row(mut backend: Box<dyn Backend>) {
    let table = backend.table("t").expect("a table");
    put(&mut *backend, table, &[(b"a", b"1"), (b"a\0", b"2"), (b"b", b"3")]);
    let mut rows = Rows::default();
    backend.scan(table, &KeyRange::default(), Direction::Forward, 1, &mut rows).expect("scans");
    assert_eq!(rows.get(0), Some((&b"a"[..], &b"1"[..])));
    let rest = KeyRange { start: Some(b"a\0".to_vec()), end: None };
    // Rows are appended.
    backend.scan(table, &rest, Direction::Forward, 9, &mut rows).expect("scans");
    assert_eq!((rows.len(), rows.get(1), rows.get(3)), (3, Some((&b"a\0"[..], &b"2"[..])), None));
    rows.clear();
    let rest = KeyRange { start: None, end: Some(b"b".to_vec()) };
    backend.scan(table, &rest, Direction::Backward, 1, &mut rows).expect("scans");
    assert_eq!(rows.get(0), Some((&b"a\0"[..], &b"2"[..])));
    backend.scan(table, &KeyRange::default(), Direction::Forward, 0, &mut rows).expect("scans");
    assert_eq!(rows.len(), 1);
}

fn tables_are_apart(mut backend: Box<dyn Backend>) {
    let (a, b) = (backend.table("a").expect("a table"), backend.table("b").expect("a table"));
    let mut batch = Batch::default();
    batch.put(a, b"k", b"in a");
    batch.put(b, b"k", b"in b");
    backend.apply(&batch).expect("applies");
    assert_eq!((get(&*backend, a, b"k"), get(&*backend, b, b"k")), (Some(b"in a".to_vec()), Some(b"in b".to_vec())));
    assert_eq!(backend.table_names(), ["a", "b"]);
}

fn a_dropped_table_is_gone(mut backend: Box<dyn Backend>) {
    let (a, b) = (backend.table("a").expect("a table"), backend.table("b").expect("a table"));
    put(&mut *backend, a, &[(b"k", b"v")]);
    put(&mut *backend, b, &[(b"k", b"v")]);
    backend.drop_table(a).expect("drops");
    assert_eq!((backend.table_names(), backend.find_table("a")), (vec!["b".to_owned()], None));
    assert_eq!(backend.get(a, b"k", &mut Vec::new()).expect_err("it is gone").kind(), Kind::Invalid);
    assert_eq!(backend.drop_table(a).expect_err("it is gone").kind(), Kind::Invalid);
    let again = backend.table("a").expect("a table");
    assert_ne!(again, a);
    assert_eq!(get(&*backend, again, b"k"), None);
    assert_eq!(get(&*backend, b, b"k"), Some(b"v".to_vec()));
}

fn a_batch_with_a_dead_table_is_refused_whole(mut backend: Box<dyn Backend>) {
    let (a, b) = (backend.table("a").expect("a table"), backend.table("b").expect("a table"));
    backend.drop_table(b).expect("drops");
    let mut batch = Batch::default();
    batch.put(a, b"k", b"v");
    batch.put(b, b"k", b"v");
    assert_eq!(backend.apply(&batch).expect_err("one table is gone").kind(), Kind::Invalid);
    assert_eq!(get(&*backend, a, b"k"), None);
}

fn table_names_are_free(mut backend: Box<dyn Backend>) {
    let names = ["@positions", "KSTREAM-AGGREGATE-STATE-STORE-0000000001@0", "default", "ü"];
    for (index, name) in names.iter().enumerate() {
        let table = backend.table(name).expect("a table");
        put(&mut *backend, table, &[(b"k", name.as_bytes())]);
        assert_eq!(backend.table_names().len(), index + 1, "{name:?}");
    }
    for name in names {
        let table = backend.find_table(name).expect("was made");
        assert_eq!(get(&*backend, table, b"k"), Some(name.as_bytes().to_vec()));
    }
}

fn what_was_flushed_is_there_again(open: &mut dyn FnMut() -> Box<dyn Backend>) {
    let mut backend = open();
    let (a, b) = (backend.table("a").expect("a table"), backend.table("b").expect("a table"));
    put(&mut *backend, a, &[(b"k", b"1"), (b"l", b"2")]);
    put(&mut *backend, b, &[(b"k", b"3")]);
    let mut batch = Batch::default();
    batch.delete(a, b"l");
    backend.apply(&batch).expect("applies");
    backend.flush().expect("flushes");
    drop(backend);
    let mut backend = open();
    let (a, b) = (backend.table("a").expect("a table"), backend.table("b").expect("a table"));
    assert_eq!(rows(&*backend, a, &KeyRange::default(), Direction::Forward), [(b"k".to_vec(), b"1".to_vec())]);
    assert_eq!(get(&*backend, b, b"k"), Some(b"3".to_vec()));
}

fn tables_are_there_again(open: &mut dyn FnMut() -> Box<dyn Backend>) {
    let mut backend = open();
    let names = ["a", "b", "default", "gone"];
    let tables = names.map(|name| backend.table(name).expect("a table"));
    backend.drop_table(tables[3]).expect("drops");
    drop(backend);
    assert_eq!(open().table_names(), names[..3]);
}

fn what_was_not_flushed_is_there_up_to_some_batch(open: &mut dyn FnMut() -> Box<dyn Backend>) {
    const BATCHES: u32 = 50;
    let mut backend = open();
    let tables = ["a", "b", "c"].map(|name| backend.table(name).expect("a table"));
    for number in 0..BATCHES {
        let mut batch = Batch::default();
        for table in tables {
            batch.put(table, b"last", &number.to_be_bytes());
            batch.put(table, &number.to_be_bytes(), b"v");
        }
        backend.apply(&batch).expect("applies");
    }
    drop(backend);
    assert_one_batch(&*open(), &["a", "b", "c"]);
}

/// Checks that tables hold the rows of all batches up to one and none of a later one: batch n writes n under `last` and
/// a row named n, everywhere.
pub(crate) fn assert_one_batch(backend: &dyn Backend, names: &[&str]) {
    let last = |name: &str| get(backend, backend.find_table(name).expect("was made"), b"last");
    let expected = last(names[0]);
    let count = expected.as_deref().map_or(0, |last| {
        let last: [u8; 4] = last.try_into().expect("four bytes");
        u32::from_be_bytes(last) + 1
    });
    for name in names {
        assert_eq!(last(name), expected, "the table {name} is at another batch than {}", names[0]);
        let table = backend.find_table(name).expect("was made");
        let rows = rows(backend, table, &KeyRange::default(), Direction::Forward).len();
        assert_eq!(rows, if count == 0 { 0 } else { count as usize + 1 }, "rows of the table {name}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{MemoryBackend, RocksBackend, RocksMemory};

    #[test]
    fn memory_passes() {
        for (name, check) in SUITE {
            println!("{name}");
            check(Box::<MemoryBackend>::default());
        }
    }

    #[test]
    fn rocks_passes() {
        let memory = RocksMemory::new(32 << 20);
        for (name, check) in SUITE {
            println!("{name}");
            let folder = tempfile::tempdir().expect("a folder");
            check(Box::new(RocksBackend::open(folder.path(), &memory).expect("opens")));
        }
    }

    #[test]
    fn rocks_is_durable() {
        let memory = RocksMemory::new(32 << 20);
        for (name, check) in DURABLE {
            println!("{name}");
            let folder = tempfile::tempdir().expect("a folder");
            check(&mut || Box::new(RocksBackend::open(folder.path(), &memory).expect("opens")));
        }
    }
}
