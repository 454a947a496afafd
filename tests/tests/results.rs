//! The counting application on the embedded log comes to the model's counts, however many threads it has.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use examples::application::{COUNTS_TOPIC, Caching, events_per_hour};
use examples::counts::Counts;
use examples::feed;
use examples::meters::Meters;
use examples::run::{self, Job};
use examples::workload::{self, PARTITIONS, Workload};
use stream_core::ProcessingGuarantee::{AtLeastOnce, ExactlyOnce};
use stream_core::memory::MemoryLog;
use stream_core::{ProcessingGuarantee, Settings};
use tests::model::truth;

const RECORDS: u64 = 200_000;

/// The process has one recorder of metrics, so that one application runs at a time.
fn alone<T>(run: impl FnOnce(&Meters) -> T) -> T {
    static METERS: OnceLock<Meters> = OnceLock::new();
    static RUNNING: Mutex<()> = Mutex::new(());
    let meters = METERS.get_or_init(Meters::install);
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    run(meters)
}

fn check(threads: usize, caching: Caching, guarantee: ProcessingGuarantee) {
    let workload = Workload::new(RECORDS);
    let log = Arc::new(MemoryLog::new());
    feed::create_topics(&*log, &[workload::TOPIC, COUNTS_TOPIC], PARTITIONS).expect("topics are made");
    feed::fill(&*log, workload::TOPIC, workload, |_| Ok(())).expect("the input is written");
    let state = tempfile::tempdir().expect("a folder for the state");
    let topology = events_per_hour(workload::TOPIC, COUNTS_TOPIC, caching).expect("a valid topology");
    let settings = Settings {
        num_stream_threads: threads,
        state_dir: state.path().to_owned(),
        processing_guarantee: guarantee,
        commit_interval_ms: Some(50),
        ..Settings::new("results")
    };
    let outcome = alone(|meters| {
        let job = Job { topology: &topology, settings, log: log.clone(), records: RECORDS, meters };
        run::to_end(job, |_| Ok(())).expect("it runs to its end")
    });
    let truth = truth(workload);
    let counts = Counts::read(&*log, COUNTS_TOPIC).expect("the counts are read");
    assert_eq!(counts, truth.counts, "{threads} threads, caching {caching:?}, {guarantee:?}");
    assert_eq!(outcome.late_dropped, truth.late_dropped, "{threads} threads, caching {caching:?}, {guarantee:?}");
}

fn check_all(threads: usize) {
    for guarantee in [AtLeastOnce, ExactlyOnce] {
        check(threads, Caching::On, guarantee);
        check(threads, Caching::Off, guarantee);
    }
}

#[test]
fn one_thread() {
    check_all(1);
}

#[test]
fn two_threads() {
    check_all(2);
}

#[test]
fn four_threads() {
    check_all(4);
}
