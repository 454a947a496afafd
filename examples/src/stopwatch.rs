//! What a run takes: time, CPU time, memory, in all and behind the warm-up.

use std::time::Duration;

use stream_core::time::{Clock, SystemClock};

use crate::usage;

/// The share of the records after which the steady part begins.
const WARM_UP: f64 = 0.2;

/// What a job took, from the first record processed to the last offset committed.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Records processed.
    pub records: u64,
    /// Records dropped since their windows were closed.
    pub late_dropped: u64,
    /// Time from the first record to the last offset.
    pub wall_seconds: f64,
    /// CPU time of the process from the start of the job to its end, start-up included.
    pub cpu_seconds: Option<f64>,
    /// Records per CPU second behind the first fifth.
    pub steady_records_per_cpu_second: Option<f64>,
    /// Peak of the resident memory of the process so far.
    pub peak_rss_bytes: Option<u64>,
}

impl Outcome {
    /// Records per second of time.
    #[must_use]
    pub fn records_per_second(&self) -> f64 {
        self.records as f64 / self.wall_seconds.max(f64::EPSILON)
    }

    /// Records per second of CPU time.
    #[must_use]
    pub fn records_per_cpu_second(&self) -> Option<f64> {
        self.cpu_seconds.map(|seconds| self.records as f64 / seconds.max(f64::EPSILON))
    }
}

/// Marks on the way, taken from outside while a job runs.
pub struct Stopwatch {
    clock: SystemClock,
    records: u64,
    cpu_at_start: Option<f64>,
    first_record: Option<Duration>,
    /// Records done and CPU time where the steady part begins.
    steady: Option<(u64, Option<f64>)>,
}

impl Stopwatch {
    /// A watch for a job of `records`.
    #[must_use]
    pub fn start(records: u64) -> Self {
        let cpu_at_start = usage::cpu_seconds();
        Self { clock: SystemClock::new(), records, cpu_at_start, first_record: None, steady: None }
    }

    /// `done` records are done.
    pub fn mark(&mut self, done: u64) {
        if done > 0 && self.first_record.is_none() {
            self.first_record = Some(self.clock.monotonic());
        }
        if self.steady.is_none() && done as f64 >= WARM_UP * self.records as f64 {
            self.steady = Some((done, usage::cpu_seconds()));
        }
    }

    /// How many records the job has.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Time since the watch was started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.clock.monotonic()
    }

    /// All is done and committed.
    #[must_use]
    pub fn finish(self, late_dropped: u64) -> Outcome {
        let cpu_now = usage::cpu_seconds();
        let wall = self.clock.monotonic() - self.first_record.unwrap_or_default();
        let steady = self
            .steady
            .and_then(|(done, cpu)| Some((self.records - done) as f64 / (cpu_now? - cpu?).max(f64::EPSILON)));
        Outcome {
            records: self.records,
            late_dropped,
            wall_seconds: wall.as_secs_f64(),
            cpu_seconds: cpu_now.zip(self.cpu_at_start).map(|(now, start)| now - start),
            steady_records_per_cpu_second: steady,
            peak_rss_bytes: usage::peak_rss_bytes(),
        }
    }
}
