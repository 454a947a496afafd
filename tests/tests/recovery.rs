//! The counting application on Kafka, killed at random moments and stopped in order, and what its counts are then.
//!
//! At least once commits input offsets apart from the changelog. So after a kill the records since the last commit may be
//! counted again, and none is ever lost; after a clean stop all is exact.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use examples::counts::Counts;
use examples::feed;
use examples::workload::{LateRecords, Random};
use stream_core::record::Timestamp;
use stream_core::time::{Clock as _, SystemClock};
use tests::model::truth;
use tests::process::{Process, REPORT_RECORDS};
use tests::trial::{START_MAX, STOP_MAX, Trial};

const APPLICATION: &str = env!("CARGO_BIN_EXE_events_app");
/// About 15,000 records a second, a commit every 3,000.
const SLOW: [&str; 4] = ["--pause-ms", "6", "--commit-interval-ms", "200"];
const RECORDS: u64 = 200_000;
const KILLS: usize = 10;
const WORK_MS: std::ops::Range<u64> = 100..800;

/// What is left of the local state after a kill.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LocalState {
    Kept,
    Deleted,
}

/// A trial with all its records, and random moments from a seed that is printed.
fn trial(what: &str) -> (Trial, Random) {
    let seed = SystemClock::new().now().millis();
    say(&format!("{what}: seed {seed}"));
    let broker = tests::fixtures::broker();
    let trial = Trial::new(broker.bootstrap(), format!("{what}-{seed}"), RECORDS, LateRecords::OneInAThousand);
    trial.fill(0..RECORDS);
    (trial, Random(seed.cast_unsigned()))
}

/// Lets the application work for a random part of a second.
fn work(process: &mut Process, random: &mut Random) {
    process.wait_for(START_MAX, |line| line.starts_with("processed "));
    process.listen(Duration::from_millis(WORK_MS.start + random.below(WORK_MS.end - WORK_MS.start)));
}

fn kill_again_and_again(what: &str, local: LocalState) {
    let (trial, mut random) = trial(what);
    // A clean stop first, so that there is something to keep.
    let mut process = trial.start(APPLICATION, &SLOW);
    work(&mut process, &mut random);
    let _heard = process.stop(STOP_MAX);

    let mut excess_max = 0;
    for kill in 1..=KILLS {
        if local == LocalState::Deleted {
            delete_tasks(trial.state_folder());
        }
        let before = trial.committed();
        let changelog = feed::records_in(&*trial.log, &trial.changelog()).expect("the changelog is there");
        let mut process = trial.start(APPLICATION, &SLOW);
        work(&mut process, &mut random);
        let heard = process.kill();
        let committed = trial.committed() - before;
        // The last report is at most so many records old.
        let processed = numbers(&heard, "processed ").last().unwrap_or_default() + REPORT_RECORDS;
        let uncommitted = processed.saturating_sub(committed);
        let restored: u64 = numbers(&heard, "restored ").sum();
        println!("{what}: kill {kill}: {committed} records committed, at most {uncommitted} more processed");
        println!("{what}: kill {kill}: {restored} of {changelog} changelog records restored before");
        excess_max += uncommitted;
        match local {
            LocalState::Kept => assert!(restored < changelog, "all of the changelog was restored: the state was wiped"),
            // What the broker had not appended yet when it was asked may have come, too.
            LocalState::Deleted => assert!(restored >= changelog, "what is deleted comes back from the changelog"),
        }
    }
    let _heard = trial.run_until(APPLICATION, RECORDS);
    let excess = excess(&trial.counts(), &truth(trial.workload).counts);
    say(&format!("{what}: {excess} events are counted twice; at most {excess_max} may be"));
    assert!(excess <= excess_max);
}

/// Writes past the capture of test output: seeds and figures are there whether the test passes or not.
fn say(line: &str) {
    writeln!(io::stdout().lock(), "{line}").expect("standard output takes a line");
}

/// Removes the folders of all tasks; who the instance is stays in the application's folder.
fn delete_tasks(state: &Path) {
    let folders = |folder: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(folder).expect("a folder can be read");
        entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect()
    };
    for task in folders(state).iter().flat_map(|application| folders(application)) {
        std::fs::remove_dir_all(task).expect("a folder can be removed");
    }
}

/// The numbers behind `what` in the lines heard.
fn numbers<'a>(heard: &'a [String], what: &'a str) -> impl Iterator<Item = u64> + 'a {
    heard.iter().filter_map(move |line| line.strip_prefix(what)?.trim().parse().ok())
}

/// How many counts too many there are. None may be missing.
fn excess(counts: &Counts, truth: &Counts) -> u64 {
    let found: BTreeMap<(&str, Timestamp), i64> =
        counts.iter().map(|(user, start, count)| ((user, start), count)).collect();
    for (user, start, expected) in truth.iter() {
        let count = found.get(&(user, start)).copied().unwrap_or_default();
        assert!(count >= expected, "{user} at {start:?} has {count} of {expected} events");
    }
    (counts.total() - truth.total()).cast_unsigned()
}

#[test]
fn killed_with_its_state_kept() {
    kill_again_and_again("killed-kept", LocalState::Kept);
}

#[test]
fn killed_with_its_state_deleted() {
    kill_again_and_again("killed-deleted", LocalState::Deleted);
}

#[test]
fn stopped_in_order_all_counts_are_exact() {
    let (trial, mut random) = trial("stopped");
    for _ in 0..3 {
        let mut process = trial.start(APPLICATION, &SLOW);
        work(&mut process, &mut random);
        let _heard = process.stop(STOP_MAX);
    }
    let _heard = trial.run_until(APPLICATION, RECORDS);
    assert_eq!(trial.counts(), truth(trial.workload).counts);
}
