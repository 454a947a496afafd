//! Key-value stores, scenario by scenario.

use super::support::{BOTH, Changelog, Logged, On, commit, logged, open, restore};
use crate::backend::{Direction, SharedBackend};
use crate::{
    Change, DefaultCodec, Drained, Header, Headers, KeyValueStore, Kind, Stamped, Store, StoreConfig, Timestamp,
    Updated,
};

type Counts = KeyValueStore<String, i64>;

fn counts(config: StoreConfig) -> Counts {
    KeyValueStore::open(config, String::codec(), i64::codec()).expect("opens")
}

fn memory() -> SharedBackend {
    crate::backend::MemoryBackend::default().shared()
}

fn caching(backend: &SharedBackend) -> StoreConfig {
    StoreConfig { caching: true, send_old_values: true, ..logged("counts", backend) }
}

fn put(store: &mut Counts, key: &str, value: Option<i64>, time: i64, sink: &mut Changelog) -> Updated<i64> {
    store.put(&key.to_owned(), value, Timestamp(time), &Headers::EMPTY, sink).expect("puts")
}

fn add(store: &mut Counts, key: &str, time: i64, sink: &mut Changelog) -> Updated<i64> {
    let updated = store.update(&key.to_owned(), &Headers::EMPTY, sink, |old| {
        let value = Some(old.map_or(0, |old| old.value) + 1);
        Stamped { value, timestamp: Timestamp(time) }
    });
    updated.expect("updates")
}

fn drain(store: &mut Counts, sink: &mut Changelog) -> Vec<Drained<String, i64>> {
    let mut drained = Vec::new();
    store.drain(sink, &mut drained).expect("drains");
    drained
}

fn now(old: Option<i64>, new: Option<i64>, time: i64) -> Updated<i64> {
    Updated::Now(Stamped { value: Change { old, new }, timestamp: Timestamp(time) })
}

fn log(key: &str, value: Option<i64>, time: i64) -> Logged {
    Logged {
        key: key.into(),
        value: value.map(|value| value.to_be_bytes().to_vec()),
        timestamp: Timestamp(time),
        headers: Headers::EMPTY,
    }
}

fn entries(store: &mut Counts) -> Vec<(String, i64)> {
    let cursor = store.range(None, None, Direction::Forward).expect("a range");
    cursor.map(|entry| entry.map(|(key, value)| (key, value.value)).expect("decodes")).collect()
}

/// Key, old value, new value, timestamp of each drained update.
fn summary(drained: &[Drained<String, i64>]) -> Vec<(&str, Option<i64>, Option<i64>, i64)> {
    let row = |update: &'_ Drained<String, i64>| (update.change.old, update.change.new, update.timestamp.millis());
    drained.iter().map(|update| (&*update.key, row(update).0, row(update).1, row(update).2)).collect()
}

#[test]
fn without_a_cache_every_put_is_logged_and_handed_back() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = counts(StoreConfig { send_old_values: true, ..logged("counts", &backend) });
    assert_eq!(put(&mut store, "a", Some(1), 10, &mut sink), now(None, Some(1), 10));
    assert_eq!(add(&mut store, "a", 12, &mut sink), now(Some(1), Some(2), 12));
    assert_eq!(put(&mut store, "a", None, 11, &mut sink), now(Some(2), None, 11));
    assert_eq!(put(&mut store, "b", None, 13, &mut sink), now(None, None, 13));
    let expected = [log("a", Some(1), 10), log("a", Some(2), 12), log("a", None, 11), log("b", None, 13)];
    assert_eq!(sink.records, expected);
}

#[test]
fn old_values_are_sent_where_they_are_asked_for() {
    let mut sink = Changelog::default();
    let mut store = counts(logged("counts", &memory()));
    put(&mut store, "a", Some(1), 1, &mut sink);
    assert_eq!(put(&mut store, "a", Some(2), 2, &mut sink), now(None, Some(2), 2));
    assert_eq!(put(&mut store, "a", None, 3, &mut sink), now(None, None, 3));
}

#[test]
fn a_cache_lets_one_update_of_each_key_out_in_the_order_of_the_last() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = counts(caching(&backend));
    for (key, time) in [("a", 1), ("b", 2), ("a", 3)] {
        assert_eq!(add(&mut store, key, time, &mut sink), Updated::Deferred);
    }
    assert_eq!(sink.records, []);
    let drained = drain(&mut store, &mut sink);
    assert_eq!(summary(&drained), [("b", None, Some(1), 2), ("a", None, Some(2), 3)]);
    assert_eq!(sink.records, [log("b", Some(1), 2), log("a", Some(2), 3)]);
    commit(&mut store, &backend);
    add(&mut store, "a", 4, &mut sink);
    add(&mut store, "a", 5, &mut sink);
    put(&mut store, "b", None, 6, &mut sink);
    let drained = drain(&mut store, &mut sink);
    assert_eq!(summary(&drained), [("a", Some(2), Some(4), 5), ("b", Some(1), None, 6)]);
    assert_eq!(summary(&drain(&mut store, &mut sink)), []);
}

#[test]
fn a_key_that_comes_and_goes_between_two_drains_leaves_no_trace() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = counts(caching(&backend));
    put(&mut store, "a", Some(1), 1, &mut sink);
    put(&mut store, "a", None, 2, &mut sink);
    put(&mut store, "never", None, 3, &mut sink);
    assert_eq!(summary(&drain(&mut store, &mut sink)), []);
    assert_eq!(sink.records, []);
    commit(&mut store, &backend);
    assert_eq!(entries(&mut store), []);
}

#[test]
fn a_deletion_put_blindly_is_judged_by_what_is_stored() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = counts(StoreConfig { caching: true, ..logged("counts", &backend) });
    put(&mut store, "a", Some(1), 1, &mut sink);
    drain(&mut store, &mut sink);
    commit(&mut store, &backend);
    store.shrink(0);
    put(&mut store, "a", None, 2, &mut sink);
    put(&mut store, "b", None, 3, &mut sink);
    assert_eq!(summary(&drain(&mut store, &mut sink)), [("a", None, None, 2)]);
    commit(&mut store, &backend);
    assert_eq!(entries(&mut store), []);
}

#[test]
fn a_deletion_that_was_drained_is_stored_though_the_key_is_deleted_again() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = counts(caching(&backend));
    put(&mut store, "a", Some(1), 1, &mut sink);
    drain(&mut store, &mut sink);
    commit(&mut store, &backend);
    put(&mut store, "a", None, 2, &mut sink);
    drain(&mut store, &mut sink);
    put(&mut store, "a", None, 3, &mut sink);
    drain(&mut store, &mut sink);
    commit(&mut store, &backend);
    assert_eq!(entries(&mut counts(caching(&backend))), []);
}

#[test]
fn a_store_that_no_operator_drains_logs_all_it_was_told() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = counts(StoreConfig { caching: true, ..logged("counts", &backend) });
    put(&mut store, "a", Some(1), 1, &mut sink);
    put(&mut store, "never", None, 2, &mut sink);
    store.log_changed(&mut sink).expect("logs");
    assert_eq!(sink.records, [log("a", Some(1), 1), log("never", None, 2)]);
    commit(&mut store, &backend);
    assert_eq!(entries(&mut store), [("a".to_owned(), 1)]);
}

#[test]
fn drained_updates_carry_the_headers_of_the_last_record() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = counts(caching(&backend));
    for value in 1..=2_u8 {
        let headers = Headers::from_iter([Header { name: "n".to_owned(), value: Some(vec![value]) }]);
        store.put(&"a".to_owned(), Some(1), Timestamp(1), &headers, &mut sink).expect("puts");
    }
    let drained = drain(&mut store, &mut sink);
    assert_eq!(drained[0].headers.iter().next().and_then(|header| header.value.clone()), Some(vec![2]));
    assert_eq!(sink.records, [log("a", Some(1), 1)]);
}

#[test]
fn nothing_uncommitted_reaches_the_backend() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = counts(logged("counts", &backend));
    put(&mut store, "a", Some(1), 1, &mut sink);
    commit(&mut store, &backend);
    put(&mut store, "a", Some(2), 2, &mut sink);
    put(&mut store, "b", Some(2), 2, &mut sink);
    assert_eq!(entries(&mut store), [("a".to_owned(), 2), ("b".to_owned(), 2)]);
    drop(store);
    assert_eq!(entries(&mut counts(logged("counts", &backend))), [("a".to_owned(), 1)]);
}

#[test]
fn a_cursor_is_a_snapshot_and_no_borrow() {
    for on in BOTH {
        let folder = tempfile::tempdir().expect("a folder");
        let backend = open(on, folder.path());
        let mut sink = Changelog::default();
        let mut store = counts(logged("counts", &backend));
        for number in 0..100 {
            put(&mut store, &format!("{number:03}"), Some(number), 1, &mut sink);
            if number == 50 {
                commit(&mut store, &backend);
            }
        }
        let cursor = store.range(None, None, Direction::Backward).expect("a range");
        let mut expected = (0..100).rev();
        for entry in cursor {
            let (key, value) = entry.expect("decodes");
            assert_eq!(Some(value.value), expected.next());
            put(&mut store, &key, None, 2, &mut sink);
            put(&mut store, &format!("{key} more"), Some(0), 2, &mut sink);
        }
        assert_eq!(expected.next(), None);
        assert_eq!(store.range(None, None, Direction::Forward).expect("a range").count(), 100);
    }
}

#[test]
fn a_store_is_restored_from_its_changelog() {
    for on in BOTH {
        let folder = tempfile::tempdir().expect("a folder");
        let backend = open(on, folder.path());
        let records = [log("a", Some(1), 7), log("b", Some(2), 8), log("a", None, 9), log("c", Some(3), 9)];
        let mut store = counts(logged("counts", &backend));
        assert_eq!(store.get(&"a".to_owned()).expect("reads"), None);
        restore(&mut store, &backend, &records);
        assert_eq!(entries(&mut store), [("b".to_owned(), 2), ("c".to_owned(), 3)]);
        let expected = Some(Stamped { value: 2, timestamp: Timestamp(8) });
        assert_eq!(store.get(&"b".to_owned()).expect("reads"), expected);
        assert_eq!(store.dirty_bytes(), 0);
    }
}

#[test]
fn a_value_that_its_codec_calls_null_deletes() {
    let backend = memory();
    let mut sink = Changelog::default();
    let values = std::sync::Arc::new(crate::codec::OptionCodec::new(i64::codec()));
    let config = StoreConfig { send_old_values: true, ..logged("counts", &backend) };
    let mut store = KeyValueStore::open(config, String::codec(), values).expect("opens");
    let key = "a".to_owned();
    store.put(&key, Some(Some(1)), Timestamp(1), &Headers::EMPTY, &mut sink).expect("puts");
    let updated = store.put(&key, Some(None), Timestamp(2), &Headers::EMPTY, &mut sink).expect("puts");
    let change = Change { old: Some(Some(1)), new: None };
    assert_eq!(updated, Updated::Now(Stamped { value: change, timestamp: Timestamp(2) }));
    assert_eq!(sink.records[1], log("a", None, 2));
}

#[test]
fn a_null_key_is_refused() {
    let mut sink = Changelog::default();
    let config = logged("counts", &memory());
    let mut store = KeyValueStore::open(config, Option::<String>::codec(), i64::codec()).expect("opens");
    assert_eq!(store.get(&None).expect_err("no key").kind(), Kind::Null);
    let put = store.put(&None, Some(1), Timestamp(1), &Headers::EMPTY, &mut sink);
    assert_eq!(put.expect_err("no key").kind(), Kind::Null);
}

#[test]
fn the_table_is_measured_and_shrinks() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = counts(logged("counts", &backend));
    for number in 0..100 {
        put(&mut store, &format!("{number:03}"), Some(number), 1, &mut sink);
    }
    let bytes = store.table_bytes();
    assert!(bytes > 100 * 50 && store.dirty_bytes() == bytes, "{bytes}");
    store.shrink(0);
    assert_eq!(store.table_bytes(), bytes);
    commit(&mut store, &backend);
    assert_eq!((store.table_bytes(), store.dirty_bytes()), (bytes, 0));
    store.shrink(bytes / 2);
    assert!(store.table_bytes() <= bytes / 2 && store.table_bytes() > bytes / 3);
    assert_eq!(entries(&mut store).len(), 100);
}

#[test]
fn a_damaged_row_is_an_error_and_ends_the_cursor() {
    let backend = memory();
    let mut store = counts(logged("counts", &backend));
    let mut batch = crate::backend::Batch::default();
    let table = backend.borrow().find_table("counts").expect("was made");
    batch.put(table, b"a", b"short");
    batch.put(table, b"b", &[0; 16]);
    backend.borrow_mut().apply(&batch).expect("applies");
    assert_eq!(store.get(&"a".to_owned()).expect_err("damaged").kind(), Kind::Corrupt);
    let mut cursor = store.range(None, None, Direction::Forward).expect("a range");
    assert_eq!(cursor.next().expect("an error").expect_err("damaged").kind(), Kind::Corrupt);
    assert!(cursor.next().is_none());
}

#[test]
fn rows_survive_a_clean_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = open(On::Rocks, folder.path());
    let mut sink = Changelog::default();
    let mut store = counts(logged("counts", &backend));
    put(&mut store, "a", Some(1), 1, &mut sink);
    commit(&mut store, &backend);
    backend.borrow_mut().flush().expect("flushes");
    drop((store, backend));
    let backend = open(On::Rocks, folder.path());
    assert_eq!(entries(&mut counts(logged("counts", &backend))), [("a".to_owned(), 1)]);
}
