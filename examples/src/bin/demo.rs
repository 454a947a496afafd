//! The demo: counts user events per hour, end to end, and shows what came of it and what it cost.
//!
//! It makes the events from a seed, writes them to the embedded log (or to Kafka), runs the application until they are
//! done, and reads the final counts from the output topic. Run it by `cargo xtask demo`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use examples::application::{COUNTS_TOPIC, Caching, events_per_hour};
use examples::counts::Counts;
use examples::feed;
use examples::folder::state_folder;
use examples::meters::Meters;
use examples::plot::{bars, grouped, mebibytes, table};
use examples::progress::Progress;
use examples::run::{self, Job};
use examples::stopwatch::Outcome;
use examples::workload::{self, LateRecords, PARTITIONS, Workload};
use stream_core::log::Log;
use stream_core::memory::MemoryLog;
use stream_core::{Error, Kind, Result, Settings};
use stream_kafka::{KafkaLog, KafkaSettings};

const APPLICATION_ID: &str = "events-per-hour-demo";
const BUSIEST: usize = 10;
const HOUR_MS: i64 = 3_600_000;
const HELP: &str = "\
Counts user events per hour of event time, end to end.

Usage: demo [--records N] [--threads N] [--no-late] [--bootstrap HOST:PORT] [--json]

  --records N           how many events to make (default 2000000)
  --threads N           threads of the application (default 2; there are 4 partitions)
  --no-late             make no events that come after their window has closed
  --bootstrap HOST:PORT run on Kafka instead of the embedded log; the topics must be new
  --json                end with one line of JSON";

fn main() -> Result<()> {
    let Some(arguments) = Arguments::parse()? else {
        println!("{HELP}");
        return Ok(());
    };
    let workload = Workload { late: arguments.late, ..Workload::new(arguments.records) };
    let log: Arc<dyn Log> = match &arguments.bootstrap {
        Some(address) => Arc::new(KafkaLog::new(KafkaSettings::new(address.clone()))?),
        None => Arc::new(MemoryLog::new()),
    };
    let interrupted = Interrupted::watch()?;
    let meters = Meters::install();

    refuse_used_topics(&*log)?;
    feed::create_topics(&*log, &[workload::TOPIC, COUNTS_TOPIC], PARTITIONS)?;
    let mut progress = Progress::new("making", workload.records);
    feed::fill(&*log, workload::TOPIC, workload, |written| {
        progress.show(written);
        interrupted.check()
    })?;
    progress.finish();

    let state = state_folder()?;
    let mut settings = Settings::new(APPLICATION_ID);
    settings.num_stream_threads = arguments.threads;
    settings.state_dir = state.path().to_owned();
    // The events are of a day that is long past; a broker deletes what is older than its retention.
    settings.topic.insert("retention.ms".to_owned(), "-1".to_owned());
    let topology = events_per_hour(workload::TOPIC, COUNTS_TOPIC, Caching::On)?;
    let mut progress = Progress::new("counting", workload.records);
    let job = Job { topology: &topology, settings, log: Arc::clone(&log), records: workload.records, meters: &meters };
    let outcome = run::to_end(job, |done| {
        progress.show(done);
        interrupted.check()
    })?;
    progress.finish();

    let counts = Counts::read(&*log, COUNTS_TOPIC)?;
    show(&counts, &outcome, &arguments);
    if arguments.json {
        println!("{}", serde_json::to_string(&Report::new(&counts, &outcome)).expect("numbers and text are JSON"));
    }
    Ok(())
}

struct Arguments {
    records: u64,
    threads: usize,
    late: LateRecords,
    bootstrap: Option<String>,
    json: bool,
}

impl Arguments {
    /// The program's arguments; `None` where help is asked for.
    fn parse() -> Result<Option<Self>> {
        let invalid = |why: lexopt::Error| Error::new(Kind::Invalid, format!("{why}: see --help"));
        let mut this =
            Self { records: 2_000_000, threads: 2, late: LateRecords::OneInAThousand, bootstrap: None, json: false };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(invalid)? {
            use lexopt::prelude::{Long, Short, ValueExt as _};
            match argument {
                Long("records") => this.records = parser.value().and_then(|value| value.parse()).map_err(invalid)?,
                Long("threads") => this.threads = parser.value().and_then(|value| value.parse()).map_err(invalid)?,
                Long("bootstrap") => this.bootstrap = Some(parser.value().and_then(|v| v.string()).map_err(invalid)?),
                Long("no-late") => this.late = LateRecords::None,
                Long("json") => this.json = true,
                Long("help") | Short('h') => return Ok(None),
                other => return Err(invalid(other.unexpected())),
            }
        }
        if this.records == 0 || this.threads == 0 {
            return Err(Error::new(Kind::Invalid, "--records and --threads must be at least 1"));
        }
        Ok(Some(this))
    }
}

/// Ctrl-C and SIGTERM: the demo ends in order, so that nothing of it is left.
struct Interrupted(Arc<AtomicBool>);

impl Interrupted {
    fn watch() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&flag))
                .map_err(|cause| Error::new(Kind::Fatal, "no handler of signals can be set").caused_by(cause))?;
        }
        Ok(Self(flag))
    }

    fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(Error::new(Kind::Fatal, "interrupted")),
            false => Ok(()),
        }
    }
}

/// Records of an earlier run would be counted again.
fn refuse_used_topics(log: &dyn Log) -> Result<()> {
    for topic in [workload::TOPIC, COUNTS_TOPIC] {
        let records = feed::records_in(log, topic)?;
        if records > 0 {
            let why = format!("topic {topic:?} holds {records} records already: delete it, or name another broker");
            return Err(Error::new(Kind::Refused, why));
        }
    }
    Ok(())
}

fn show(counts: &Counts, outcome: &Outcome, arguments: &Arguments) {
    let whole = |number: u64| grouped(i64::try_from(number).unwrap_or(i64::MAX));
    let hour = |start: i64| format!("{:02}:00", start.div_euclid(HOUR_MS).rem_euclid(24));
    let hours: Vec<_> = counts.by_hour().into_iter().map(|(start, count)| (hour(start.millis()), count)).collect();
    let busiest: Vec<_> = counts.busiest(BUSIEST).into_iter().map(|(user, count)| (user.to_owned(), count)).collect();
    println!("\n{}", bars("events per hour", &hours));
    println!("{}", bars("busiest users", &busiest));
    let mut rows = vec![
        ("log".to_owned(), arguments.bootstrap.clone().unwrap_or_else(|| "embedded".to_owned())),
        ("threads".to_owned(), arguments.threads.to_string()),
        ("records".to_owned(), whole(outcome.records)),
        ("windows".to_owned(), whole(counts.windows() as u64)),
        ("counted".to_owned(), grouped(counts.total())),
        ("dropped, too late".to_owned(), whole(outcome.late_dropped)),
        ("seconds".to_owned(), format!("{:.2}", outcome.wall_seconds)),
        ("records per second".to_owned(), whole(outcome.records_per_second() as u64)),
    ];
    if let Some(rate) = outcome.records_per_cpu_second() {
        rows.push(("records per CPU second".to_owned(), whole(rate as u64)));
    }
    if let Some(bytes) = outcome.peak_rss_bytes {
        let what = if arguments.bootstrap.is_some() { "peak memory" } else { "peak memory, the log included" };
        rows.push((what.to_owned(), mebibytes(bytes)));
    }
    rows.push(("checksum of the counts".to_owned(), counts.checksum()));
    println!("{}", table("user events per hour", &rows));
}

/// The last line: its fields are a contract with whoever compares runs.
#[derive(serde::Serialize)]
struct Report {
    records: u64,
    windows: usize,
    late_dropped: u64,
    records_per_second: u64,
    records_per_cpu_second: Option<u64>,
    peak_rss_bytes: Option<u64>,
    checksum: String,
}

impl Report {
    fn new(counts: &Counts, outcome: &Outcome) -> Self {
        Self {
            records: outcome.records,
            windows: counts.windows(),
            late_dropped: outcome.late_dropped,
            records_per_second: outcome.records_per_second() as u64,
            records_per_cpu_second: outcome.records_per_cpu_second().map(|rate| rate as u64),
            peak_rss_bytes: outcome.peak_rss_bytes,
            checksum: counts.checksum(),
        }
    }
}
