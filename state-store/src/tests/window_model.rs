//! Random operations on window stores against sorted maps.

use std::collections::BTreeMap;

use super::support::{BOTH, Changelog, Logged, On, commit, logged, open, restore};
use crate::backend::{Direction, SharedBackend};
use crate::conformance::Random;
use crate::{
    DefaultCodec, Expiry, Headers, Stamped, Store, StoreConfig, Timestamp, Updated, WindowMeasures, WindowStore,
    Windowed,
};

type Key = Vec<u8>;
type Windows = WindowStore<Key, u64>;
/// By key, start and sequence number.
type Rows = BTreeMap<(Key, i64, u32), Stamped<u64>>;

const SEGMENT_MS: i64 = 100_000;
const RETENTION_MS: i64 = 2 * SEGMENT_MS;

/// What the store must hold. Rows are never forgotten here: what has expired is left out when it is compared.
#[derive(Clone, Debug)]
struct Model {
    rows: Rows,
    stream_time: i64,
    sequence: u32,
}

struct Run {
    on: On,
    measures: WindowMeasures,
    caching: bool,
    random: Random,
    folder: tempfile::TempDir,
    model: Model,
    committed: Model,
    /// With caching: what old values are of.
    drained: Rows,
    /// Changed windows in the order of their last change, with the time of the change.
    changed: Vec<((Key, i64, u32), Timestamp)>,
    sink: Changelog,
    /// Records of the changelog up to the last commit.
    committed_records: usize,
    time: i64,
}

fn measures(expiry: Expiry) -> WindowMeasures {
    WindowMeasures { size_ms: 1_000, retention_ms: RETENTION_MS, retain_duplicates: false, expiry }
}

#[test]
fn without_a_cache() {
    for on in BOTH {
        run(on, measures(Expiry::Segments), false, 0x11);
        run(on, measures(Expiry::Exact), false, 0x22);
    }
}

#[test]
fn with_a_cache() {
    for on in BOTH {
        run(on, measures(Expiry::Segments), true, 0x33);
        run(on, measures(Expiry::Exact), true, 0x44);
    }
}

#[test]
fn with_duplicates() {
    for on in BOTH {
        for (expiry, seed) in [(Expiry::Segments, 0x55), (Expiry::Exact, 0x66)] {
            run(on, WindowMeasures { retain_duplicates: true, ..measures(expiry) }, true, seed);
        }
    }
}

fn run(on: On, measures: WindowMeasures, caching: bool, seed: u64) {
    println!("{on:?} {measures:?} caching {caching} seed {seed:#x}");
    let model = Model { rows: Rows::new(), stream_time: -1, sequence: 0 };
    let mut run = Run {
        on,
        measures,
        caching: caching && !measures.retain_duplicates,
        random: Random::new(seed),
        folder: tempfile::tempdir().expect("a folder"),
        committed: model.clone(),
        model,
        drained: Rows::new(),
        changed: Vec::new(),
        sink: Changelog::default(),
        committed_records: 0,
        time: 0,
    };
    let mut backend = open(on, run.folder.path());
    let mut store = run.store(&backend);
    for _ in 0..2_000 {
        match run.random.below(100) {
            0..55 => run.change(&mut store),
            55..65 => run.get(&mut store),
            65..90 => run.fetch(&mut store),
            90..96 => run.commit(&mut store, &backend),
            96..98 => store.shrink(run.random.below(2_000) as usize),
            _ => {
                drop(store);
                if on == On::Rocks {
                    drop(backend);
                    backend = open(on, run.folder.path());
                }
                store = run.store(&backend);
                run.model = run.committed.clone();
                run.drained = run.committed.rows.clone();
                run.changed.clear();
                run.sink.records.truncate(run.committed_records);
            }
        }
        assert_eq!(store.observed_stream_time(), Timestamp(run.model.stream_time));
    }
    run.commit(&mut store, &backend);
    run.restores();
}

impl Model {
    fn oldest_readable(&self) -> i64 {
        (self.stream_time - RETENTION_MS + 1).max(0)
    }

    fn keeps(&self, start: i64, expiry: Expiry) -> bool {
        match expiry {
            Expiry::Exact => start > self.stream_time - RETENTION_MS,
            Expiry::Segments => start / SEGMENT_MS >= (self.stream_time - RETENTION_MS) / SEGMENT_MS,
        }
    }
}

impl Run {
    fn store(&self, backend: &SharedBackend) -> Windows {
        let config = StoreConfig { caching: self.caching, send_old_values: true, ..logged("windows", backend) };
        WindowStore::open(config, self.measures, Vec::codec(), u64::codec()).expect("opens")
    }

    fn start(&mut self) -> i64 {
        let back = self.random.below(3 * SEGMENT_MS as u64) as i64;
        // Coarse, so that windows are met again.
        (self.time - back).max(0) / 10_000 * 10_000
    }

    fn change(&mut self, store: &mut Windows) {
        self.time += self.random.below(3_000) as i64;
        let (key, start, timestamp) = (self.random.key(), self.start(), Timestamp(self.time));
        let value = (self.random.below(4) > 0).then(|| self.random.number());
        if self.measures.retain_duplicates {
            return self.add(store, key, start, Stamped { value, timestamp });
        }
        let id = (key.clone(), start, 0);
        let old = self.model.rows.get(&id).cloned();
        let readable = start >= self.model.oldest_readable();
        let updated = if self.random.below(2) == 0 {
            store.put(&key, Timestamp(start), value, timestamp, &Headers::EMPTY, &mut self.sink)
        } else {
            store.update(&key, Timestamp(start), &Headers::EMPTY, &mut self.sink, |seen| {
                assert_eq!(seen, old.clone().filter(|_| readable));
                Stamped { value, timestamp }
            })
        };
        self.model.stream_time = self.model.stream_time.max(start);
        let kept = self.model.keeps(start, self.measures.expiry);
        let updated = updated.expect("changes");
        assert_eq!(updated.is_some(), kept, "{key:?} at {start}");
        if let Some(Updated::Now(change)) = updated {
            assert!(!self.caching);
            assert_eq!((change.value.old, change.value.new), (old.map(|old| old.value), value));
        }
        if kept {
            self.changed.retain(|(other, _)| *other != id);
            self.changed.push((id.clone(), timestamp));
            match value {
                Some(value) => self.model.rows.insert(id, Stamped { value, timestamp }),
                None => self.model.rows.remove(&id),
            };
        }
    }

    fn add(&mut self, store: &mut Windows, key: Key, start: i64, new: Stamped<Option<u64>>) {
        let put = store.put(&key, Timestamp(start), new.value, new.timestamp, &Headers::EMPTY, &mut self.sink);
        let looked_at = new.value.is_some() || self.measures.expiry == Expiry::Exact;
        if looked_at {
            self.model.stream_time = self.model.stream_time.max(start);
        }
        let kept = !looked_at || self.model.keeps(start, self.measures.expiry);
        assert_eq!(put.expect("puts").is_some(), kept);
        self.model.sequence += 1;
        if let (true, Some(value)) = (kept, new.value) {
            let row = Stamped { value, timestamp: new.timestamp };
            self.model.rows.insert((key, start, self.model.sequence), row);
        }
    }

    fn get(&mut self, store: &mut Windows) {
        if self.measures.retain_duplicates {
            return;
        }
        let (key, start) = (self.random.key(), self.start());
        let readable = start >= self.model.oldest_readable();
        let expected = self.model.rows.get(&(key.clone(), start, 0)).filter(|_| readable).cloned();
        assert_eq!(store.get(&key, Timestamp(start)).expect("reads"), expected, "{key:?} at {start}");
    }

    fn fetch(&mut self, store: &mut Windows) {
        let direction = [Direction::Forward, Direction::Backward][self.random.below(2) as usize];
        let (from, to) = (self.start(), self.start() + 50_000);
        let to = if self.random.below(4) == 0 { i64::MAX } else { to };
        if self.random.below(2) == 0 {
            let key = self.random.key();
            let cursor = store.fetch(&key, Timestamp(from), Timestamp(to), direction).expect("a range");
            self.compare(&self.model, cursor, |other, start| *other == key && from <= start && start <= to, direction);
        } else {
            let mut bound = || (self.random.below(3) > 0).then(|| self.random.key());
            let (first, last) = (bound(), bound());
            let (from_time, to_time) = (Timestamp(from), Timestamp(to));
            let cursor = store.fetch_range(first.as_ref(), last.as_ref(), from_time, to_time, direction);
            let selects = |key: &Key, start: i64| {
                first.as_ref().is_none_or(|first| first <= key)
                    && last.as_ref().is_none_or(|last| key <= last)
                    && from <= start
                    && start <= to
            };
            self.compare(&self.model, cursor.expect("a range"), selects, direction);
        }
    }

    fn compare(
        &self,
        model: &Model,
        cursor: impl Iterator<Item = crate::Result<(Windowed<Key>, Stamped<u64>)>>,
        selects: impl Fn(&Key, i64) -> bool,
        direction: Direction,
    ) {
        let found: Vec<_> = cursor.map(|entry| entry.expect("decodes")).collect();
        let rows =
            model.rows.iter().filter(|((key, start, _), _)| *start >= model.oldest_readable() && selects(key, *start));
        let mut expected: Vec<_> = rows.collect();
        expected.sort_by_key(|((key, start, sequence), _)| match self.measures.expiry {
            Expiry::Segments => {
                let bytes = [&key[..], &start.to_be_bytes(), &sequence.to_be_bytes()].concat();
                (start / SEGMENT_MS, bytes)
            }
            Expiry::Exact => (*start, [&key[..], &sequence.to_be_bytes()].concat()),
        });
        if direction == Direction::Backward {
            expected.reverse();
        }
        let found = found.iter().map(|(key, row)| (&key.key, key.window.start.millis(), row));
        let expected = expected.into_iter().map(|((key, start, _), row)| (key, *start, row));
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    fn commit(&mut self, store: &mut Windows, backend: &SharedBackend) {
        if self.caching {
            self.drain(store);
        }
        commit(store, backend);
        assert_eq!(store.dirty_bytes(), 0);
        let names = backend.borrow().table_names();
        assert!(names.len() <= 1 + 4, "segments of the retention and the positions: {names:?}");
        self.committed = self.model.clone();
        self.committed_records = self.sink.records.len();
    }

    fn drain(&mut self, store: &mut Windows) {
        let mut drained = Vec::new();
        store.drain(&mut self.sink, &mut drained).expect("drains");
        let expected = self.changed.iter().filter_map(|(id, timestamp)| {
            let value = |rows: &Rows| rows.get(id).map(|row| row.value);
            let (old, new) = (value(&self.drained), value(&self.model.rows));
            (old.is_some() || new.is_some()).then_some((id.0.clone(), Timestamp(id.1), old, new, *timestamp))
        });
        let found = drained.into_iter().map(|update| {
            (update.key.key, update.key.window.start, update.change.old, update.change.new, update.timestamp)
        });
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        self.drained = self.model.rows.clone();
        self.changed.clear();
    }

    /// The changelog up to the last commit makes the same store elsewhere.
    fn restores(&self) {
        let folder = tempfile::tempdir().expect("a folder");
        let backend = open(self.on, folder.path());
        let mut restored = self.store(&backend);
        let records: &[Logged] = &self.sink.records[..self.committed_records];
        restore(&mut restored, &backend, records);
        // A window that came and went within the cache is not logged, so time may be a little behind; and deletions of
        // stores that retain duplicates are logged though they were not looked at, so it may be ahead.
        let mut model = self.committed.clone();
        model.stream_time = restored.observed_stream_time().millis();
        let exact = !self.caching && !self.measures.retain_duplicates;
        assert!(!exact || model.stream_time == self.committed.stream_time);
        let (from, to) = (Timestamp(0), Timestamp(i64::MAX));
        let cursor = restored.fetch_range(None, None, from, to, Direction::Forward).expect("a range");
        self.compare(&model, cursor, |_, _| true, Direction::Forward);
    }
}
