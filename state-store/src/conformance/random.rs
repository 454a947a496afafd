//! Random operations against a sorted map: seeded, so that a failure can be run again.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::backend::{Backend, Batch, Direction, KeyRange};
use crate::conformance::rows;

/// A seeded generator (SplitMix64) for tests.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    /// A short key of few letters, so that keys meet again and are prefixes of each other.
    pub fn key(&mut self) -> Vec<u8> {
        let length = self.below(4);
        (0..length).map(|_| [0, b'a', b'b', 0xff][self.below(4) as usize]).collect()
    }

    fn bound(&mut self) -> Option<Vec<u8>> {
        (self.below(3) > 0).then(|| self.key())
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];

pub(super) fn it_does_what_a_sorted_map_does(mut backend: Box<dyn Backend>) {
    let seed = 0x5eed;
    println!("seed {seed:#x}");
    let mut random = Random::new(seed);
    let mut model: BTreeMap<&str, BTreeMap<Vec<u8>, Vec<u8>>> = BTreeMap::new();
    for _ in 0..300 {
        match random.below(10) {
            0 => {
                let name = NAMES[random.below(3) as usize];
                if model.remove(name).is_some() {
                    let table = backend.find_table(name).expect("was made");
                    backend.drop_table(table).expect("drops");
                }
            }
            1 => backend.flush().expect("flushes"),
            _ => apply(&mut *backend, &mut model, &mut random),
        }
        let range = KeyRange { start: random.bound(), end: random.bound() };
        for (name, expected) in &model {
            compare(&*backend, name, expected, &range);
        }
    }
}

fn apply(backend: &mut dyn Backend, model: &mut BTreeMap<&str, BTreeMap<Vec<u8>, Vec<u8>>>, random: &mut Random) {
    let mut batch = Batch::default();
    for _ in 0..random.below(20) {
        let name = NAMES[random.below(3) as usize];
        let table = backend.table(name).expect("a table");
        let (rows, key) = (model.entry(name).or_default(), random.key());
        if random.below(3) == 0 {
            batch.delete(table, &key);
            rows.remove(&key);
        } else {
            let value = random.number().to_be_bytes();
            batch.put(table, &key, &value);
            rows.insert(key, value.to_vec());
        }
    }
    backend.apply(&batch).expect("applies");
}

fn compare(backend: &dyn Backend, name: &str, model: &BTreeMap<Vec<u8>, Vec<u8>>, range: &KeyRange) {
    let table = backend.find_table(name).expect("was made");
    let start = range.start.clone().map_or(Bound::Unbounded, Bound::Included);
    let end = range.end.clone().map_or(Bound::Unbounded, Bound::Excluded);
    let empty = matches!((&start, &end), (Bound::Included(start), Bound::Excluded(end)) if start >= end);
    let mut expected: Vec<_> = match empty {
        true => Vec::new(),
        false => model.range((start, end)).map(|(key, value)| (key.clone(), value.clone())).collect(),
    };
    assert_eq!(rows(backend, table, range, Direction::Forward), expected, "{name} {range:?}");
    expected.reverse();
    assert_eq!(rows(backend, table, range, Direction::Backward), expected, "{name} {range:?}");
}
