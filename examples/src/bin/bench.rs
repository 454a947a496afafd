//! One measured run on Kafka: fills the input, runs the application over it, or does the same work by hand.
//!
//! `cargo xtask bench` calls it and sets it beside Kafka Streams; alone, `bench --help` says how.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use examples::application::{ACTIONS_TOPIC, COUNTS_TOPIC, Caching, events_per_hour, user_actions};
use examples::feed;
use examples::meters::Meters;
use examples::progress::Progress;
use examples::raw::{self, Work};
use examples::run::{self, Job};
use examples::stopwatch::{Outcome, Stopwatch};
use examples::workload::{self, LateRecords, PARTITIONS, Workload};
use stream_core::log::Log;
use stream_core::{Error, Kind, Result, Settings};
use stream_kafka::{KafkaLog, KafkaSettings};

const COMMIT_INTERVAL_MS: u64 = 30_000;
const CACHE_BYTES_MAX: usize = 10 << 20;
/// Bounds of the client's queues, in kilobytes, the same for the framework and for the work by hand.
const CONSUMER_QUEUE_KB: u32 = 16_384;
const PRODUCER_QUEUE_KB: u32 = 32_768;
const HELP: &str = "\
One measured run on Kafka.

Usage: bench fill|run|raw --bootstrap HOST:PORT [--workload count|stateless] [--records N] [--threads N]
             [--app-id ID] [--state-dir FOLDER] [--json]

  fill   makes the topics and writes the input
  run    runs the application from the earliest offset to the end of the input
  raw    does the same work by hand, on the same client with the same queues";

fn main() -> Result<()> {
    let Some(arguments) = Arguments::parse()? else {
        println!("{HELP}");
        return Ok(());
    };
    let log: Arc<dyn Log> = Arc::new(KafkaLog::new(client(&arguments.bootstrap))?);
    feed::create_topics(&*log, &[workload::TOPIC, COUNTS_TOPIC, ACTIONS_TOPIC], PARTITIONS)?;
    let outcome = match arguments.command {
        Command::Fill => return fill(&*log, &arguments),
        Command::Run => framework(log, &arguments)?,
        Command::Raw => by_hand(log, &arguments)?,
    };
    println!("{}", if arguments.json { Report::new(&arguments, &outcome).json() } else { text(&outcome) });
    Ok(())
}

/// librdkafka as both are measured with it.
fn client(bootstrap: &str) -> KafkaSettings {
    let text = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let mut settings = KafkaSettings::new(bootstrap.to_owned());
    settings.consumer.extend(text(&[("queued.max.messages.kbytes", &CONSUMER_QUEUE_KB.to_string())]));
    settings.producer.extend(text(&[
        ("queue.buffering.max.kbytes", &PRODUCER_QUEUE_KB.to_string()),
        ("linger.ms", "100"),
        ("compression.type", "lz4"),
    ]));
    settings
}

fn fill(log: &dyn Log, arguments: &Arguments) -> Result<()> {
    let workload = Workload { late: LateRecords::None, ..Workload::new(arguments.records) };
    let mut progress = if arguments.json { Progress::hidden() } else { Progress::new("filling", workload.records) };
    feed::fill(log, workload::TOPIC, workload, |written| {
        progress.show(written);
        Ok(())
    })?;
    progress.finish();
    Ok(())
}

fn framework(log: Arc<dyn Log>, arguments: &Arguments) -> Result<Outcome> {
    let topology = match arguments.workload {
        Work::Count => events_per_hour(workload::TOPIC, COUNTS_TOPIC, Caching::On)?,
        Work::Stateless => user_actions(workload::TOPIC, ACTIONS_TOPIC)?,
    };
    let mut settings = Settings::new(arguments.application_id.clone());
    settings.num_stream_threads = arguments.threads;
    settings.state_dir = arguments.state_dir.clone();
    settings.commit_interval_ms = Some(COMMIT_INTERVAL_MS);
    settings.cache_max_bytes = CACHE_BYTES_MAX;
    settings.topic.insert("retention.ms".to_owned(), "-1".to_owned());
    let meters = Meters::install();
    let job = Job { topology: &topology, settings, log, records: arguments.records, meters: &meters };
    run::to_end(job, |_| Ok(()))
}

#[expect(clippy::disallowed_methods, reason = "the work by hand has threads of its own: there is no framework in it")]
fn by_hand(log: Arc<dyn Log>, arguments: &Arguments) -> Result<Outcome> {
    let mut watch = Stopwatch::start(arguments.records);
    let done = Arc::new(AtomicU64::new(0));
    let (work, threads) = (arguments.workload, arguments.threads);
    let workers: Vec<_> = (0..threads)
        .map(|thread| {
            let (log, done) = (Arc::clone(&log), Arc::clone(&done));
            std::thread::spawn(move || raw::work(&*log, work, thread, threads, &done))
        })
        .collect();
    while workers.iter().any(|worker| !worker.is_finished()) {
        run::pause();
        watch.mark(done.load(Ordering::Relaxed));
    }
    for worker in workers {
        worker.join().map_err(|_| Error::new(Kind::Fatal, "a worker panicked: its message is above"))??;
    }
    Ok(watch.finish(0))
}

fn text(outcome: &Outcome) -> String {
    let rate = outcome.records_per_cpu_second().unwrap_or(f64::NAN);
    format!("{} records, {:.0} a second, {rate:.0} a CPU second", outcome.records, outcome.records_per_second())
}

/// The line that `cargo xtask bench` reads.
#[derive(serde::Serialize)]
struct Report {
    workload: &'static str,
    records: u64,
    wall_seconds: f64,
    cpu_seconds: Option<f64>,
    records_per_second: u64,
    records_per_cpu_second: Option<u64>,
    steady_records_per_cpu_second: Option<u64>,
    peak_rss_bytes: Option<u64>,
    queue_bounds_kb: QueueBounds,
}

#[derive(serde::Serialize)]
struct QueueBounds {
    consumer: u32,
    producer: u32,
}

impl Report {
    fn new(arguments: &Arguments, outcome: &Outcome) -> Self {
        Self {
            workload: arguments.workload_name(),
            records: outcome.records,
            wall_seconds: outcome.wall_seconds,
            cpu_seconds: outcome.cpu_seconds,
            records_per_second: outcome.records_per_second() as u64,
            records_per_cpu_second: outcome.records_per_cpu_second().map(|rate| rate as u64),
            steady_records_per_cpu_second: outcome.steady_records_per_cpu_second.map(|rate| rate as u64),
            peak_rss_bytes: outcome.peak_rss_bytes,
            queue_bounds_kb: QueueBounds { consumer: CONSUMER_QUEUE_KB, producer: PRODUCER_QUEUE_KB },
        }
    }

    fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers and text are JSON")
    }
}

#[derive(Clone, Copy)]
enum Command {
    Fill,
    Run,
    Raw,
}

struct Arguments {
    command: Command,
    workload: Work,
    bootstrap: String,
    records: u64,
    threads: usize,
    application_id: String,
    state_dir: PathBuf,
    json: bool,
}

impl Arguments {
    /// The program's arguments; `None` where help is asked for.
    fn parse() -> Result<Option<Self>> {
        use lexopt::prelude::{Long, Short, Value, ValueExt as _};
        let invalid = |why: lexopt::Error| Error::new(Kind::Invalid, format!("{why}: see --help"));
        let missing = |what: &str| Error::new(Kind::Invalid, format!("{what} is missing: see --help"));
        let (mut command, mut bootstrap, mut state_dir) = (None, None, None);
        let (mut workload, mut records, mut threads) = (Work::Count, 4_000_000, 1);
        let (mut application_id, mut json) = ("bench".to_owned(), false);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(invalid)? {
            match argument {
                Value(name) if command.is_none() => command = Some(name.parse_with(parse_command).map_err(invalid)?),
                Long("workload") => {
                    workload = parser.value().and_then(|value| value.parse_with(parse_workload)).map_err(invalid)?;
                }
                Long("bootstrap") => bootstrap = Some(parser.value().and_then(|v| v.string()).map_err(invalid)?),
                Long("records") => records = parser.value().and_then(|value| value.parse()).map_err(invalid)?,
                Long("threads") => threads = parser.value().and_then(|value| value.parse()).map_err(invalid)?,
                Long("app-id") => application_id = parser.value().and_then(|v| v.string()).map_err(invalid)?,
                Long("state-dir") => state_dir = Some(PathBuf::from(parser.value().map_err(invalid)?)),
                Long("json") => json = true,
                Long("help") | Short('h') => return Ok(None),
                other => return Err(invalid(other.unexpected())),
            }
        }
        let command = command.ok_or_else(|| missing("fill, run or raw"))?;
        let bootstrap = bootstrap.ok_or_else(|| missing("--bootstrap HOST:PORT"))?;
        let state_dir = match (command, state_dir) {
            (Command::Run, None) => return Err(missing("--state-dir FOLDER")),
            (_, folder) => folder.unwrap_or_default(),
        };
        Ok(Some(Self { command, workload, bootstrap, records, threads, application_id, state_dir, json }))
    }

    fn workload_name(&self) -> &'static str {
        match self.workload {
            Work::Count => "count",
            Work::Stateless => "stateless",
        }
    }
}

fn parse_command(name: &str) -> std::result::Result<Command, String> {
    match name {
        "fill" => Ok(Command::Fill),
        "run" => Ok(Command::Run),
        "raw" => Ok(Command::Raw),
        other => Err(format!("{other:?} is none of fill, run and raw")),
    }
}

fn parse_workload(name: &str) -> std::result::Result<Work, String> {
    match name {
        "count" => Ok(Work::Count),
        "stateless" => Ok(Work::Stateless),
        other => Err(format!("{other:?} is none of count and stateless")),
    }
}
