//! What a running node may ask of its task: the record's origin, times, outputs, timers, a commit.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use state_store::changelog::{ChangeRecord, ChangeSink};

use crate::log::{OutTopic, Outgoing};
use crate::plan::{NodeId, Plan};
use crate::record::{RecordMeta, Timestamp};
use crate::task::TaskId;
use crate::task::timers::{PunctuationType, TimerId, Timers};
use crate::time::Clock;
use crate::{Error, Result};

/// Where a task's outputs go: a log's producer in the runtime, a list in the test driver.
pub(crate) trait Collector {
    /// The number of a topic and how many partitions it has.
    fn topic(&mut self, name: &str) -> Result<(OutTopic, i32)>;

    /// Takes a record.
    fn send(&mut self, record: Outgoing<'_>) -> Result<()>;
}

/// The way out of a task: its collector and the count of what it dropped, shared with the stores' handles.
#[derive(Clone)]
pub(crate) struct Outputs {
    collector: Rc<RefCell<Box<dyn Collector>>>,
    partition: i32,
    dropped: Rc<Cell<u64>>,
}

impl Outputs {
    /// Counts a record that was dropped by rule.
    pub(crate) fn drop_record(&self) {
        self.dropped.set(self.dropped.get() + 1);
    }
}

/// The origin of the record that is being processed.
#[derive(Clone, Copy, Debug)]
struct Origin {
    topic: u32,
    partition: i32,
    offset: i64,
}

/// The state of a task that its nodes share.
pub(crate) struct TaskContext {
    id: TaskId,
    application_id: Arc<str>,
    plan: Arc<Plan>,
    clock: Arc<dyn Clock>,
    outputs: Outputs,
    /// Names of the task's source topics, as `Origin` numbers them.
    topics: Vec<Arc<str>>,
    origin: Option<Origin>,
    node: NodeId,
    stream_time: Timestamp,
    wall_clock: Timestamp,
    pub(crate) timers: Timers,
    commit_requested: bool,
    caching: bool,
}

impl TaskContext {
    pub(crate) fn new(
        id: TaskId,
        application_id: Arc<str>,
        plan: Arc<Plan>,
        clock: Arc<dyn Clock>,
        collector: Box<dyn Collector>,
    ) -> Self {
        let wall_clock = clock.now();
        let collector = Rc::new(RefCell::new(collector));
        let outputs = Outputs { collector, partition: id.partition, dropped: Rc::default() };
        Self {
            id,
            application_id,
            plan,
            clock,
            outputs,
            topics: Vec::new(),
            origin: None,
            node: NodeId(0),
            stream_time: Timestamp::NONE,
            wall_clock,
            timers: Timers::default(),
            commit_requested: false,
            caching: true,
        }
    }

    pub(crate) fn id(&self) -> TaskId {
        self.id
    }

    pub(crate) fn application_id(&self) -> &str {
        &self.application_id
    }

    /// Where the record comes from; `None` in a punctuation and at start.
    pub(crate) fn record_meta(&self) -> Option<RecordMeta> {
        self.origin.map(|origin| RecordMeta {
            topic: Arc::clone(&self.topics[origin.topic as usize]),
            partition: origin.partition,
            offset: origin.offset,
        })
    }

    /// The highest timestamp taken out of a queue of this task so far.
    pub(crate) fn stream_time(&self) -> Timestamp {
        self.stream_time
    }

    /// The wall clock as of the start of this record.
    pub(crate) fn wall_clock(&self) -> Timestamp {
        self.wall_clock
    }

    pub(crate) fn topic(&mut self, name: &str) -> Result<(OutTopic, i32)> {
        self.outputs.collector.borrow_mut().topic(name)
    }

    #[inline]
    pub(crate) fn send(&mut self, record: Outgoing<'_>) -> Result<()> {
        self.outputs.collector.borrow_mut().send(record)
    }

    /// The way out, for what writes beside the record's path: the handles of processors on their stores.
    pub(crate) fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Counts a record that was dropped by rule: late, or null where null is skipped.
    pub(crate) fn drop_record(&mut self) {
        self.outputs.drop_record();
    }

    /// Asks for a commit at the next record boundary.
    pub(crate) fn request_commit(&mut self) {
        self.commit_requested = true;
    }

    /// Schedules a timer for `node`. `start` anchors it; without it, stream time starts at 0 (so the first record
    /// fires it) and the wall clock one interval from now.
    pub(crate) fn schedule(
        &mut self,
        node: NodeId,
        kind: PunctuationType,
        interval_ms: i64,
        start: Option<Timestamp>,
    ) -> TimerId {
        let now = match kind {
            PunctuationType::StreamTime => self.stream_time,
            PunctuationType::WallClockTime => self.clock.now(),
        };
        let first = match (start, kind) {
            (None, PunctuationType::StreamTime) => 0,
            (None, PunctuationType::WallClockTime) => now.millis() + interval_ms,
            (Some(start), _) if start < now => {
                start.millis() + ((now.millis() - start.millis()) / interval_ms + 1) * interval_ms
            }
            (Some(start), _) => start.millis(),
        };
        self.timers.add(node, kind, interval_ms, first)
    }

    /// A node is entered; an error or a panic from here on is its own, until another is entered.
    #[inline]
    pub(crate) fn enter(&mut self, node: NodeId) {
        self.node = node;
    }

    /// The node entered last.
    pub(crate) fn current_node(&self) -> NodeId {
        self.node
    }

    /// The name of a node.
    pub(crate) fn node_name(&self, node: NodeId) -> &str {
        &self.plan.node(node).name
    }

    /// `error` with the node's name and the user's line, unless a deeper node is named already.
    #[cold]
    pub(crate) fn locate(&self, error: Error, node: NodeId) -> Error {
        let node = self.plan.node(node);
        error.at_node(&node.name, node.origin)
    }

    /// Numbers a source topic.
    pub(crate) fn add_source_topic(&mut self, topic: Arc<str>) -> u32 {
        self.topics.push(topic);
        u32::try_from(self.topics.len() - 1).expect("a task has fewer than 2^32 topics")
    }

    /// The next record begins: its origin and its timestamp.
    #[inline]
    pub(crate) fn begin_record(&mut self, topic: u32, partition: i32, offset: i64, timestamp: Timestamp) {
        self.origin = Some(Origin { topic, partition, offset });
        self.stream_time = self.stream_time.max(timestamp);
    }

    /// What follows belongs to no record.
    pub(crate) fn end_record(&mut self) {
        self.origin = None;
    }

    /// Reads the clock for the records that follow.
    pub(crate) fn refresh_wall_clock(&mut self) {
        self.wall_clock = self.clock.now();
    }

    /// Takes the time of day for the records that follow from whoever has read the clock.
    pub(crate) fn set_wall_clock(&mut self, now: Timestamp) {
        self.wall_clock = now;
    }

    pub(crate) fn set_stream_time(&mut self, time: Timestamp) {
        self.stream_time = time;
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.outputs.dropped.get()
    }

    /// Every update of a store leaves at once, whatever its plan says: there is no memory for caches.
    pub(crate) fn turn_off_caching(&mut self) {
        self.caching = false;
    }

    /// Whether stores may cache.
    pub(crate) fn caching(&self) -> bool {
        self.caching
    }

    /// Whether a commit was asked for since it was last taken.
    pub(crate) fn commit_is_requested(&self) -> bool {
        self.commit_requested
    }

    /// Whether a commit was asked for since the last call.
    pub(crate) fn take_commit_request(&mut self) -> bool {
        std::mem::take(&mut self.commit_requested)
    }
}

/// Changes of stores go to their changelog topics, to the task's own partition.
impl ChangeSink for TaskContext {
    #[inline]
    fn change(&mut self, change: ChangeRecord<'_>) -> state_store::Result<()> {
        (&self.outputs).change(change)
    }
}

impl ChangeSink for &Outputs {
    #[inline]
    fn change(&mut self, change: ChangeRecord<'_>) -> state_store::Result<()> {
        // Invariant: a collector only takes, so it is never borrowed when a record comes.
        let sent = self.collector.borrow_mut().send(Outgoing {
            topic: OutTopic(change.changelog.0),
            partition: self.partition,
            key: Some(change.key),
            value: change.value,
            timestamp: change.timestamp,
            headers: change.headers,
        });
        sent.map_err(|error| {
            state_store::Error::new(state_store::Kind::Io, "the changelog did not take a change").caused_by(error)
        })
    }
}
