//! The counting application on Kafka under test: its topics, its folder, what it must come to.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use examples::counts::Counts;
use examples::feed;
use examples::workload::{LateRecords, PARTITIONS, Workload};
use stream_core::log::Log;
use stream_core::record::TopicPartition;
use stream_kafka::{KafkaLog, KafkaSettings};
use tempfile::TempDir;

use crate::process::Process;

/// How long an application may take to start: a new broker may be busy, and a dead member's session must run out.
pub const START_MAX: Duration = Duration::from_secs(60);
/// How long it may take to stop in order.
pub const STOP_MAX: Duration = Duration::from_secs(30);
const END_MAX: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// One application with topics of its own.
pub struct Trial {
    /// The application's id.
    pub name: String,
    /// The broker's address.
    pub bootstrap: String,
    /// The broker.
    pub log: Arc<KafkaLog>,
    /// What is in the input, or will be.
    pub workload: Workload,
    state: TempDir,
}

impl Trial {
    /// The application `name` on the broker at `bootstrap`, with empty topics.
    ///
    /// # Panics
    /// Where the broker does not make them.
    #[must_use]
    pub fn new(bootstrap: &str, name: String, records: u64, late: LateRecords) -> Self {
        let log = Arc::new(KafkaLog::new(KafkaSettings::new(bootstrap)).expect("a log"));
        let workload = Workload { late, ..Workload::new(records) };
        let state = tempfile::tempdir().expect("a folder for the state");
        let trial = Self { name, bootstrap: bootstrap.to_owned(), log, workload, state };
        feed::create_topics(&*trial.log, &[&trial.input(), &trial.output()], PARTITIONS).expect("topics are made");
        trial
    }

    /// Writes the events whose numbers are in `part` to the input.
    ///
    /// # Panics
    /// Where the broker does not take them.
    pub fn fill(&self, part: std::ops::Range<u64>) {
        feed::fill_part(&*self.log, &self.input(), self.workload, part, |_| Ok(())).expect("the input is written");
    }

    /// Starts the application with `arguments` besides its own, and waits until it runs.
    ///
    /// # Panics
    /// Where it does not run in time.
    #[must_use]
    pub fn start(&self, program: &str, arguments: &[&str]) -> Process {
        let mut command = Command::new(program);
        command.args(["--bootstrap", &self.bootstrap, "--application-id", &self.name]);
        command.args(["--input", &self.input(), "--output", &self.output()]);
        command.arg("--state-dir").arg(self.state.path()).args(arguments);
        let mut process = Process::start(&mut command);
        process.wait_for(START_MAX, |line| line == "state RUNNING");
        process
    }

    /// Runs the application until `records` of the input are committed, and stops it in order.
    ///
    /// # Panics
    /// Where that takes too long.
    pub fn run_until(&self, program: &str, records: u64) -> Vec<String> {
        let mut process = self.start(program, &[]);
        let looks = END_MAX.as_millis() / LOOK_EVERY.as_millis();
        for look in 0.. {
            if self.committed() >= records {
                break;
            }
            assert!(look < looks, "only {} of {records} records are committed", self.committed());
            process.listen(LOOK_EVERY);
        }
        process.stop(STOP_MAX)
    }

    /// The topic of events.
    #[must_use]
    pub fn input(&self) -> String {
        format!("{}-events", self.name)
    }

    /// The topic of counts.
    #[must_use]
    pub fn output(&self) -> String {
        format!("{}-counts", self.name)
    }

    /// The topic that backs up the counts.
    #[must_use]
    pub fn changelog(&self) -> String {
        format!("{}-events-per-hour-changelog", self.name)
    }

    /// The folder of local state.
    #[must_use]
    pub fn state_folder(&self) -> &Path {
        self.state.path()
    }

    /// How many records of the input are committed.
    ///
    /// # Panics
    /// Where the broker does not answer.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.committed_by(&self.name)
    }

    /// How many records of the input another application has committed.
    ///
    /// # Panics
    /// Where the broker does not answer.
    #[must_use]
    pub fn committed_by(&self, application_id: &str) -> u64 {
        let input: Arc<str> = self.input().into();
        let partitions: Vec<_> =
            (0..PARTITIONS).map(|partition| TopicPartition::new(Arc::clone(&input), partition)).collect();
        let offsets = self.log.admin().and_then(|mut admin| admin.committed(application_id, &partitions));
        offsets.expect("offsets are read").values().map(|commit| commit.offset.cast_unsigned()).sum()
    }

    /// The final counts.
    ///
    /// # Panics
    /// Where they cannot be read.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::read(&*self.log, &self.output()).expect("the counts are read")
    }
}
