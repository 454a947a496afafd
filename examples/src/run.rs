//! Runs an application over what its topics hold, to the end, and says what that took.

use std::sync::Arc;
use std::time::Duration;

use stream_core::log::{Admin, Log};
use stream_core::record::TopicPartition;
use stream_core::runtime::{Settings, State, Streams};
use stream_core::time::{Clock, SystemClock};
use stream_core::{Error, Kind, Result, Topology};

use crate::meters::Meters;
use crate::usage;

/// How often it is looked whether the end is reached.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// An application that does nothing for so long has stopped.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// How long closing may take.
const CLOSE_MAX: Duration = Duration::from_secs(60);
/// The share of the records after which the steady part begins.
const WARM_UP: f64 = 0.2;

/// An application and the records that it is to process.
pub struct Job<'a> {
    /// What it does.
    pub topology: &'a Topology,
    /// How it runs.
    pub settings: Settings,
    /// Where its topics are.
    pub log: Arc<dyn Log>,
    /// How many records its source topic holds.
    pub records: u64,
    /// Where it counts.
    pub meters: &'a Meters,
}

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

    /// Time since the watch was started.
    pub fn elapsed(&self) -> Duration {
        self.clock.monotonic()
    }

    /// All is done and committed.
    #[must_use]
    pub fn finish(self, late_dropped: u64) -> Outcome {
        let cpu_now = usage::cpu_seconds();
        let wall = self.clock.monotonic() - self.first_record.unwrap_or_default();
        let steady = self.steady.and_then(|(done, cpu)| {
            Some((self.records - done) as f64 / (cpu_now? - cpu?).max(f64::EPSILON))
        });
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

/// Runs `job` until all its records are processed, and closes it; `progress` is told how many are done, again and again.
///
/// # Errors
/// What the application or `progress` fails with; `Kind::Fatal` where the application stands still.
pub fn to_end(job: Job<'_>, mut progress: impl FnMut(u64) -> Result<()>) -> Result<Outcome> {
    let Job { topology, settings, log, records, meters } = job;
    let (processed_before, dropped_before) = (meters.counter(PROCESSED), meters.counter(DROPPED));
    let mut watch = Stopwatch::start(records);
    let streams = Streams::new(topology, settings, log)?;
    streams.start()?;
    let followed = follow(&streams, &mut watch, || meters.counter(PROCESSED) - processed_before, &mut progress);
    streams.close(CLOSE_MAX)?;
    followed?;
    Ok(watch.finish(meters.counter(DROPPED) - dropped_before))
}

/// Looks on until all records are done or the application has failed.
fn follow(
    streams: &Streams,
    watch: &mut Stopwatch,
    processed: impl Fn() -> u64,
    progress: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<()> {
    let (mut done, mut last_change) = (0, watch.elapsed());
    while done < watch.records && streams.state() != State::Error {
        pause();
        let now_done = processed();
        if now_done > done {
            (done, last_change) = (now_done, watch.elapsed());
            watch.mark(done);
        } else if watch.elapsed() - last_change > SILENCE_MAX {
            let (records, seconds) = (watch.records, SILENCE_MAX.as_secs());
            let why = format!("{done} of {records} records are done and none for {seconds} s: is the log up?");
            return Err(Error::new(Kind::Fatal, why));
        }
        progress(done)?;
    }
    Ok(())
}

/// Waits until the application has committed the ends of `topics` and of its own repartition topics.
///
/// # Errors
/// What the application or the log says.
pub fn wait_until_done(
    streams: &Streams,
    topology: &Topology,
    log: &dyn Log,
    application_id: &str,
    topics: &[String],
) -> Result<()> {
    let internal = topology.internal_topics(application_id);
    let repartitions = internal.iter().filter(|topic| topic.kind == InternalKind::Repartition);
    let topics: Vec<&str> =
        topics.iter().map(String::as_str).chain(repartitions.map(|topic| topic.name.as_str())).collect();
    let mut admin = log.admin()?;
    while !is_done(&mut *admin, application_id, &topics)? {
        if streams.state() == State::Error {
            return streams.close(CLOSE_MAX);
        }
        pause();
    }
    Ok(())
}

fn is_done(admin: &mut dyn Admin, group: &str, topics: &[&str]) -> Result<bool> {
    let counts = admin.partitions(topics)?;
    let of_topic = |(topic, count): (&String, &i32)| {
        let topic: Arc<str> = topic.as_str().into();
        (0..*count).map(move |partition| TopicPartition::new(Arc::clone(&topic), partition))
    };
    let partitions: Vec<_> = counts.iter().flat_map(of_topic).collect();
    let committed = admin.committed(group, &partitions)?;
    let ends = admin.offsets(&partitions)?;
    let is_done = |name: &TopicPartition| {
        let range = ends[name];
        range.end == range.beginning || committed.get(name).is_some_and(|commit| commit.offset >= range.end)
    };
    Ok(counts.len() == topics.len() && partitions.iter().all(is_done))
}

/// Waits a moment beside a run.
#[expect(clippy::disallowed_methods, reason = "the watcher of a run waits beside it, in its own thread")]
pub fn pause() {
    std::thread::sleep(LOOK_EVERY);
}
