//! What a processor may ask of its task while it is called.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use crate::node::Outlet;
use crate::plan::NodeId;
use crate::record::{Data, Record, RecordMeta, Timestamp};
use crate::task::context::TaskContext;
use crate::task::{PunctuationType, TaskId, TimerId};
use crate::{Error, Kind, Result};

/// What every processor may ask: times, timers, the record's origin, a commit.
pub struct ProcessingContext<'a> {
    task: &'a mut TaskContext,
    node: NodeId,
}

impl ProcessingContext<'_> {
    /// The task: subtopology and partition.
    #[must_use]
    pub fn task_id(&self) -> TaskId {
        self.task.id()
    }

    /// The application's id.
    #[must_use]
    pub fn application_id(&self) -> &str {
        self.task.application_id()
    }

    /// Topic, partition and offset of the record that is being processed, as it was read from the log; `None` in
    /// [`init`](crate::processor::Processor::init) and in a punctuation.
    #[must_use]
    pub fn record_meta(&self) -> Option<RecordMeta> {
        self.task.record_meta()
    }

    /// The highest timestamp that the task has taken up so far; [`Timestamp::NONE`] before the first record.
    #[must_use]
    pub fn stream_time(&self) -> Timestamp {
        self.task.stream_time()
    }

    /// The wall clock as of the start of this record.
    #[must_use]
    pub fn wall_clock(&self) -> Timestamp {
        self.task.wall_clock()
    }

    /// Asks for a commit as soon as this record is done, before the commit interval is over.
    pub fn request_commit(&mut self) {
        self.task.request_commit();
    }

    /// Sets a timer that is due every `interval`. By stream time it is due for the first time with the first record,
    /// and then at multiples of `interval`; by the wall clock, one interval from now. Ticks that were missed are
    /// skipped.
    ///
    /// # Errors
    /// `Kind::Invalid` for an interval below one millisecond.
    pub fn schedule(&mut self, interval: Duration, kind: PunctuationType) -> Result<TimerId> {
        Ok(self.task.schedule(self.node, kind, interval_ms(interval)?, None))
    }

    /// Sets a timer that is due at `start` and then every `interval`. Where `start` has passed, the first time is the
    /// next of `start + n × interval`.
    ///
    /// # Errors
    /// `Kind::Invalid` for an interval below one millisecond, or a start before the epoch.
    pub fn schedule_at(&mut self, start: Timestamp, interval: Duration, kind: PunctuationType) -> Result<TimerId> {
        if start < Timestamp(0) {
            return Err(Error::new(Kind::Invalid, format!("a timer cannot start at {start}, before the epoch")));
        }
        Ok(self.task.schedule(self.node, kind, interval_ms(interval)?, Some(start)))
    }

    /// Ends a timer; within its own punctuation too.
    pub fn cancel(&mut self, timer: TimerId) {
        self.task.timers.cancel(timer);
    }
}

fn interval_ms(interval: Duration) -> Result<i64> {
    let millis = crate::time::millis(interval);
    if millis < 1 {
        return Err(Error::new(Kind::Invalid, format!("a timer's interval is at least 1 ms, not {interval:?}")));
    }
    Ok(millis)
}

/// What a [`Processor`](crate::processor::Processor) works with: all of [`ProcessingContext`], and its outlet.
pub struct ProcessorContext<'a, K, V> {
    processing: ProcessingContext<'a>,
    outlet: &'a Outlet<K, V>,
    children: &'a [(String, NodeId)],
}

impl<'a, K: Data, V: Data> ProcessorContext<'a, K, V> {
    pub(crate) fn new(
        task: &'a mut TaskContext,
        node: NodeId,
        outlet: &'a Outlet<K, V>,
        children: &'a [(String, NodeId)],
    ) -> Self {
        Self { processing: ProcessingContext { task, node }, outlet, children }
    }

    /// The same context for a shorter time.
    pub(crate) fn reborrow(&mut self) -> ProcessorContext<'_, K, V> {
        let ProcessingContext { task, node } = &mut self.processing;
        ProcessorContext::new(task, *node, self.outlet, self.children)
    }

    /// Passes a record to every operator downstream. They are done with it when this returns.
    ///
    /// # Errors
    /// What an operator downstream says; `Kind::Record` for a negative timestamp.
    #[inline]
    pub fn forward(&mut self, record: Record<K, V>) -> Result<()> {
        not_negative(record.timestamp)?;
        let forwarded = self.outlet.forward(record, self.processing.task);
        self.processing.task.enter(self.processing.node);
        forwarded
    }

    /// Passes a record to the operator `child` alone, one of those directly downstream.
    ///
    /// # Errors
    /// What the operator says; `Kind::Invalid` where no operator downstream has that name, `Kind::Record` for a
    /// negative timestamp.
    pub fn forward_to(&mut self, child: &str, record: Record<K, V>) -> Result<()> {
        not_negative(record.timestamp)?;
        let Some((_, id)) = self.children.iter().find(|(name, _)| name == child) else {
            return Err(self.no_such_child(child));
        };
        let forwarded = self.outlet.forward_to(*id, record, self.processing.task);
        self.processing.task.enter(self.processing.node);
        forwarded.map(drop)
    }

    #[cold]
    fn no_such_child(&self, child: &str) -> Error {
        let names: Vec<_> = self.children.iter().map(|(name, _)| name.as_str()).collect();
        let why = format!("no operator named {child:?} is directly downstream; there are {}", names.join(", "));
        Error::new(Kind::Invalid, why)
    }
}

#[inline]
fn not_negative(timestamp: Timestamp) -> Result<()> {
    if timestamp < Timestamp(0) {
        return Err(Error::new(Kind::Record, format!("a record cannot be forwarded with the timestamp {timestamp}")));
    }
    Ok(())
}

impl<'a, K, V> Deref for ProcessorContext<'a, K, V> {
    type Target = ProcessingContext<'a>;

    fn deref(&self) -> &ProcessingContext<'a> {
        &self.processing
    }
}

impl<K, V> DerefMut for ProcessorContext<'_, K, V> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.processing
    }
}
