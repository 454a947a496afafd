//! Runs an application over what its topics hold, to the end, and says what that took.

use std::sync::Arc;
use std::time::Duration;

use stream_core::log::{Admin, Log};
use stream_core::record::TopicPartition;
use stream_core::{Error, InternalTopicKind, Kind, Result, Settings, State, Streams, Topology};

use crate::meters::Meters;
use crate::stopwatch::{Outcome, Stopwatch};

/// Counters of the runtime.
const PROCESSED: &str = "stream_task_process_total";
const DROPPED: &str = "stream_task_dropped_records_total";
/// How often it is looked whether the end is reached.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// An application that does nothing for so long has stopped.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// How long closing may take.
const CLOSE_MAX: Duration = Duration::from_secs(60);

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
    while done < watch.records() && is_up(streams) {
        pause();
        let now_done = processed();
        if now_done > done {
            (done, last_change) = (now_done, watch.elapsed());
            watch.mark(done);
        } else if watch.elapsed() - last_change > SILENCE_MAX {
            let (records, seconds) = (watch.records(), SILENCE_MAX.as_secs());
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
    let repartitions = internal.iter().filter(|topic| topic.kind == InternalTopicKind::Repartition);
    let topics: Vec<&str> =
        topics.iter().map(String::as_str).chain(repartitions.map(|topic| topic.name.as_str())).collect();
    let mut admin = log.admin()?;
    while !is_done(&mut *admin, application_id, &topics)? {
        if !is_up(streams) {
            return streams.close(CLOSE_MAX);
        }
        pause();
    }
    Ok(())
}

fn is_up(streams: &Streams) -> bool {
    matches!(streams.state(), State::Rebalancing | State::Running)
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
