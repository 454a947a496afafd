//! The queues of a task, one per source partition, and the choice of the next record: the lowest timestamp.
//!
//! Records stay in the batches they were polled in; only the head of a queue is decoded. Queues with a record stand in
//! a binary heap by head timestamp. The heap breaks ties as Java's `PriorityQueue` does, so that results equal Kafka
//! Streams' to the record.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use crate::log::Batch;
use crate::record::{RawRecord, Timestamp, TopicPartition};
use crate::task::context::TaskContext;
use crate::{Kind, Result};

/// The typed head of a queue.
pub(crate) trait Head {
    /// Decodes `raw` and keeps it as the next record; its timestamp, negative if it is to be dropped.
    fn load(&mut self, raw: RawRecord<'_>, partition_time: Timestamp) -> Result<Timestamp>;

    /// Pushes the loaded record through the topology.
    fn process(&mut self, task: &mut TaskContext) -> Result<()>;
}

/// What to do with a record that does not decode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadRecords {
    /// Stop with an error that says where it lies.
    #[default]
    Fail,
    /// Skip it and count it as dropped.
    Skip,
}

/// Records of one source partition that wait.
pub(crate) struct PartitionQueue {
    pub(crate) source: TopicPartition,
    /// The topic as the task's context numbers it.
    topic: u32,
    waiting: VecDeque<Run>,
    waiting_records: usize,
    typed: Box<dyn Head>,
    head: Option<HeadRecord>,
    /// The highest timestamp taken out of this queue.
    pub(crate) partition_time: Timestamp,
    /// The offset behind the last record taken out.
    pub(crate) consumed: Option<i64>,
}

/// Consecutive records of a batch.
struct Run {
    batch: Rc<Batch>,
    range: Range<usize>,
}

#[derive(Clone, Copy)]
struct HeadRecord {
    /// `Timestamp::NONE` for a record that was dropped with nothing behind it: it still takes its turn, so that its
    /// offset is committed.
    timestamp: Timestamp,
    offset: i64,
    dead: bool,
}

/// The record that was taken out.
pub(crate) struct Taken {
    pub(crate) queue: usize,
    pub(crate) dead: bool,
}

impl PartitionQueue {
    pub(crate) fn new(source: TopicPartition, topic: u32, typed: Box<dyn Head>) -> Self {
        Self {
            source,
            topic,
            waiting: VecDeque::new(),
            waiting_records: 0,
            typed,
            head: None,
            partition_time: Timestamp::NONE,
            consumed: None,
        }
    }

    /// Records that wait, the head included.
    pub(crate) fn len(&self) -> usize {
        self.waiting_records + usize::from(self.head.is_some())
    }

    /// The offset of the next record to process, where one waits.
    pub(crate) fn head_offset(&self) -> Option<i64> {
        self.head.map(|head| head.offset)
    }

    /// Decodes records until one can be the head.
    fn load_head(&mut self, bad: BadRecords, task: &mut TaskContext) -> Result<()> {
        let mut dropped = None;
        while self.head.is_none() {
            let Some(run) = self.waiting.front_mut() else { break };
            let Some(index) = run.range.next() else {
                self.waiting.pop_front();
                continue;
            };
            self.waiting_records -= 1;
            let (_, raw) = run.batch.get(index);
            match self.typed.load(raw, self.partition_time) {
                Ok(timestamp) if timestamp.millis() >= 0 => {
                    self.head = Some(HeadRecord { timestamp, offset: raw.offset, dead: false });
                }
                Ok(_) => {
                    task.drop_record();
                    dropped = Some(raw.offset);
                }
                Err(error) if error.kind() == Kind::Record && bad == BadRecords::Skip => {
                    let error = error.at_record(&self.source.topic, self.source.partition, raw.offset);
                    tracing::warn!(task = %task.id(), %error, "skipped a record that does not decode");
                    task.drop_record();
                    dropped = Some(raw.offset);
                }
                Err(error) => return Err(error.at_record(&self.source.topic, self.source.partition, raw.offset)),
            }
        }
        if let (None, Some(offset)) = (self.head, dropped) {
            self.head = Some(HeadRecord { timestamp: Timestamp::NONE, offset, dead: true });
        }
        Ok(())
    }
}

/// All queues of a task.
pub(crate) struct Queues {
    pub(crate) list: Vec<PartitionQueue>,
    /// Queues that have a head, as a binary heap by its timestamp.
    heap: Vec<usize>,
    bad_records: BadRecords,
}

impl Queues {
    /// No queues yet.
    pub(crate) fn new(bad_records: BadRecords) -> Self {
        Self { list: Vec::new(), heap: Vec::new(), bad_records }
    }

    /// Adds records `range` of `batch` to a queue.
    pub(crate) fn push(
        &mut self,
        queue: usize,
        batch: &Rc<Batch>,
        range: Range<usize>,
        task: &mut TaskContext,
    ) -> Result<()> {
        let entry = &mut self.list[queue];
        entry.waiting_records += range.len();
        entry.waiting.push_back(Run { batch: Rc::clone(batch), range });
        if entry.head.is_none() {
            entry.load_head(self.bad_records, task)?;
            if entry.head.is_some() {
                self.insert(queue);
            }
        }
        Ok(())
    }

    /// Whether every queue has a record.
    pub(crate) fn all_have_records(&self) -> bool {
        self.heap.len() == self.list.len()
    }

    /// Whether no queue has a record.
    pub(crate) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Takes out the head with the lowest timestamp: the task's times move to it.
    pub(crate) fn take(&mut self, task: &mut TaskContext) -> Option<Taken> {
        let queue = *self.heap.first()?;
        let entry = &mut self.list[queue];
        // Invariant: a queue stands in the heap while it has a head.
        let head = entry.head.take().expect("a queue in the heap has a head");
        entry.partition_time = entry.partition_time.max(head.timestamp);
        entry.consumed = Some(head.offset + 1);
        task.begin_record(entry.topic, entry.source.partition, head.offset, head.timestamp);
        Some(Taken { queue, dead: head.dead })
    }

    /// Processes what [`take`](Self::take) took out.
    #[inline]
    pub(crate) fn process(&mut self, taken: &Taken, task: &mut TaskContext) -> Result<()> {
        if taken.dead {
            return Ok(());
        }
        self.list[taken.queue].typed.process(task)
    }

    /// Puts the queue back where its next head belongs.
    pub(crate) fn settle(&mut self, taken: &Taken, task: &mut TaskContext) -> Result<()> {
        let entry = &mut self.list[taken.queue];
        entry.load_head(self.bad_records, task)?;
        self.remove_first();
        if self.list[taken.queue].head.is_some() {
            self.insert(taken.queue);
        }
        Ok(())
    }

    fn timestamp(&self, queue: usize) -> Timestamp {
        self.list[queue].head.map_or(Timestamp::NONE, |head| head.timestamp)
    }

    /// Sifts up only while strictly smaller than the parent.
    fn insert(&mut self, queue: usize) {
        let mut at = self.heap.len();
        self.heap.push(queue);
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.timestamp(queue) >= self.timestamp(self.heap[parent]) {
                break;
            }
            self.heap[at] = self.heap[parent];
            at = parent;
        }
        self.heap[at] = queue;
    }

    /// Moves the last queue to the root and sifts it down, to the left child unless the right one is strictly smaller.
    fn remove_first(&mut self) {
        let Some(last) = self.heap.pop() else { return };
        if self.heap.is_empty() {
            return;
        }
        let mut at = 0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= self.heap.len() {
                break;
            }
            let right_is_smaller =
                right < self.heap.len() && self.timestamp(self.heap[right]) < self.timestamp(self.heap[left]);
            let child = if right_is_smaller { right } else { left };
            if self.timestamp(last) <= self.timestamp(self.heap[child]) {
                break;
            }
            self.heap[at] = self.heap[child];
            at = child;
        }
        self.heap[at] = last;
    }
}
