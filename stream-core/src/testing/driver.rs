//! `TopologyTestDriver`: a topology in one task over partition 0 of everything, record by record.
//!
//! It runs the runtime's own task code, as Kafka Streams' driver of the same name does: repartition topics are looped
//! back, everything is committed after each record, and the wall clock stands until it is advanced.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use state_store::backend::{self, Backend, MemoryBackend, RocksBackend, RocksMemory, SharedBackend};
use state_store::{KeyValueStore, Stamped, WindowStore, Windowed};

use crate::log::{Batch, OutTopic, Outgoing};
use crate::plan::{NodeId, Topology};
use crate::record::{Headers, RawRecord, Timestamp};
use crate::task::builder;
use crate::task::context::{Collector, TaskContext};
use crate::task::stores::Backends;
use crate::task::{BadRecords, PunctuationType, Task, TaskId};
use crate::time::ManualClock;
use crate::{Error, Kind, Result};

/// Block cache and write buffers of a driver whose state is on disk.
const STATE_MEMORY_BYTES: usize = 16 << 20;

/// How a driver runs.
#[derive(Clone, Debug)]
pub struct DriverSettings {
    /// Prefix of internal topics.
    pub application_id: String,
    /// Where the wall clock stands at first.
    pub wall_clock: Timestamp,
    /// Where state is kept.
    pub state: DriverState,
    /// What to do with records that do not decode.
    pub bad_records: BadRecords,
}

/// Where a driver keeps state.
#[derive(Clone, Debug)]
pub enum DriverState {
    /// In memory.
    Memory,
    /// On disk, in a RocksDB database in this folder.
    Rocks(PathBuf),
}

impl Default for DriverSettings {
    fn default() -> Self {
        Self {
            application_id: "app".to_owned(),
            wall_clock: Timestamp(0),
            state: DriverState::Memory,
            bad_records: BadRecords::Fail,
        }
    }
}

/// A record that the topology sent, to whichever topic: outputs, changelogs and repartitions alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Produced {
    /// Its topic.
    pub topic: String,
    /// Key bytes.
    pub key: Option<Vec<u8>>,
    /// Value bytes.
    pub value: Option<Vec<u8>>,
    /// Event time.
    pub timestamp: Timestamp,
    /// Headers.
    pub headers: Headers,
}

/// Everything the task sent.
#[derive(Default)]
struct Sent {
    topics: Vec<String>,
    records: Vec<Produced>,
}

impl Collector for Rc<RefCell<Sent>> {
    fn topic(&mut self, name: &str) -> Result<(OutTopic, i32)> {
        let topics = &mut self.borrow_mut().topics;
        let index = topics.iter().position(|topic| topic == name).unwrap_or_else(|| {
            topics.push(name.to_owned());
            topics.len() - 1
        });
        Ok((OutTopic(u32::try_from(index).expect("fewer than 2^32 topics")), 1))
    }

    fn send(&mut self, record: Outgoing<'_>) -> Result<()> {
        let mut sent = self.borrow_mut();
        let topic = sent.topics[record.topic.0 as usize].clone();
        sent.records.push(Produced {
            topic,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            timestamp: record.timestamp,
            headers: record.headers.clone(),
        });
        Ok(())
    }
}

/// Runs a topology record by record, without a log.
pub struct TopologyTestDriver {
    task: Task,
    clock: Arc<ManualClock>,
    sent: Rc<RefCell<Sent>>,
    /// Next offset by topic.
    offsets: BTreeMap<String, i64>,
    /// What was sent and not yet taken by the test, in sending order.
    produced: Vec<Produced>,
    topology: Topology,
}

impl TopologyTestDriver {
    /// A driver for `topology` with settings of its own.
    ///
    /// # Errors
    /// What keeps the task from starting.
    pub fn new(topology: &Topology, settings: &DriverSettings) -> Result<Self> {
        let clock = Arc::new(ManualClock::at(settings.wall_clock));
        let sent = Rc::new(RefCell::new(Sent::default()));
        let id = TaskId { subtopology: 0, partition: 0 };
        let context = TaskContext::new(
            id,
            settings.application_id.as_str().into(),
            Arc::clone(&topology.plan),
            clock.clone(),
            Box::new(Rc::clone(&sent)),
        );
        let disk: Box<dyn Backend> = match &settings.state {
            DriverState::Memory => Box::new(MemoryBackend::default()),
            DriverState::Rocks(folder) => Box::new(RocksBackend::open(folder, &RocksMemory::new(STATE_MEMORY_BYTES))?),
        };
        let memory: SharedBackend = Rc::new(RefCell::new(Box::new(MemoryBackend::default())));
        let backends = Backends { disk: Rc::new(RefCell::new(disk)), memory };
        let nodes: Vec<NodeId> = (0..topology.plan.nodes.len()).map(|index| NodeId(index as u32)).collect();
        let wired = builder::wire(&topology.plan, &nodes, context, backends)?;
        let mut task = Task::new(&topology.plan, wired, 0, settings.bad_records, |_| true);
        task.guard(Task::init)?;
        let mut driver =
            Self { task, clock, sent, offsets: BTreeMap::new(), produced: Vec::new(), topology: topology.clone() };
        driver.commit()?;
        driver.collect()?;
        driver.drain()?;
        Ok(driver)
    }

    /// Pipes one record and processes all that comes of it.
    ///
    /// # Errors
    /// What an operator says; `Kind::Invalid` where no source reads `topic`.
    pub fn pipe(
        &mut self,
        topic: &str,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: Timestamp,
        headers: &Headers,
    ) -> Result<()> {
        if !self.enqueue(topic, key, value, timestamp, headers)? {
            let topics: Vec<_> = self.task.sources().map(|source| source.topic.to_string()).collect();
            let why = format!("no source reads the topic {topic:?}; the topology reads {}", topics.join(", "));
            return Err(Error::new(Kind::Invalid, why));
        }
        self.drain()
    }

    /// Moves the wall clock forward, runs the timers that are due, and processes all that comes of it.
    ///
    /// # Errors
    /// What an operator says.
    pub fn advance_wall_clock(&mut self, by: Duration) -> Result<()> {
        self.clock.advance(by);
        self.task.context.refresh_wall_clock();
        self.task.guard(|task| task.punctuate(PunctuationType::WallClockTime).map(drop))?;
        self.commit()?;
        self.collect()?;
        self.drain()
    }

    /// Everything sent since the last call, in sending order, changelogs and repartitions included.
    pub fn take_produced(&mut self) -> Vec<Produced> {
        std::mem::take(&mut self.produced)
    }

    /// What was sent to `topic` since it was last taken.
    pub fn take_output(&mut self, topic: &str) -> Vec<Produced> {
        let (taken, kept) = std::mem::take(&mut self.produced).into_iter().partition(|record| record.topic == topic);
        self.produced = kept;
        taken
    }

    /// Records dropped by rule so far: late, null where null is skipped, or undecodable.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.task.context.dropped()
    }

    /// Names of all stores, in the order in which the topology's operators come.
    pub fn store_names(&mut self) -> Vec<String> {
        let plan = &self.topology.plan;
        self.task.stores().list.iter().map(|store| plan.store(store.id).name.clone()).collect()
    }

    /// All entries of a key-value store, in the order of their key bytes.
    ///
    /// # Errors
    /// `Kind::Invalid` where there is no such store with these types.
    pub fn key_values<K: 'static, V: Clone + 'static>(&mut self, store: &str) -> Result<Vec<(K, Stamped<V>)>> {
        let store = self.typed_store::<KeyValueStore<K, V>>(store)?;
        let cursor = store.borrow_mut().range(None, None, backend::Direction::Forward)?;
        cursor.map(|entry| entry.map_err(Error::from)).collect()
    }

    /// All entries of a window store, in the store's order.
    ///
    /// # Errors
    /// `Kind::Invalid` where there is no such store with these types.
    pub fn windows<K: 'static, V: Clone + 'static>(&mut self, store: &str) -> Result<Vec<(Windowed<K>, Stamped<V>)>> {
        let store = self.typed_store::<WindowStore<K, V>>(store)?;
        let (from, to) = (Timestamp(0), Timestamp(i64::MAX));
        let cursor = store.borrow_mut().fetch_range(None, None, from, to, backend::Direction::Forward)?;
        cursor.map(|entry| entry.map_err(Error::from)).collect()
    }

    fn typed_store<S: 'static>(&mut self, name: &str) -> Result<Rc<RefCell<S>>> {
        let plan = &self.topology.plan;
        let stores = &self.task.stores().list;
        let found = stores.iter().find(|store| plan.store(store.id).name == name);
        found.and_then(|store| store.open.typed::<S>()).ok_or_else(|| {
            let names: Vec<_> = stores.iter().map(|store| plan.store(store.id).name.as_str()).collect();
            let why = format!("no store {name:?} with these types; the topology has {}", names.join(", "));
            Error::new(Kind::Invalid, why)
        })
    }

    fn enqueue(
        &mut self,
        topic: &str,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: Timestamp,
        headers: &Headers,
    ) -> Result<bool> {
        let Some(queue) = self.task.sources().position(|source| &*source.topic == topic) else { return Ok(false) };
        let next = self.offsets.entry(topic.to_owned()).or_default();
        let mut batch = Batch::default();
        batch.push(queue, RawRecord { offset: *next, timestamp, key, value, headers });
        *next += 1;
        self.task.guard(|task| task.add(queue, &Rc::new(batch), 0..1))?;
        Ok(true)
    }

    /// Processes until nothing waits; a record that crosses a repartition is processed after the whole pass of the
    /// record that caused it.
    fn drain(&mut self) -> Result<()> {
        while self.task.guard(Task::process_next)? {
            self.task.guard(|task| task.punctuate(PunctuationType::StreamTime).map(drop))?;
            self.commit()?;
            self.collect()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.task.guard(Task::flush)?;
        self.task.commit_state(|_, _| None)
    }

    /// Hands what was sent to the test, and back to the task where one of its sources reads the topic.
    fn collect(&mut self) -> Result<()> {
        let sent = std::mem::take(&mut self.sent.borrow_mut().records);
        for record in sent {
            let Produced { topic, key, value, timestamp, headers } = &record;
            self.enqueue(topic, key.as_deref(), value.as_deref(), *timestamp, headers)?;
            self.produced.push(record);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamsBuilder;
    use crate::testing::{TestInputTopic, TestOutputTopic};

    #[test]
    fn a_stateless_topology_runs_record_by_record() {
        let builder = StreamsBuilder::new();
        let words = builder.stream::<String, String>("in");
        words.filter(|_, value| value.len() > 1).map_values(|_, value| value.to_uppercase()).to("out");
        let topology = builder.build().expect("a valid topology");
        let mut driver = TopologyTestDriver::new(&topology, &DriverSettings::default()).expect("a driver");
        let (input, output) = (TestInputTopic::new("in"), TestOutputTopic::<String, String>::new("out"));
        for (key, value) in [("a", "one"), ("b", "x"), ("c", "two")] {
            input.pipe(&mut driver, &key.to_owned(), &value.to_owned()).expect("piped");
        }
        let expected = [("a", "ONE"), ("c", "TWO")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(output.read_key_values(&mut driver).expect("decodes"), expected);
    }

    #[test]
    fn a_panic_of_a_function_names_the_operator_and_the_record() {
        let builder = StreamsBuilder::new();
        let stream = builder.stream::<String, String>("in");
        stream.named("parse").map_values(|_, value| value.parse::<i32>().expect("a number").to_string()).to("out");
        let topology = builder.build().expect("a valid topology");
        let mut driver = TopologyTestDriver::new(&topology, &DriverSettings::default()).expect("a driver");
        let input = TestInputTopic::new("in");
        let error = input.pipe(&mut driver, &"k".to_owned(), &"seven".to_owned()).expect_err("does not parse");
        assert_eq!(error.kind(), Kind::Record);
        let place = error.place();
        assert_eq!(place.node.as_deref(), Some("parse"));
        assert_eq!((place.topic.as_deref(), place.partition, place.offset), (Some("in"), Some(0), Some(0)));
    }
}
