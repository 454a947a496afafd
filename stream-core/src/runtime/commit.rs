//! A thread's commit: one for all its tasks, in an order that loses nothing.
//!
//! ```text
//! at least once   flush caches ─▶ producer.flush ─▶ offsets to the group ─▶ rows and positions
//! exactly once    flush caches ─▶ transaction: records and offsets, ended ─▶ rows and positions
//! ```
//! A crash between the log's part and the rows' is repaired by the rest of the changelog at the next start.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::log::{CommittedOffset, Offsets};
use crate::record::TopicPartition;
use crate::runtime::retry::until_answered;
use crate::runtime::thread::StreamThread;
use crate::settings::ProcessingGuarantee;
use crate::task::Task;
use crate::{Error, Kind, Result};

impl StreamThread {
    /// Commits if the interval is over or somebody has asked for it; whether it did.
    pub(super) fn commit_if_due(&mut self) -> Result<bool> {
        let around = &self.instance.around;
        let now = around.clock.monotonic();
        if !self.commit_requested && now - self.last_commit < around.settings.commit_interval() {
            return Ok(false);
        }
        let asked = std::mem::take(&mut self.commit_requested);
        self.last_commit = now;
        self.commit()?;
        Ok(asked)
    }

    /// Commits what all tasks have done.
    ///
    /// # Errors
    /// `Kind::Retry` where the outcome is unknown: nothing of the tasks may be used any more.
    pub(super) fn commit(&mut self) -> Result<()> {
        let started = self.instance.around.clock.monotonic();
        for index in 0..self.tasks.len() {
            self.current = index;
            if self.tasks[index].commit_needed() {
                self.tasks[index].guard(Task::flush)?;
            }
        }
        let (offsets, next) = self.offsets()?;
        let output = self.output.clone().expect("a running thread has its producer");
        let needed = output.has_sent() || self.tasks.iter().any(Task::commit_needed);
        if offsets.is_empty() && !needed {
            self.nothing_to_commit(started);
            return Ok(());
        }
        match self.instance.around.settings.processing_guarantee {
            ProcessingGuarantee::ExactlyOnce => output.commit(&offsets, &*self.instance.group)?,
            ProcessingGuarantee::AtLeastOnce => {
                output.flush()?;
                self.commit_to_group(&offsets)?;
            }
        }
        for (index, committed) in next.into_iter().enumerate() {
            self.current = index;
            self.slots[index].committed = committed;
            if self.tasks[index].commit_needed() {
                self.tasks[index]
                    .commit_state(|topic, partition| output.acknowledged(topic, partition))
                    .map_err(poisoned)?;
            }
        }
        self.flush_backends(started)?;
        self.trouble_is_over();
        self.record_metrics(started);
        self.purge(started);
        Ok(())
    }

    /// Offsets that have moved since the last commit, and all of them by task and queue.
    fn offsets(&mut self) -> Result<(Offsets, Vec<Vec<i64>>)> {
        let (mut offsets, mut next) = (Offsets::new(), Vec::new());
        for (task, slot) in self.tasks.iter().zip(&self.slots) {
            let mut committed = slot.committed.clone();
            for (queue, source) in task.sources().enumerate() {
                let position = self.consumer.position(slot.first_source + queue)?;
                let offset = task.next_offset(queue, position);
                if offset != slot.committed[queue] {
                    committed[queue] = offset;
                    let metadata = task.offset_metadata(queue);
                    offsets.insert(source.clone(), CommittedOffset { offset, metadata });
                }
            }
            next.push(committed);
        }
        Ok((offsets, next))
    }

    /// Offsets without a transaction: writing them again does no harm, so what was not answered is repeated.
    fn commit_to_group(&self, offsets: &Offsets) -> Result<()> {
        if offsets.is_empty() {
            return Ok(());
        }
        let instance = &self.instance;
        // Shutting down, too, the offsets are worth some attempts; the close has its own deadline.
        let committed = until_answered(
            &*instance.around.clock,
            instance.time_limit(),
            || true,
            || {
                instance.check_membership()?;
                instance.group.commit(offsets)
            },
        );
        committed.map_err(|error| match error.kind() {
            Kind::Retry => Error::new(Kind::Fatal, "the group does not take the offsets").caused_by(error),
            _ => error,
        })
    }

    /// Makes local state durable now and then, which bounds what a killed process reads again of its changelogs.
    fn flush_backends(&mut self, now: Duration) -> Result<()> {
        let settings = &self.instance.around.settings;
        let interval = Duration::from_millis(settings.state_flush_interval_ms);
        for (task, slot) in self.tasks.iter_mut().zip(&mut self.slots) {
            let total = task.changelogs.total();
            let records = u64::try_from(total - slot.flushed_total).unwrap_or_default();
            if records == 0 {
                slot.flushed_at = now;
            } else if records >= settings.state_flush_records_max || now - slot.flushed_at >= interval {
                task.stores().flush()?;
                (slot.flushed_total, slot.flushed_at) = (total, now);
            }
        }
        Ok(())
    }

    fn record_metrics(&mut self, started: Duration) {
        self.metrics.commits.increment(1);
        let took = self.instance.around.clock.monotonic() - started;
        self.metrics.commit_latency.record(took.as_secs_f64());
        for (task, slot) in self.tasks.iter().zip(&mut self.slots) {
            slot.metrics.set_dropped(task.context.dropped());
            let buffered: usize = (0..task.queue_count()).map(|queue| task.buffered(queue)).sum();
            slot.metrics.buffered.set(buffered as f64);
            let lags = (0..task.queue_count()).map(|queue| self.consumer.lag(slot.first_source + queue));
            slot.metrics.lag.set(lags.flatten().sum::<u64>() as f64);
        }
    }

    /// Deletes what was processed of repartition topics: nobody else reads them. It is tried again at the next time.
    fn purge(&mut self, now: Duration) {
        let interval = Duration::from_millis(self.instance.around.settings.repartition_purge_interval_ms);
        if now - self.last_purge < interval {
            return;
        }
        self.last_purge = now;
        let mut before: BTreeMap<TopicPartition, i64> = BTreeMap::new();
        for (task, slot) in self.tasks.iter().zip(&self.slots) {
            for (queue, source) in task.sources().enumerate() {
                if slot.purgeable[queue] {
                    before.insert(source.clone(), slot.committed[queue]);
                }
            }
        }
        if before.is_empty() {
            return;
        }
        let purged = self.instance.around.log.admin().and_then(|mut admin| admin.delete_records(&before));
        if let Err(error) = purged {
            tracing::debug!(thread = self.name, %error, "processed records of repartition topics are not deleted yet");
        }
    }
}

/// Nothing is known about a batch that a backend has refused: the thread must not go on with these tasks.
fn poisoned(error: Error) -> Error {
    error.within("the local state did not take a commit")
}
