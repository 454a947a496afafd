//! A log, a clock and a state folder, and instances of an application that are stepped by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::Result;
use crate::dsl::{Grouped, Materialized, Repartitioned, StoreBuilder};
use crate::log::{Batch, Isolation, Log, Outgoing, StartAt};
use crate::memory::MemoryLog;
use crate::partitioner::partition_for_key;
use crate::processor::{KeyValueHandle, Processor, ProcessorContext};
use crate::record::{Headers, Record, Timestamp, TopicPartition};
use crate::runtime::instance::{Instance, Surroundings};
use crate::runtime::status::Status;
use crate::runtime::thread::{Step, StreamThread};
use crate::time::ManualClock;
use crate::{ProcessingGuarantee, Settings, StreamsBuilder, Topology};

pub(super) const CLIENT: &str = "client";

pub(super) struct World {
    pub(super) log: MemoryLog,
    pub(super) clock: Arc<ManualClock>,
    pub(super) folder: tempfile::TempDir,
}

/// A record of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) key: String,
    pub(super) raw_key: Vec<u8>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) timestamp: i64,
}

impl World {
    pub(super) fn new(topics: &[(&str, i32)]) -> Self {
        let log = MemoryLog::new();
        for (name, partitions) in topics {
            log.create_topic(name, *partitions).expect("a topic");
        }
        let clock = Arc::new(ManualClock::at(Timestamp(1_000_000)));
        Self { log, clock, folder: tempfile::tempdir().expect("a folder") }
    }

    pub(super) fn settings(&self, guarantee: ProcessingGuarantee, threads: usize) -> Settings {
        Settings {
            client_id: Some(CLIENT.to_owned()),
            state_dir: self.folder.path().to_owned(),
            num_stream_threads: threads,
            processing_guarantee: guarantee,
            state_memory_bytes: 16 << 20,
            ..Settings::new("app")
        }
    }

    /// Writes records, each to the partition of its key.
    pub(super) fn produce<'a>(&self, topic: &str, records: impl IntoIterator<Item = (&'a str, &'a str, i64)>) {
        let mut producer = self.log.producer("world", None).expect("a producer");
        let (topic, partitions) = producer.topic(topic).expect("the topic exists");
        for (key, value, timestamp) in records {
            let record = Outgoing {
                topic,
                partition: partition_for_key(key.as_bytes(), partitions),
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                timestamp: Timestamp(timestamp),
                headers: &Headers::EMPTY,
            };
            producer.send(record).expect("sent");
        }
        producer.flush().expect("flushed");
    }

    /// All committed records of a topic, partition by partition.
    pub(super) fn read(&self, topic: &str) -> Vec<Read> {
        let mut admin = self.log.admin().expect("an admin");
        let partitions = admin.partitions(&[topic]).expect("an answer")[topic];
        let mut consumer = self.log.consumer("world", Isolation::ReadCommitted).expect("a consumer");
        let mut batch = Batch::default();
        let mut all = Vec::new();
        for partition in 0..partitions {
            let name = TopicPartition::new(topic, partition);
            consumer.assign(&[(name, Some(StartAt::Beginning))]).expect("assigned");
            loop {
                consumer.poll(Duration::ZERO, 10_000, &mut batch).expect("polled");
                if batch.is_empty() {
                    break;
                }
                all.extend((0..batch.len()).map(|index| {
                    let (_, raw) = batch.get(index);
                    let raw_key = raw.key.expect("a key").to_vec();
                    let key = String::from_utf8_lossy(&raw_key).into_owned();
                    let (value, timestamp) = (raw.value.map(<[u8]>::to_vec), raw.timestamp.millis());
                    Read { key, raw_key, value, timestamp }
                }));
            }
        }
        all
    }

    /// The last number under each key of a topic.
    pub(super) fn latest(&self, topic: &str) -> BTreeMap<String, i64> {
        let text = |key: Vec<u8>| String::from_utf8(key).expect("a text");
        self.latest_raw(topic).into_iter().map(|(key, value)| (text(key), value)).collect()
    }

    /// The same by the bytes of the keys.
    pub(super) fn latest_raw(&self, topic: &str) -> BTreeMap<Vec<u8>, i64> {
        let mut latest = BTreeMap::new();
        for Read { raw_key, value, .. } in self.read(topic) {
            match value {
                Some(value) => latest.insert(raw_key, number(&value)),
                None => latest.remove(&raw_key),
            };
        }
        latest
    }

    pub(super) fn start(&self, topology: &Topology, settings: &Settings) -> Result<App> {
        let status = Arc::new(Status::new());
        self.start_with(topology, settings, status)
    }

    pub(super) fn start_with(&self, topology: &Topology, settings: &Settings, status: Arc<Status>) -> Result<App> {
        settings.validate()?;
        status.start()?;
        let instance = Arc::new(Instance::start(Surroundings {
            plan: Arc::clone(&topology.plan),
            settings: settings.clone(),
            log: Arc::new(self.log.clone()),
            clock: self.clock.clone(),
            status,
        })?);
        let threads = (0..instance.tasks.len()).map(|index| {
            let mut thread = StreamThread::new(&instance, index)?;
            thread.poll_timeout = Duration::ZERO;
            Ok(thread)
        });
        let threads = threads.collect::<Result<Vec<_>>>()?;
        Ok(App { instance, threads, clock: self.clock.clone() })
    }

    /// Deletes all local state, the process's identity included.
    #[expect(clippy::disallowed_methods, reason = "a test is whoever deletes the folder")]
    pub(super) fn delete_state(&self) {
        std::fs::remove_dir_all(self.folder.path().join("app")).expect("deleted");
    }

    /// Runs an application until nothing is left to do, and stops it.
    pub(super) fn run_to_end(&self, topology: &Topology, settings: &Settings) {
        let mut app = self.start(topology, settings).expect("it starts");
        app.settle().expect("it runs");
        app.close().expect("it closes");
    }
}

pub(super) fn number(value: &[u8]) -> i64 {
    i64::from_be_bytes(value.try_into().expect("eight bytes"))
}

/// A running instance.
pub(super) struct App {
    pub(super) instance: Arc<Instance>,
    pub(super) threads: Vec<StreamThread>,
    clock: Arc<ManualClock>,
}

impl App {
    /// Steps all threads in turn until there is nothing to do and everything is committed.
    pub(super) fn settle(&mut self) -> Result<()> {
        let mut quiet = 0;
        while quiet < 4 {
            let mut worked = false;
            for thread in &mut self.threads {
                worked |= thread.step()? == Step::Worked;
            }
            if worked {
                quiet = 0;
            } else {
                quiet += 1;
                self.clock.advance(self.instance.around.settings.commit_interval());
            }
        }
        Ok(())
    }

    pub(super) fn close(self) -> Result<()> {
        for thread in self.threads {
            thread.close()?;
        }
        Ok(())
    }

    /// Ends it without a word, as `kill -9` does.
    pub(super) fn crash(self, log: &MemoryLog) {
        log.crash(CLIENT);
        drop(self);
    }
}

/// Counts the values that a key has had, and forwards each count.
struct Counting {
    counts: KeyValueHandle<String, i64>,
}

impl Processor<String, String> for Counting {
    type KeyOut = String;
    type ValueOut = i64;

    fn process(&mut self, record: Record<String, String>, ctx: &mut ProcessorContext<'_, String, i64>) -> Result<()> {
        let count = self.counts.get(&record.key)?.unwrap_or(0) + 1;
        self.counts.put(&record.key, count)?;
        ctx.forward(record.with_value(count))
    }
}

/// Where the stores of [`counting`] lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Memory,
    Disk,
}

/// Counts words across a repartition: each count to the topic `out` (a processor with the store `counts`), and once more
/// in a cached store (`grouped`).
pub(super) fn counting(place: Place) -> Topology {
    let builder = StreamsBuilder::new();
    let (mut store, mut grouped) =
        (StoreBuilder::key_value::<String, i64>("counts"), Materialized::<String, i64>::as_store("grouped"));
    if place == Place::Memory {
        (store, grouped) = (store.in_memory(), grouped.in_memory());
    }
    builder.add_store(store);
    let words = builder.stream::<String, String>("in").select_key(|_, word| word.clone());
    let words = words.repartition_with(Repartitioned::as_name("words"));
    words.process(|stores| Counting { counts: stores.key_value("counts") }, ["counts"]).to("out");
    words.group_by_key_with(Grouped::as_name("again")).count_with(grouped);
    builder.build().expect("a valid topology")
}
