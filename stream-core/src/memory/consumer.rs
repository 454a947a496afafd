//! Reading: an assignment, a position in each of its partitions, and a poll that copies runs of records.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::faults::Client;
use super::state::{PartitionNumber, Shared, State};
use crate::log::{Batch, Consumer, Isolation, PollEvent, StartAt};
use crate::record::TopicPartition;
use crate::{Error, Kind, Result};

pub(super) struct MemoryConsumer {
    shared: Arc<Shared>,
    client: Arc<Client>,
    isolation: Isolation,
    assigned: Vec<Assigned>,
    /// The next poll begins with this one, so that each has its turn.
    first: usize,
}

struct Assigned {
    partition: PartitionNumber,
    position: i64,
    paused: bool,
    /// The position is gone and that was told: nothing is read until the next assignment.
    gone: bool,
}

impl MemoryConsumer {
    pub(super) fn new(shared: Arc<Shared>, client: Arc<Client>, isolation: Isolation) -> Self {
        Self { shared, client, isolation, assigned: Vec::new(), first: 0 }
    }

    /// Takes what is there.
    fn take(&mut self, records_max: usize, batch: &mut Batch) -> Option<PollEvent> {
        let state = self.shared.lock();
        for step in 0..self.assigned.len() {
            let source = (self.first + step) % self.assigned.len();
            let assigned = &mut self.assigned[source];
            if assigned.paused || assigned.gone {
                continue;
            }
            let partition = state.partition(assigned.partition);
            if assigned.position < partition.start() || assigned.position > partition.end() {
                assigned.gone = true;
                return Some(PollEvent::OffsetGone { source, offset: assigned.position });
            }
            let number = u32::try_from(source).expect("an assignment has fewer partitions than that");
            assigned.position = partition.read(assigned.position, self.isolation, number, records_max, batch);
            if batch.len() >= records_max {
                self.first = source + 1;
                break;
            }
        }
        None
    }

    /// Whether a poll would find something.
    fn is_ready(&self, state: &State) -> bool {
        self.assigned.iter().filter(|assigned| !assigned.paused && !assigned.gone).any(|assigned| {
            let partition = state.partition(assigned.partition);
            let end = partition.visible_end(self.isolation);
            assigned.position < partition.start()
                || assigned.position > partition.end()
                || partition.next_visible(assigned.position, self.isolation) < end
        })
    }

    /// Waits until a poll would find something, or for `timeout`.
    fn wait(&self, timeout: Duration) {
        let awaited: Vec<_> = {
            let state = self.shared.lock();
            let reading = self.assigned.iter().filter(|assigned| !assigned.paused && !assigned.gone);
            reading.map(|assigned| Arc::clone(&state.partition(assigned.partition).awaited)).collect()
        };
        for partition in &awaited {
            partition.fetch_add(1, Ordering::SeqCst);
        }
        // From here on producers hand over at once what goes to these partitions; what they had before is fetched.
        self.shared.hand_over_all();
        let state = self.shared.lock();
        let waited = self.shared.arrived.wait_timeout_while(state, timeout, |state| !self.is_ready(state));
        drop(waited);
        for partition in &awaited {
            partition.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn assigned(&mut self, source: usize) -> Result<&mut Assigned> {
        let count = self.assigned.len();
        self.assigned.get_mut(source).ok_or_else(|| {
            Error::new(Kind::Invalid, format!("there is no partition {source} in an assignment of {count}"))
        })
    }
}

impl Consumer for MemoryConsumer {
    fn assign(&mut self, partitions: &[(TopicPartition, Option<StartAt>)]) -> Result<()> {
        let client = Arc::clone(&self.client);
        client.call(&self.shared.faults, "assign partitions", || {
            let state = self.shared.lock();
            let mut next = Vec::with_capacity(partitions.len());
            for (name, start) in partitions {
                let number = state.find(name)?;
                let partition = state.partition(number);
                let before = self.assigned.iter().find(|assigned| assigned.partition == number);
                let position = match start {
                    Some(StartAt::Beginning) => partition.start(),
                    Some(StartAt::End) => partition.visible_end(self.isolation),
                    Some(StartAt::Offset(offset)) => *offset,
                    None => before.map(|assigned| assigned.position).ok_or_else(|| {
                        Error::new(Kind::Invalid, format!("{name} has no position: it was not assigned before"))
                    })?,
                };
                let kept = before.filter(|_| start.is_none());
                let (paused, gone) = kept.map_or((false, false), |kept| (kept.paused, kept.gone));
                next.push(Assigned { partition: number, position, paused, gone });
            }
            drop(state);
            self.assigned = next;
            self.first = 0;
            Ok(())
        })
    }

    fn poll(&mut self, timeout: Duration, records_max: usize, batch: &mut Batch) -> Result<Option<PollEvent>> {
        batch.clear();
        let records_max = self.client.poll_limit(&self.shared.faults, records_max)?;
        let mut event = self.take(records_max, batch);
        if batch.is_empty() && event.is_none() {
            self.shared.hand_over_all();
            event = self.take(records_max, batch);
        }
        if batch.is_empty() && event.is_none() && !timeout.is_zero() {
            self.wait(timeout);
            event = self.take(records_max, batch);
        }
        Ok(event)
    }

    fn pause(&mut self, source: usize) -> Result<()> {
        self.assigned(source)?.paused = true;
        Ok(())
    }

    fn resume(&mut self, source: usize) -> Result<()> {
        self.assigned(source)?.paused = false;
        Ok(())
    }

    fn position(&mut self, source: usize) -> Result<i64> {
        let isolation = self.isolation;
        let (number, position) = self.assigned(source).map(|assigned| (assigned.partition, assigned.position))?;
        Ok(self.shared.lock().partition(number).next_visible(position, isolation))
    }

    fn lag(&mut self, source: usize) -> Option<u64> {
        let assigned = self.assigned.get(source)?;
        let state = self.shared.lock();
        let partition = state.partition(assigned.partition);
        let next = partition.next_visible(assigned.position, self.isolation);
        Some(u64::try_from(partition.visible_end(self.isolation) - next).unwrap_or_default())
    }
}
