//! Crashes and lost answers at random points, by a seed that a failure prints.

use std::collections::BTreeMap;

use super::world::{Place, World, counting, number};
use crate::ProcessingGuarantee::{self, AtLeastOnce, ExactlyOnce};
use crate::Topology;
use crate::dsl::{Materialized, TimeWindows};
use crate::memory::Faults;
use crate::{Settings, StreamsBuilder};

const WORDS: [&str; 6] = ["ant", "bee", "cat", "dog", "emu", "fox"];

/// How often a process is started, to crash again.
const LIVES: u64 = 6;

/// What becomes of the local state when its process crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Kept,
    Deleted,
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Runs `topology` through crashes while `input` arrives, then to its end.
fn survive(world: &World, topology: &Topology, settings: &Settings, state: State, seed: u64, mut input: impl FnMut()) {
    let mut random = Random(seed);
    for life in 0..LIVES {
        input();
        let mut app = world.start(topology, settings).expect("it starts");
        let calm = random.below(4) == 0;
        let (lost, crashes) = if calm { (0, 2) } else { (random.below(30) as u16, random.below(12) as u16) };
        world.log.inject(Faults {
            seed: seed * 100 + life,
            lost_requests_per_mille: lost,
            lost_answers_per_mille: lost,
            short_polls_per_mille: random.below(300) as u16,
            crashes_per_mille: crashes,
        });
        for _ in 0..random.below(120) + 5 {
            let thread = random.below(app.threads.len() as u64) as usize;
            if app.threads[thread].step().is_err() {
                break;
            }
            world.clock.advance(std::time::Duration::from_millis(random.below(60)));
        }
        world.log.heal();
        app.crash(&world.log);
        if state == State::Deleted {
            world.delete_state();
            // Another process: nobody knows the member and the transactions of the one that is gone.
            world.log.expire("app");
            world.log.time_out_transactions();
        }
    }
    world.run_to_end(topology, settings);
}

/// Writes some words, and counts how often each was written.
fn words(world: &World, expected: &mut BTreeMap<String, i64>, random: &mut Random) {
    let count = random.below(80) + 20;
    let records: Vec<_> = (0..count).map(|_| (random.below(9), WORDS[random.below(6) as usize])).collect();
    for (_, word) in &records {
        *expected.entry((*word).to_owned()).or_default() += 1;
    }
    let records: Vec<_> = records.iter().map(|(key, word)| (format!("k{key}"), *word)).collect();
    world.produce("in", records.iter().map(|(key, word)| (key.as_str(), *word, 1)));
}

fn count_through_crashes(
    guarantee: ProcessingGuarantee,
    place: Place,
    state: State,
    seed: u64,
) -> (World, BTreeMap<String, i64>) {
    let world = World::new(&[("in", 3), ("out", 2)]);
    let mut settings = world.settings(guarantee, 1 + (seed % 3) as usize);
    settings.poll_records_max = 5 + (seed % 40) as usize;
    if guarantee == AtLeastOnce {
        settings.commit_interval_ms = Some(200);
    }
    let (mut expected, mut random) = (BTreeMap::new(), Random(!seed));
    survive(&world, &counting(place), &settings, state, seed, || words(&world, &mut expected, &mut random));
    (world, expected)
}

#[test]
fn exactly_once_is_exact_after_every_crash() {
    for seed in 0..30 {
        let place = if seed % 2 == 0 { Place::Memory } else { Place::Disk };
        let state = if seed % 4 < 2 { State::Kept } else { State::Deleted };
        let context = format!("seed {seed}, {place:?}, {state:?}");
        let (world, expected) = count_through_crashes(ExactlyOnce, place, state, seed);
        assert_eq!(world.latest("app-counts-changelog"), expected, "{context}");
        assert_eq!(world.latest("app-grouped-changelog"), expected, "{context}");
        let mut seen: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for read in world.read("out") {
            seen.entry(read.key).or_default().push(number(&read.value.expect("a count")));
        }
        let each_once = expected.iter().map(|(word, count)| (word.clone(), (1..=*count).collect::<Vec<_>>()));
        assert_eq!(seen, each_once.collect(), "{context}");
    }
}

#[test]
fn at_least_once_loses_nothing() {
    let (mut excess, mut total) = (0, 0);
    for seed in 0..20 {
        let place = if seed % 2 == 0 { Place::Memory } else { Place::Disk };
        let state = if seed % 4 < 2 { State::Kept } else { State::Deleted };
        let (world, expected) = count_through_crashes(AtLeastOnce, place, state, seed);
        for changelog in ["app-counts-changelog", "app-grouped-changelog"] {
            let counts = world.latest(changelog);
            for (word, count) in &expected {
                let counted = counts.get(word).copied().unwrap_or_default();
                assert!(counted >= *count, "seed {seed}, {place:?}, {state:?}: {word} {counted} < {count}");
                (excess, total) = (excess + counted - count, total + count);
            }
        }
    }
    assert!(excess > 0, "the faults have not met a single commit");
    assert!(excess < total * 3, "far more was processed again than lay between two commits: {excess} of {total}");
}

#[test]
fn late_records_stay_late_after_crashes() {
    for seed in 0..16 {
        let run = |crashes: bool| {
            let world = World::new(&[("in", 1)]);
            let builder = StreamsBuilder::new();
            let hour = std::time::Duration::from_secs(3600);
            let windows = TimeWindows::of_size_and_grace(hour, hour / 12);
            let grouped = builder.stream::<String, String>("in").group_by_key().windowed_by(windows);
            grouped.count_with(Materialized::as_store("counts"));
            let topology = builder.build().expect("a valid topology");
            let mut settings = world.settings(ExactlyOnce, 1);
            settings.poll_records_max = 10;
            let (mut time, mut random) = (0, Random(!seed));
            let mut input = || {
                let records: Vec<_> = (0..random.below(60) + 10)
                    .map(|_| {
                        time += random.below(600_000) as i64;
                        let late = if random.below(4) == 0 { random.below(7_200_000) as i64 } else { 0 };
                        (format!("u{}", random.below(4)), (time - late).max(0))
                    })
                    .collect();
                world.produce("in", records.iter().map(|(key, time)| (key.as_str(), "", *time)));
            };
            if crashes {
                let state = if seed % 2 == 0 { State::Kept } else { State::Deleted };
                survive(&world, &topology, &settings, state, seed, input);
            } else {
                (0..LIVES).for_each(|_| input());
                world.run_to_end(&topology, &settings);
            }
            world.latest_raw("app-counts-changelog")
        };
        assert_eq!(run(true), run(false), "seed {seed}");
    }
}
