//! Random operations on key-value stores against sorted maps.

use std::collections::BTreeMap;

use super::support::{BOTH, Changelog, Logged, On, commit, logged, open, restore};
use crate::backend::{Direction, SharedBackend};
use crate::conformance::Random;
use crate::{DefaultCodec, Headers, KeyValueStore, Stamped, Store, StoreConfig, Timestamp, Updated};

type Rows = BTreeMap<Vec<u8>, Stamped<u64>>;
type Keys = KeyValueStore<Vec<u8>, u64>;

/// What the store must hold, and what must leave it.
#[derive(Default)]
struct Model {
    rows: Rows,
    /// At the last drain, with caching; it is what old values are of.
    drained: Rows,
    committed: Rows,
    /// Changed keys in the order of their last change, with the time of the change.
    changed: Vec<(Vec<u8>, Timestamp)>,
}

struct Run {
    on: On,
    config: fn(&SharedBackend) -> StoreConfig,
    random: Random,
    folder: tempfile::TempDir,
    model: Model,
    sink: Changelog,
    time: i64,
}

fn uncached(backend: &SharedBackend) -> StoreConfig {
    StoreConfig { send_old_values: true, ..logged("store", backend) }
}

fn cached(backend: &SharedBackend) -> StoreConfig {
    StoreConfig { caching: true, ..uncached(backend) }
}

fn keys(config: StoreConfig) -> Keys {
    KeyValueStore::open(config, Vec::codec(), u64::codec()).expect("opens")
}

#[test]
fn without_a_cache() {
    for on in BOTH {
        run(on, uncached, 0xab);
    }
}

#[test]
fn with_a_cache() {
    for on in BOTH {
        run(on, cached, 0xcd);
    }
}

fn run(on: On, config: fn(&SharedBackend) -> StoreConfig, seed: u64) {
    println!("{on:?} seed {seed:#x}");
    let folder = tempfile::tempdir().expect("a folder");
    let (model, sink) = (Model::default(), Changelog::default());
    let mut run = Run { on, config, random: Random::new(seed), folder, model, sink, time: 0 };
    let mut backend = open(on, run.folder.path());
    let mut store = keys(config(&backend));
    for _ in 0..3_000 {
        match run.random.below(100) {
            0..50 => run.change(&mut store),
            50..70 => run.get(&mut store),
            70..90 => run.range(&mut store),
            90..96 => run.commit(&mut store, &backend),
            96..98 => store.shrink(run.random.below(2_000) as usize),
            _ => {
                drop(store);
                if on == On::Rocks {
                    drop(backend);
                    backend = open(on, run.folder.path());
                }
                store = keys((run.config)(&backend));
                run.model.rows = run.model.committed.clone();
                run.model.drained = run.model.committed.clone();
                run.model.changed.clear();
            }
        }
    }
    run.commit(&mut store, &backend);
    run.restores(&store);
}

impl Run {
    fn change(&mut self, store: &mut Keys) {
        self.time += 1;
        let (key, timestamp) = (self.random.key(), Timestamp(self.time));
        let value = (self.random.below(3) > 0).then(|| self.random.number());
        let old = self.model.rows.get(&key).cloned();
        let new = Stamped { value, timestamp };
        let logged_before = self.sink.records.len();
        let updated = if self.random.below(2) == 0 {
            store.put(&key, value, timestamp, &Headers::EMPTY, &mut self.sink)
        } else {
            store.update(&key, &Headers::EMPTY, &mut self.sink, |seen| {
                assert_eq!(seen, old);
                new
            })
        };
        match updated.expect("changes") {
            Updated::Deferred => assert_eq!(self.sink.records.len(), logged_before),
            Updated::Now(change) => {
                assert_eq!(change.timestamp, timestamp);
                assert_eq!((change.value.old, change.value.new), (old.map(|old| old.value), value));
                let expected = Logged {
                    key: key.clone(),
                    value: value.map(|value| value.to_be_bytes().to_vec()),
                    timestamp,
                    headers: Headers::EMPTY,
                };
                assert_eq!(self.sink.records.last(), Some(&expected));
            }
        }
        self.model.changed.retain(|(other, _)| *other != key);
        self.model.changed.push((key.clone(), timestamp));
        match value {
            Some(value) => self.model.rows.insert(key, Stamped { value, timestamp }),
            None => self.model.rows.remove(&key),
        };
    }

    fn get(&mut self, store: &mut Keys) {
        let key = self.random.key();
        assert_eq!(store.get(&key).expect("reads"), self.model.rows.get(&key).cloned(), "{key:?}");
    }

    fn range(&mut self, store: &mut Keys) {
        let direction = [Direction::Forward, Direction::Backward][self.random.below(2) as usize];
        if self.random.below(4) == 0 {
            let prefix = self.random.key();
            let cursor = store.prefix(&prefix, direction).expect("a range");
            let expected = self.model.rows.iter().filter(|(key, _)| key.starts_with(&prefix));
            compare(cursor, expected, direction);
            return;
        }
        let mut bound = || (self.random.below(3) > 0).then(|| self.random.key());
        let (from, to) = (bound(), bound());
        let cursor = store.range(from.as_ref(), to.as_ref(), direction).expect("a range");
        let expected = self.model.rows.iter().filter(|(key, _)| {
            from.as_ref().is_none_or(|from| from <= *key) && to.as_ref().is_none_or(|to| *key <= to)
        });
        compare(cursor, expected, direction);
    }

    fn commit(&mut self, store: &mut Keys, backend: &SharedBackend) {
        if (self.config)(backend).caching {
            self.drain(store);
        }
        commit(store, backend);
        self.model.committed = self.model.rows.clone();
        assert_eq!(store.dirty_bytes(), 0);
    }

    fn drain(&mut self, store: &mut Keys) {
        let mut drained = Vec::new();
        self.sink.records.clear();
        store.drain(&mut self.sink, &mut drained).expect("drains");
        let model = &self.model;
        let changed = model.changed.iter().filter_map(|(key, timestamp)| {
            let value = |rows: &Rows| rows.get(key).map(|row| row.value);
            let (old, new) = (value(&model.drained), value(&model.rows));
            (old.is_some() || new.is_some()).then_some((key.clone(), old, new, *timestamp))
        });
        let expected: Vec<_> = changed.collect();
        let found =
            drained.into_iter().map(|update| (update.key, update.change.old, update.change.new, update.timestamp));
        assert_eq!(found.collect::<Vec<_>>(), expected);
        let logged = self.sink.records.iter().map(|record| (record.key.clone(), record.timestamp));
        let expected: Vec<_> = expected.into_iter().map(|(key, _, _, timestamp)| (key, timestamp)).collect();
        assert_eq!(logged.collect::<Vec<_>>(), expected);
        self.model.drained = self.model.rows.clone();
        self.model.changed.clear();
    }

    /// A changelog of what was committed makes the same store elsewhere.
    fn restores(&self, store: &Keys) {
        let folder = tempfile::tempdir().expect("a folder");
        let backend = open(self.on, folder.path());
        let mut restored = keys(StoreConfig::new(store.name(), backend.clone()));
        let records = self.model.committed.iter().map(|(key, row)| Logged {
            key: key.clone(),
            value: Some(row.value.to_be_bytes().to_vec()),
            timestamp: row.timestamp,
            headers: Headers::EMPTY,
        });
        restore(&mut restored, &backend, &records.collect::<Vec<_>>());
        let cursor = restored.range(None, None, Direction::Forward).expect("a range");
        compare(cursor, self.model.committed.iter(), Direction::Forward);
    }
}

fn compare<'a>(
    cursor: impl Iterator<Item = crate::Result<(Vec<u8>, Stamped<u64>)>>,
    expected: impl Iterator<Item = (&'a Vec<u8>, &'a Stamped<u64>)>,
    direction: Direction,
) {
    let found: Vec<_> = cursor.map(|entry| entry.expect("decodes")).collect();
    let mut expected: Vec<_> = expected.map(|(key, row)| (key.clone(), row.clone())).collect();
    if direction == Direction::Backward {
        expected.reverse();
    }
    assert_eq!(found, expected);
}
