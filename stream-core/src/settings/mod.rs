//! `Settings`: how an application runs, as plain data. A configuration file can carry them; clocks and logs are given
//! to [`Streams`](crate::Streams) apart.
//!
//! ```
//! use stream_core::{ProcessingGuarantee, Settings};
//!
//! let mut settings = Settings::new("word-count");
//! settings.num_stream_threads = 4;
//! settings.processing_guarantee = ProcessingGuarantee::ExactlyOnce;
//! assert_eq!(settings.commit_interval().as_millis(), 100);
//!
//! // The same with Kafka Streams' names.
//! let pairs = [
//!     ("application.id", "word-count"),
//!     ("num.stream.threads", "4"),
//!     ("processing.guarantee", "exactly_once_v2"),
//! ];
//! assert_eq!(Settings::from_pairs(pairs)?, settings);
//! # Ok::<(), stream_core::Error>(())
//! ```

mod pairs;
mod validate;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::task::BadRecords;

/// How an application runs. Every setting has a default but the application id.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The application: name of its group, prefix of its internal topics, folder of its state. Letters, digits, `.`, `_`
    /// and `-`. Required.
    pub application_id: String,
    /// Prefix of the names of its clients and threads. Default: the application id and the process id.
    pub client_id: Option<String>,
    /// Where local state is kept, in a folder named after the application. Default: `kafka-streams` in the folder for
    /// temporary files; a service names a folder that survives a restart of the machine.
    pub state_dir: PathBuf,
    /// Threads that run tasks. Default 1.
    pub num_stream_threads: usize,
    /// What a failure may do to results. Default: at least once.
    pub processing_guarantee: ProcessingGuarantee,
    /// Time between commits in milliseconds. Default 30,000, and 100 with exactly once.
    pub commit_interval_ms: Option<u64>,
    /// Bytes of the write-back tables of all stores together; reaching it commits early. Default 10 MiB.
    pub cache_max_bytes: usize,
    /// Bytes of RocksDB's block cache and write buffers together, for the whole process. Default 256 MiB.
    pub state_memory_bytes: usize,
    /// How long, in milliseconds, a task with several inputs waits for one that has no record and no lag, so that
    /// records are processed in the order of their timestamps. 0, the default: it waits only for records that are
    /// known to be there. −1: never.
    pub max_task_idle_ms: i64,
    /// A partition whose records wait in a greater number is not read until they are fewer. Default 1000.
    pub buffered_records_per_partition: usize,
    /// How long a poll waits for a first record, in milliseconds. Default 100.
    pub poll_ms: u64,
    /// Records that one poll takes at most. Default 4096.
    pub poll_records_max: usize,
    /// What to do with a record that does not decode. Default: stop.
    pub bad_records: BadRecords,
    /// A member that is silent for this long is dead, in milliseconds. Default 45,000.
    pub session_timeout_ms: u64,
    /// How long members have to join again in a rebalance, in milliseconds. Default 300,000.
    pub rebalance_timeout_ms: u64,
    /// Replicas of internal topics; −1, the default, leaves it to the log.
    pub replication_factor: i16,
    /// Settings for every internal topic, such as `retention.ms`. Default: none.
    pub topic: BTreeMap<String, String>,
    /// How much longer, in milliseconds, the changelog of a window store is kept than the store's retention. Default a
    /// day.
    pub windowstore_changelog_additional_retention_ms: i64,
    /// Time between deletions of processed records of repartition topics, in milliseconds. Default 30,000.
    pub repartition_purge_interval_ms: u64,
    /// How long a service that does not answer is asked again, in milliseconds. Default 300,000.
    pub task_timeout_ms: u64,
    /// How long [`run_until_signal`](crate::Streams::run_until_signal) waits for the threads to commit and end, in
    /// milliseconds. Default 30,000.
    pub close_timeout_ms: u64,
    /// Local state is made durable at least this often, in milliseconds: what a killed process reads again of its
    /// changelogs. Default 60,000.
    pub state_flush_interval_ms: u64,
    /// Local state is made durable after at most this many changelog records of a task. Default 500,000.
    pub state_flush_records_max: u64,
}

/// What a failure may do to results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessingGuarantee {
    /// Nothing is lost; what was processed since the last commit may be processed twice.
    #[default]
    AtLeastOnce,
    /// Inputs, state and outputs move together, in transactions of the log.
    ExactlyOnce,
}

impl Default for Settings {
    #[expect(
        clippy::disallowed_methods,
        reason = "the default of a setting is the machine's folder for temporary files"
    )]
    fn default() -> Self {
        Self {
            application_id: String::new(),
            client_id: None,
            state_dir: std::env::temp_dir().join("kafka-streams"),
            num_stream_threads: 1,
            processing_guarantee: ProcessingGuarantee::AtLeastOnce,
            commit_interval_ms: None,
            cache_max_bytes: 10 << 20,
            state_memory_bytes: 256 << 20,
            max_task_idle_ms: 0,
            buffered_records_per_partition: 1000,
            poll_ms: 100,
            poll_records_max: 4096,
            bad_records: BadRecords::Fail,
            session_timeout_ms: 45_000,
            rebalance_timeout_ms: 300_000,
            replication_factor: -1,
            topic: BTreeMap::new(),
            windowstore_changelog_additional_retention_ms: 24 * 60 * 60 * 1000,
            repartition_purge_interval_ms: 30_000,
            task_timeout_ms: 300_000,
            close_timeout_ms: 30_000,
            state_flush_interval_ms: 60_000,
            state_flush_records_max: 500_000,
        }
    }
}

impl Settings {
    /// Defaults for the application `application_id`.
    pub fn new(application_id: impl Into<String>) -> Self {
        Self { application_id: application_id.into(), ..Self::default() }
    }

    /// Time between commits: as set, or the default of the guarantee.
    #[must_use]
    pub fn commit_interval(&self) -> Duration {
        Duration::from_millis(self.commit_interval_ms.unwrap_or(match self.processing_guarantee {
            ProcessingGuarantee::AtLeastOnce => 30_000,
            ProcessingGuarantee::ExactlyOnce => 100,
        }))
    }
}
