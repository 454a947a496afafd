//! What the small examples stand on: the embedded log, or Kafka where they are given `--bootstrap HOST:PORT`.
//!
//! An example writes a few records, runs its application until they are done, and reads what came of them.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use state_store::{CodecRef, DefaultCodec};
use stream_core::log::{Log, Outgoing};
use stream_core::memory::MemoryLog;
use stream_core::partitioner::partition_for_key;
use stream_core::record::{Headers, Timestamp};
use stream_core::{Error, Kind, Result, Settings, Streams, Topology};
use stream_kafka::{KafkaLog, KafkaSettings};
use tempfile::TempDir;

use crate::folder::state_folder;
use crate::{counts, feed, run};

const PARTITIONS: i32 = 2;
const CLOSE_MAX: Duration = Duration::from_secs(30);
const COMMIT_INTERVAL_MS: u64 = 100;

/// Where an example runs.
pub struct Stage {
    log: Arc<dyn Log>,
    application_id: &'static str,
    /// Local state, removed with the stage: on Kafka the next run restores it from the changelog.
    state: TempDir,
    /// Topics that the example has written to.
    written: RefCell<Vec<String>>,
}

impl Stage {
    /// The stage of the application `application_id`, as the program's arguments say.
    ///
    /// # Errors
    /// `Kind::Invalid` for other arguments than `--bootstrap HOST:PORT`.
    pub fn from_arguments(application_id: &'static str) -> Result<Self> {
        let invalid =
            |why: lexopt::Error| Error::new(Kind::Invalid, format!("{why}: use --bootstrap HOST:PORT or nothing"));
        let mut arguments = lexopt::Parser::from_env();
        let mut log: Arc<dyn Log> = Arc::new(MemoryLog::new());
        while let Some(argument) = arguments.next().map_err(invalid)? {
            match argument {
                lexopt::Arg::Long("bootstrap") => {
                    let address = arguments.value().map_err(invalid)?.to_string_lossy().into_owned();
                    log = Arc::new(KafkaLog::new(KafkaSettings::new(address))?);
                }
                other => return Err(invalid(other.unexpected())),
            }
        }
        Ok(Self { log, application_id, state: state_folder()?, written: RefCell::default() })
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log)
    }

    /// Settings as an example needs them: results are seen ten times a second.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::new(self.application_id);
        settings.state_dir = self.state.path().to_owned();
        settings.commit_interval_ms = Some(COMMIT_INTERVAL_MS);
        // The timestamps are of the past; a broker would delete what is older than its retention.
        settings.topic.insert("retention.ms".to_owned(), "-1".to_owned());
        settings
    }

    /// Makes topics where they are missing.
    ///
    /// # Errors
    /// What the log says.
    pub fn create_topics(&self, topics: &[&str]) -> Result<()> {
        feed::create_topics(&*self.log, topics, PARTITIONS)
    }

    /// Writes records: key, value and timestamp of each.
    ///
    /// # Errors
    /// What the log says.
    pub fn write(&self, topic: &str, records: &[(&str, &str, i64)]) -> Result<()> {
        let mut producer = self.log.producer("example-input", None)?;
        let (number, partitions) = producer.topic(topic)?;
        for (key, value, timestamp) in records {
            producer.send(Outgoing {
                topic: number,
                partition: partition_for_key(key.as_bytes(), partitions),
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                timestamp: Timestamp(*timestamp),
                headers: &Headers::EMPTY,
            })?;
        }
        self.written.borrow_mut().push(topic.to_owned());
        producer.flush()
    }

    /// Starts `streams`, waits until all that was written is done, and closes it. A service calls
    /// [`Streams::run_until_signal`] instead.
    ///
    /// # Errors
    /// What the application fails with.
    pub fn run_until_done(&self, topology: &Topology, streams: &Streams) -> Result<()> {
        streams.start()?;
        run::wait_until_done(streams, topology, &*self.log, self.application_id, &self.written.borrow())?;
        streams.close(CLOSE_MAX)
    }

    /// All keys and values in `topic`, decoded by the types' own codecs.
    ///
    /// # Errors
    /// `Kind::Record` where one does not decode; what the log says.
    pub fn read<K: DefaultCodec, V: DefaultCodec>(&self, topic: &str) -> Result<Vec<(K, V)>> {
        self.read_with(topic, &K::codec(), &V::codec())
    }

    /// All keys and values in `topic`.
    ///
    /// # Errors
    /// `Kind::Record` where one does not decode; what the log says.
    pub fn read_with<K: 'static, V: 'static>(
        &self,
        topic: &str,
        keys: &CodecRef<K>,
        values: &CodecRef<V>,
    ) -> Result<Vec<(K, V)>> {
        let mut found = Vec::new();
        counts::read_to_end(&*self.log, topic, |record| {
            found.push((decode(keys, record.key)?, decode(values, record.value)?));
            Ok(())
        })?;
        Ok(found)
    }
}

fn decode<T: 'static>(codec: &CodecRef<T>, bytes: Option<&[u8]>) -> Result<T> {
    match bytes {
        Some(bytes) => Ok(codec.decode(bytes)?),
        None => codec.null().ok_or_else(|| Error::new(Kind::Record, "a null where the type has none: use Option<_>")),
    }
}
