//! Clean runs: exact results, restarts, restoration, listeners.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::world::{Place, World, counting, number};
use crate::ProcessingGuarantee::{AtLeastOnce, ExactlyOnce};
use crate::runtime::status::Status;
use crate::{RestoreStage, StreamsBuilder};

const WORDS: [&str; 5] = ["ant", "bee", "cat", "dog", "emu"];

/// `count` records whose words repeat unevenly.
fn records(from: usize, count: usize) -> Vec<(String, &'static str, i64)> {
    (from..from + count).map(|n| (format!("k{}", n % 7), WORDS[(n * n + n / 3) % WORDS.len()], n as i64)).collect()
}

fn produce(world: &World, records: &[(String, &'static str, i64)]) {
    world.produce("in", records.iter().map(|(key, word, time)| (key.as_str(), *word, *time)));
}

fn counts(records: &[(String, &'static str, i64)]) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for (_, word, _) in records {
        *counts.entry((*word).to_owned()).or_default() += 1;
    }
    counts
}

/// Every key of `out` has had the counts 1, 2, 3 … once each.
fn assert_each_count_once(world: &World, expected: &BTreeMap<String, i64>) {
    let mut seen: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for read in world.read("out") {
        seen.entry(read.key).or_default().push(number(&read.value.expect("a count")));
    }
    let expected = expected.iter().map(|(word, count)| (word.clone(), (1..=*count).collect::<Vec<_>>()));
    assert_eq!(seen, expected.collect());
}

#[test]
fn results_are_exact_with_one_thread_and_with_four() {
    for guarantee in [AtLeastOnce, ExactlyOnce] {
        for threads in [1, 4] {
            let world = World::new(&[("in", 3), ("out", 2)]);
            let all = records(0, 1000);
            produce(&world, &all);
            world.run_to_end(&counting(Place::Disk), &world.settings(guarantee, threads));
            assert_each_count_once(&world, &counts(&all));
            assert_eq!(world.latest("app-counts-changelog"), counts(&all), "{guarantee:?}, {threads} threads");
            assert_eq!(world.latest("app-grouped-changelog"), counts(&all), "{guarantee:?}, {threads} threads");
        }
    }
}

#[test]
fn a_clean_stop_and_a_new_start_go_on_where_it_was() {
    for place in [Place::Memory, Place::Disk] {
        let world = World::new(&[("in", 3), ("out", 2)]);
        let all = records(0, 900);
        // The number of threads may change from run to run.
        for (part, threads) in all.chunks(300).zip([2, 1, 3]) {
            produce(&world, part);
            world.run_to_end(&counting(place), &world.settings(AtLeastOnce, threads));
        }
        assert_each_count_once(&world, &counts(&all));
        assert_eq!(world.latest("app-grouped-changelog"), counts(&all), "{place:?}");
    }
}

#[test]
fn state_that_was_deleted_is_restored_from_the_changelog() {
    let world = World::new(&[("in", 2), ("out", 1)]);
    let all = records(0, 400);
    produce(&world, &all[..250]);
    let settings = world.settings(ExactlyOnce, 1);
    world.run_to_end(&counting(Place::Disk), &settings);
    world.delete_state();
    produce(&world, &all[250..]);

    let (status, told) = (Arc::new(Status::new()), Arc::new(Mutex::new(Vec::new())));
    let heard = Arc::clone(&told);
    status.on_restore(Box::new(move |progress| heard.lock().unwrap().push(progress.clone())));
    let mut app = world.start_with(&counting(Place::Disk), &settings, status).expect("it starts");
    app.settle().expect("it runs");
    app.close().expect("it closes");
    assert_each_count_once(&world, &counts(&all));

    let told = told.lock().unwrap();
    let of = |stage| told.iter().filter(|progress| progress.stage == stage).collect::<Vec<_>>();
    assert_eq!(of(RestoreStage::Start).len(), of(RestoreStage::End).len());
    let restored: u64 = of(RestoreStage::End).iter().filter(|end| end.store == "counts").map(|end| end.records).sum();
    assert_eq!(restored, 250, "one changelog record for each put");
    assert!(of(RestoreStage::End).iter().all(|end| end.remaining == 0));
    assert!(!of(RestoreStage::Batch).is_empty());
}

#[test]
fn local_state_that_is_there_is_not_restored_again() {
    let world = World::new(&[("in", 2), ("out", 1)]);
    let all = records(0, 300);
    produce(&world, &all);
    let settings = world.settings(AtLeastOnce, 1);
    world.run_to_end(&counting(Place::Disk), &settings);
    let (status, told) = (Arc::new(Status::new()), Arc::new(Mutex::new(0)));
    let heard = Arc::clone(&told);
    status.on_restore(Box::new(move |_| *heard.lock().unwrap() += 1));
    let mut app = world.start_with(&counting(Place::Disk), &settings, status).expect("it starts");
    app.settle().expect("it runs");
    assert_eq!(*told.lock().unwrap(), 0);
}

#[test]
fn a_changelog_that_was_made_anew_rebuilds_the_store() {
    let world = World::new(&[("in", 1), ("out", 1)]);
    let all = records(0, 300);
    produce(&world, &all);
    let settings = world.settings(AtLeastOnce, 1);
    world.run_to_end(&counting(Place::Disk), &settings);
    // The same local state meets another log: its changelog is shorter than the position that is stored.
    let other = World::new(&[("in", 1), ("out", 1)]);
    produce(&other, &all[..20]);
    let moved = crate::Settings { state_dir: world.folder.path().to_owned(), ..settings };
    other.run_to_end(&counting(Place::Disk), &moved);
    assert_each_count_once(&other, &counts(&all[..20]));
}

#[test]
fn processed_records_of_a_repartition_are_deleted() {
    let world = World::new(&[("in", 1), ("out", 1)]);
    let all = records(0, 200);
    produce(&world, &all);
    world.run_to_end(&counting(Place::Disk), &world.settings(AtLeastOnce, 1));
    assert_eq!(world.read("app-words-repartition").len(), 0);
    assert_each_count_once(&world, &counts(&all));
}

#[test]
fn a_full_write_back_table_commits_early() {
    let world = World::new(&[("in", 1)]);
    let builder = StreamsBuilder::new();
    let grouped = builder.stream::<String, String>("in").group_by_key();
    grouped.count_with(crate::dsl::Materialized::as_store("counts"));
    let topology = builder.build().expect("a valid topology");
    let keys: Vec<String> = (0..20_000).map(|n| format!("a key that takes some room {n:06}")).collect();
    world.produce("in", keys.iter().map(|key| (key.as_str(), "", 0)));
    let mut settings = world.settings(AtLeastOnce, 1);
    settings.cache_max_bytes = 512 << 10;
    let mut app = world.start(&topology, &settings).expect("it starts");
    for _ in 0..20 {
        app.threads[0].step().expect("a step");
    }
    // The clock stands: no commit is due by time.
    assert!(world.read("app-counts-changelog").len() > 10_000);
    app.settle().expect("it runs");
    app.close().expect("it closes");
    assert_eq!(world.latest("app-counts-changelog").len(), keys.len());
}
