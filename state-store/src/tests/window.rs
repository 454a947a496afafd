//! Window stores, scenario by scenario.

use super::support::{BOTH, Changelog, Logged, On, commit, logged, open, restore};
use crate::backend::{Direction, MemoryBackend, SharedBackend};
use crate::{
    DefaultCodec, Drained, Expiry, Header, Headers, Kind, Stamped, Store, StoreConfig, Timestamp, Updated, Window,
    WindowMeasures, WindowStore, Windowed,
};

type Views = WindowStore<String, i64>;

/// Segments of this length, the shortest there are.
const MINUTE: i64 = 60_000;

const KEPT: WindowMeasures =
    WindowMeasures { size_ms: 10, retention_ms: 2 * MINUTE, retain_duplicates: false, expiry: Expiry::Segments };

fn views(config: StoreConfig, measures: WindowMeasures) -> Views {
    WindowStore::open(config, measures, String::codec(), i64::codec()).expect("opens")
}

fn memory() -> SharedBackend {
    MemoryBackend::default().shared()
}

/// Puts a value that is the start; whether the window was still kept.
fn put(store: &mut Views, key: &str, start: i64, sink: &mut Changelog) -> bool {
    let start = Timestamp(start);
    let value = Some(start.millis());
    store.put(&key.to_owned(), start, value, start, &Headers::EMPTY, sink).expect("puts").is_some()
}

fn get(store: &mut Views, key: &str, start: i64) -> Option<i64> {
    store.get(&key.to_owned(), Timestamp(start)).expect("reads").map(|value| value.value)
}

fn range(store: &mut Views, from: i64, to: i64, direction: Direction) -> Vec<String> {
    let cursor = store.fetch_range(None, None, Timestamp(from), Timestamp(to), direction).expect("a range");
    let text =
        |(key, value): (Windowed<String>, Stamped<i64>)| format!("{}@{}={}", key.key, key.window.start, value.value);
    cursor.map(|entry| entry.map(text).expect("decodes")).collect()
}

fn all(store: &mut Views) -> Vec<String> {
    range(store, 0, i64::MAX, Direction::Forward)
}

fn log(key: &str, start: i64, sequence: u32, value: Option<i64>) -> Logged {
    let mut bytes = key.as_bytes().to_vec();
    bytes.extend_from_slice(&start.to_be_bytes());
    bytes.extend_from_slice(&sequence.to_be_bytes());
    let value = value.map(|value| value.to_be_bytes().to_vec());
    Logged { key: bytes, value, timestamp: Timestamp(start), headers: Headers::EMPTY }
}

#[test]
fn segments_expire_whole_and_reads_to_the_millisecond() {
    for on in BOTH {
        let folder = tempfile::tempdir().expect("a folder");
        let backend = open(on, folder.path());
        let mut sink = Changelog::default();
        let mut store = views(logged("v", &backend), KEPT);
        for start in [0, MINUTE - 1, MINUTE] {
            assert!(put(&mut store, "a", start, &mut sink));
        }
        commit(&mut store, &backend);
        // The last moment at which the first segment lives.
        assert!(put(&mut store, "a", 3 * MINUTE - 1, &mut sink));
        assert!(put(&mut store, "late", 1, &mut sink));
        assert_eq!((get(&mut store, "a", MINUTE - 1), get(&mut store, "a", MINUTE)), (None, Some(MINUTE)));
        assert_eq!(all(&mut store), ["a@60000=60000", "a@179999=179999"]);
        commit(&mut store, &backend);
        let tables = ["@positions", "v@0", "v@120000", "v@60000"];
        assert_eq!(backend.borrow().table_names(), tables);
        assert!(put(&mut store, "a", 3 * MINUTE, &mut sink));
        assert!(!put(&mut store, "late", MINUTE - 1, &mut sink));
        commit(&mut store, &backend);
        assert_eq!(backend.borrow().table_names(), ["@positions", "v@120000", "v@180000", "v@60000"]);
        // Kafka Streams logs what it does not keep, too.
        assert_eq!(sink.records.last(), Some(&log("late", MINUTE - 1, 0, Some(MINUTE - 1))));
    }
}

#[test]
fn an_exact_store_refuses_to_the_millisecond() {
    let mut sink = Changelog::default();
    let mut store = views(logged("v", &memory()), WindowMeasures { expiry: Expiry::Exact, ..KEPT });
    put(&mut store, "a", 3 * MINUTE, &mut sink);
    assert!(!put(&mut store, "a", MINUTE, &mut sink));
    assert!(put(&mut store, "a", MINUTE + 1, &mut sink));
    assert_eq!(all(&mut store), ["a@60001=60001", "a@180000=180000"]);
}

#[test]
fn ranges_go_by_segment_or_by_start() {
    for expiry in [Expiry::Segments, Expiry::Exact] {
        let backend = memory();
        let mut sink = Changelog::default();
        let mut store = views(logged("v", &backend), WindowMeasures { expiry, ..KEPT });
        for (key, start) in [("b", 1), ("a", 2), ("a", MINUTE), ("b", MINUTE - 1)] {
            put(&mut store, key, start, &mut sink);
        }
        let expected = match expiry {
            Expiry::Segments => ["a@2=2", "b@1=1", "b@59999=59999", "a@60000=60000"],
            Expiry::Exact => ["b@1=1", "a@2=2", "b@59999=59999", "a@60000=60000"],
        };
        assert_eq!(all(&mut store), expected);
        commit(&mut store, &backend);
        assert_eq!(all(&mut store), expected);
        let mut backward = range(&mut store, 0, i64::MAX, Direction::Backward);
        backward.reverse();
        assert_eq!(backward, expected);
        assert_eq!(range(&mut store, 2, MINUTE - 1, Direction::Forward).len(), 2);
        assert_eq!(range(&mut store, 3, 2, Direction::Forward).len(), 0);
    }
}

#[test]
fn a_fetch_of_a_key_does_not_see_keys_that_begin_like_it() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = views(logged("v", &backend), KEPT);
    for key in ["a", "a\0", "a\0\0\0\0\0\0\0\0", "aa"] {
        put(&mut store, key, 0, &mut sink);
        put(&mut store, key, 7, &mut sink);
    }
    for _ in 0..2 {
        let cursor = store.fetch(&"a".to_owned(), Timestamp(0), Timestamp(9), Direction::Forward).expect("a range");
        let keys: Vec<_> = cursor.map(|entry| entry.expect("decodes").0).collect();
        let window = |start| Window { start: Timestamp(start), end: Timestamp(start + 10) };
        let expected = [0, 7].map(|start| Windowed { key: "a".to_owned(), window: window(start) });
        assert_eq!(keys, expected);
        commit(&mut store, &backend);
        store.shrink(0);
    }
}

#[test]
fn duplicates_stand_side_by_side_and_are_logged_with_the_input_headers() {
    let backend = memory();
    let mut sink = Changelog::default();
    let measures = WindowMeasures { retain_duplicates: true, ..KEPT };
    let config = StoreConfig { caching: true, send_old_values: true, ..logged("v", &backend) };
    let mut store = views(config, measures);
    let headers = Headers::from_iter([Header { name: "h".to_owned(), value: None }]);
    for value in [Some(1), None, Some(2)] {
        let updated = store.put(&"a".to_owned(), Timestamp(5), value, Timestamp(5), &headers, &mut sink);
        assert!(matches!(updated.expect("puts"), Some(Updated::Now(_))));
    }
    let expected = [(1, Some(1)), (2, None), (3, Some(2))]
        .map(|(sequence, value)| Logged { headers: headers.clone(), ..log("a", 5, sequence, value) });
    assert_eq!(sink.records, expected);
    assert_eq!(get(&mut store, "a", 5), Some(2));
    assert_eq!(all(&mut store), ["a@5=1", "a@5=2"]);
    commit(&mut store, &backend);
    assert_eq!((all(&mut store).len(), store.table_bytes()), (2, 0));
    // Numbers go on after a restart, so that nothing is overwritten.
    let mut store = views(logged("v", &backend), measures);
    put(&mut store, "a", 5, &mut sink);
    assert_eq!(all(&mut store), ["a@5=1", "a@5=2", "a@5=5"]);
    assert_eq!(sink.records.last(), Some(&log("a", 5, 4, Some(5))));
}

#[test]
fn stream_time_is_of_the_commit() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = views(logged("v", &backend), KEPT);
    assert_eq!(store.observed_stream_time(), Timestamp::NONE);
    put(&mut store, "a", 5 * MINUTE, &mut sink);
    commit(&mut store, &backend);
    put(&mut store, "a", 9 * MINUTE, &mut sink);
    assert_eq!(store.observed_stream_time(), Timestamp(9 * MINUTE));
    drop(store);
    let mut store = views(logged("v", &backend), KEPT);
    assert_eq!(store.observed_stream_time(), Timestamp(5 * MINUTE));
    assert!(!put(&mut store, "late", MINUTE, &mut sink));
}

#[test]
fn a_restored_store_has_stream_time_rows_and_no_expired_segment() {
    for on in BOTH {
        let folder = tempfile::tempdir().expect("a folder");
        let backend = open(on, folder.path());
        let mut records: Vec<_> = (0..20).map(|minute| log("a", minute * MINUTE, 0, Some(minute))).collect();
        records.push(log("late", 0, 0, Some(0)));
        records.push(log("a", 18 * MINUTE, 0, None));
        let mut store = views(logged("v", &backend), KEPT);
        restore(&mut store, &backend, &records);
        assert_eq!(store.observed_stream_time(), Timestamp(19 * MINUTE));
        assert_eq!(all(&mut store), ["a@1140000=19"]);
        assert_eq!(backend.borrow().table_names().len(), 1 + 3);
        drop(store);
        assert_eq!(all(&mut views(logged("v", &backend), KEPT)), ["a@1140000=19"]);
    }
}

#[test]
fn a_record_of_another_store_is_refused() {
    let mut store = views(logged("v", &memory()), KEPT);
    let mut batch = crate::backend::Batch::default();
    let error = store.restore(b"short", None, Timestamp(0), &mut batch).expect_err("no window key");
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.to_string().contains("\"v\""), "{error}");
}

#[test]
fn updates_of_a_window_leave_as_one() {
    let backend = memory();
    let mut sink = Changelog::default();
    let config = StoreConfig { caching: true, send_old_values: true, ..logged("v", &backend) };
    let mut store = views(config, KEPT);
    let mut rounds = Vec::new();
    for round in 0..2 {
        for (key, start) in [("a", 0), ("b", 0), ("a", 10), ("a", 0)] {
            let updated = store.update(&key.to_owned(), Timestamp(start), &Headers::EMPTY, &mut sink, |old| Stamped {
                value: Some(old.map_or(0, |old| old.value) + 1),
                timestamp: Timestamp(start + round),
            });
            assert_eq!(updated.expect("updates"), Some(Updated::Deferred));
        }
        let mut drained: Vec<Drained<Windowed<String>, i64>> = Vec::new();
        store.drain(&mut sink, &mut drained).expect("drains");
        commit(&mut store, &backend);
        let row = |update: Drained<Windowed<String>, i64>| {
            (update.key.key, update.key.window.start.millis(), update.change.old, update.change.new)
        };
        rounds.push(drained.into_iter().map(row).collect::<Vec<_>>());
    }
    let row = |key: &str, start, old, new| (key.to_owned(), start, old, Some(new));
    assert_eq!(rounds[0], [row("b", 0, None, 1), row("a", 10, None, 1), row("a", 0, None, 2)]);
    assert_eq!(rounds[1], [row("b", 0, Some(1), 2), row("a", 10, Some(1), 2), row("a", 0, Some(2), 4)]);
}

#[test]
fn stores_do_not_see_each_others_segments() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut first = views(logged("v", &backend), KEPT);
    put(&mut first, "a", 0, &mut sink);
    commit(&mut first, &backend);
    let mut second = views(logged("v.1", &backend), KEPT);
    put(&mut second, "b", 9 * MINUTE, &mut sink);
    commit(&mut second, &backend);
    assert_eq!(all(&mut views(logged("v", &backend), KEPT)), ["a@0=0"]);
    assert_eq!(all(&mut views(logged("v.1", &backend), KEPT)), ["b@540000=540000"]);
}

#[test]
fn what_cannot_be_is_refused() {
    let measures = WindowMeasures { retention_ms: -1, ..KEPT };
    let error = WindowStore::<String, i64>::open(logged("v", &memory()), measures, String::codec(), i64::codec());
    assert_eq!(error.err().map(|error| error.kind()), Some(Kind::Invalid));
    let mut store = views(logged("v", &memory()), KEPT);
    let put =
        store.put(&"a".to_owned(), Timestamp(-1), Some(1), Timestamp(0), &Headers::EMPTY, &mut Changelog::default());
    assert_eq!(put.expect_err("before time").kind(), Kind::Invalid);
    let mut store = views(logged("v", &memory()), WindowMeasures { retention_ms: i64::MAX, size_ms: i64::MAX, ..KEPT });
    assert!(super::window::put(&mut store, "a", i64::MAX, &mut Changelog::default()));
    assert_eq!(get(&mut store, "a", i64::MAX), Some(i64::MAX));
    assert_eq!(all(&mut store).len(), 1);
}

#[test]
fn a_changed_retention_is_told_before_a_row_is_looked_for_in_the_wrong_segment() {
    let backend = memory();
    let mut sink = Changelog::default();
    let mut store = views(logged("v", &backend), KEPT);
    put(&mut store, "a", MINUTE, &mut sink);
    commit(&mut store, &backend);
    let measures = WindowMeasures { retention_ms: 5 * MINUTE, ..KEPT };
    let opened = WindowStore::<String, i64>::open(logged("v", &backend), measures, String::codec(), i64::codec());
    let error = opened.err().expect("segments of another length");
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.to_string().contains("retention"), "{error}");
}

#[test]
fn windows_survive_a_clean_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = open(On::Rocks, folder.path());
    let mut sink = Changelog::default();
    let mut store = views(logged("v", &backend), KEPT);
    put(&mut store, "a", MINUTE, &mut sink);
    put(&mut store, "a", 3 * MINUTE, &mut sink);
    commit(&mut store, &backend);
    backend.borrow_mut().flush().expect("flushes");
    drop((store, backend));
    let backend = open(On::Rocks, folder.path());
    let mut store = views(logged("v", &backend), KEPT);
    assert_eq!(all(&mut store), ["a@180000=180000"]);
    assert_eq!(store.observed_stream_time(), Timestamp(3 * MINUTE));
}
