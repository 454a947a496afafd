//! The unit aligned with a partition: one partition of one subtopology, with its queues, timers, nodes and stores.
//!
//! ```text
//! batches ─▶ queues ─ lowest timestamp ─▶ source ─▶ nodes ─▶ sinks ─▶ collector
//!                                                    │ stores ──────▶ collector (changelogs)
//! ```
//! A task never leaves its thread. It is wired anew wherever its state goes.

pub(crate) mod builder;
pub(crate) mod changelog;
pub(crate) mod commit;
pub(crate) mod context;
pub(crate) mod offset_metadata;
pub(crate) mod queues;
pub(crate) mod restore;
pub(crate) mod stores;
pub(crate) mod timers;

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

pub use queues::BadRecords;
pub use restore::{RestoreProgress, RestoreStage};
pub use timers::{PunctuationType, TimerId};

use crate::Result;
use crate::log::Batch;
use crate::node::Node;
use crate::plan::{NodeId, Op, Plan};
use crate::record::{Timestamp, TopicPartition};
use crate::task::builder::Wired;
use crate::task::changelog::Changelogs;
use crate::task::context::TaskContext;
use crate::task::queues::{PartitionQueue, Queues};
use crate::task::stores::TaskStores;

/// A task: subtopology and partition, written `0_3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    /// Number of the subtopology.
    pub subtopology: u32,
    /// Number of the partition.
    pub partition: i32,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.subtopology, self.partition)
    }
}

/// A wired task.
///
/// A record: [`add`](Self::add) → [`process_next`](Self::process_next) → [`punctuate`](Self::punctuate). A commit:
/// [`flush`](Self::flush) → the outputs are acknowledged and the offsets committed →
/// [`commit_state`](Self::commit_state).
pub(crate) struct Task {
    pub(crate) context: TaskContext,
    queues: Queues,
    nodes: Vec<(NodeId, Rc<RefCell<dyn Node>>)>,
    stores: TaskStores,
    pub(crate) changelogs: Changelogs,
    /// Something was processed or punctuated since the last commit.
    commit_needed: bool,
}

impl Task {
    /// A task over partition `partition` of every source topic of `wired` that has it, as `has` says.
    pub(crate) fn new(
        plan: &Arc<Plan>,
        wired: Wired,
        partition: i32,
        bad_records: BadRecords,
        has: impl Fn(&str) -> bool,
    ) -> Self {
        let Wired { mut context, nodes, stores, sources } = wired;
        let mut queues = Queues::new(bad_records);
        for (node, make_head) in sources {
            let Op::Source(topics) = &plan.node(node).op else { continue };
            for topic in topics {
                let name: Arc<str> = topic.resolve(context.application_id()).into();
                if !has(&name) {
                    continue;
                }
                let number = context.add_source_topic(Arc::clone(&name));
                let source = TopicPartition { topic: name, partition };
                queues.list.push(PartitionQueue::new(source, number, make_head()));
            }
        }
        Self { context, queues, nodes, stores, changelogs: Changelogs::default(), commit_needed: false }
    }

    /// Starts the nodes: the state is restored.
    pub(crate) fn init(&mut self) -> Result<()> {
        for (id, node) in &self.nodes {
            self.context.enter(*id);
            let done = node.borrow_mut().init(&mut self.context);
            done.map_err(|error| self.context.locate(error, *id))?;
        }
        Ok(())
    }

    /// The source partitions; their indices are the numbers of the queues.
    pub(crate) fn sources(&self) -> impl ExactSizeIterator<Item = &TopicPartition> {
        self.queues.list.iter().map(|queue| &queue.source)
    }

    /// How many source partitions there are.
    pub(crate) fn queue_count(&self) -> usize {
        self.queues.list.len()
    }

    /// Takes what was committed for a source partition: its time goes on from there.
    pub(crate) fn resume(&mut self, queue: usize, partition_time: Timestamp) {
        let entry = &mut self.queues.list[queue];
        entry.partition_time = entry.partition_time.max(partition_time);
        self.context.set_stream_time(self.context.stream_time().max(partition_time));
    }

    /// Adds records `range` of `batch` to a queue.
    ///
    /// # Errors
    /// `Kind::Record` where the record that is next does not decode and such records are not skipped.
    pub(crate) fn add(&mut self, queue: usize, batch: &Rc<Batch>, range: Range<usize>) -> Result<()> {
        self.queues.push(queue, batch, range, &mut self.context)
    }

    /// Records that wait in a queue.
    pub(crate) fn buffered(&self, queue: usize) -> usize {
        self.queues.list[queue].len()
    }

    /// Whether every source partition has a record, so that the choice by timestamp is known to be right.
    pub(crate) fn all_have_records(&self) -> bool {
        self.queues.all_have_records()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Processes the record with the lowest timestamp; `false` where nothing waits.
    ///
    /// # Errors
    /// What an operator says, with node, topic, partition and offset.
    #[inline]
    pub(crate) fn process_next(&mut self) -> Result<bool> {
        let Some(taken) = self.queues.take(&mut self.context) else { return Ok(false) };
        self.commit_needed = true;
        if let Err(error) = self.queues.process(&taken, &mut self.context) {
            return Err(self.at_current_record(error));
        }
        self.queues.settle(&taken, &mut self.context)?;
        self.context.end_record();
        Ok(true)
    }

    /// `error` at the record that is being processed.
    #[cold]
    pub(crate) fn at_current_record(&self, error: crate::Error) -> crate::Error {
        match self.context.record_meta() {
            Some(meta) => error.at_record(&meta.topic, meta.partition, meta.offset),
            None => error,
        }
    }

    /// Runs the timers of `kind` that are due, each at most once; whether any was.
    ///
    /// # Errors
    /// What a processor says.
    pub(crate) fn punctuate(&mut self, kind: PunctuationType) -> Result<bool> {
        let now = match kind {
            PunctuationType::StreamTime => self.context.stream_time(),
            PunctuationType::WallClockTime => self.context.wall_clock(),
        };
        if now < Timestamp(0) {
            return Ok(false);
        }
        let mut any = false;
        while let Some((id, timer)) = self.context.timers.due(kind, now) {
            any = true;
            self.commit_needed = true;
            self.context.enter(id);
            if let Some((_, node)) = self.nodes.iter().find(|(other, _)| *other == id) {
                let done = node.borrow_mut().punctuate(timer, now, &mut self.context);
                done.map_err(|error| self.context.locate(error, id))?;
            }
        }
        Ok(any)
    }

    /// Whether there is anything to commit.
    pub(crate) fn commit_needed(&self) -> bool {
        self.commit_needed
    }

    /// What caching stores hold back leaves: changelogs and downstream see it.
    ///
    /// # Errors
    /// What a node downstream says.
    pub(crate) fn flush(&mut self) -> Result<()> {
        for (id, node) in &self.nodes {
            self.context.enter(*id);
            let done = node.borrow_mut().flush(&mut self.context);
            done.map_err(|error| self.context.locate(error, *id))?;
        }
        // A caching store that only processors use has no operator that drains it.
        for store in &self.stores.list {
            store.open.erased.borrow_mut().log_changed(&mut self.context)?;
        }
        Ok(())
    }

    /// The stores.
    pub(crate) fn stores(&mut self) -> &mut TaskStores {
        &mut self.stores
    }

    /// Runs a step of the task; a panic of a user's function is an error with the node and the record that it is about.
    pub(crate) fn guard<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        match catch_unwind(AssertUnwindSafe(|| step(&mut *self))) {
            Ok(done) => done,
            Err(panic) => Err(self.panicked(panic.as_ref())),
        }
    }

    /// What a panic of a user's function is: an error of the operator that was entered last, at the current record.
    #[cold]
    fn panicked(&self, panic: &(dyn Any + Send)) -> crate::Error {
        let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        let error = crate::Error::new(crate::Kind::Record, format!("a function of the topology panicked: {text}"));
        self.at_current_record(self.context.locate(error, self.context.current_node()))
    }

    /// Closes the nodes. What was not committed is gone.
    pub(crate) fn close(&mut self) {
        for (_, node) in &self.nodes {
            node.borrow_mut().close();
        }
    }
}
