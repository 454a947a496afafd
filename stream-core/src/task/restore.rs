//! Restoring: changelog → store, until the position reaches the end that the log had at the start.
//!
//! ```text
//! stored position ──▶ poll ──▶ Store::restore … ──▶ one batch: rows and position ──▶ … ──▶ position ≥ end: done
//! ```
//! One restorer serves all tasks of a thread. A step is one poll, so that a thread can stop between two; the membership
//! lives by itself meanwhile. Progress is stored with the rows: a restore that is cut off goes on where it was.

use std::sync::Arc;
use std::time::Duration;

use state_store::backend;
use state_store::positions::Positions;
use state_store::wipe_store;

use crate::log::{Batch, Consumer, OffsetRange, PollEvent, StartAt};
use crate::metrics::RestoreMetrics;
use crate::plan::{Plan, StoreId, Subtopology};
use crate::record::TopicPartition;
use crate::task::changelog::position_name;
use crate::task::stores::Backends;
use crate::task::{Task, TaskId};
use crate::time::Clock;
use crate::{Error, Kind, Result};

/// Records of one poll: what a batch into the backend holds at most.
const POLL_RECORDS_MAX: usize = 10_000;

/// How far the restoration of one store has come.
#[derive(Clone, Debug, PartialEq)]
pub struct RestoreProgress {
    /// The task.
    pub task: TaskId,
    /// The store.
    pub store: String,
    /// The changelog topic.
    pub topic: Arc<str>,
    /// Its partition.
    pub partition: i32,
    /// What has just happened.
    pub stage: RestoreStage,
    /// Records restored so far.
    pub records: u64,
    /// Offsets that remain, gaps included.
    pub remaining: u64,
    /// Records restored per second so far.
    pub records_per_second: f64,
}

/// What has just happened in a restoration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreStage {
    /// It begins.
    Start,
    /// Some records were restored.
    Batch,
    /// The store is as the changelog says.
    End,
}

/// A changelog that a task needs, before the task is wired.
#[derive(Clone, Debug)]
pub(crate) struct Needed {
    pub(crate) id: StoreId,
    pub(crate) store: String,
    pub(crate) in_memory: bool,
    pub(crate) partition: TopicPartition,
}

/// The changelogs of the stores of one task.
pub(crate) fn needed(plan: &Plan, subtopology: &Subtopology, application_id: &str, partition: i32) -> Vec<Needed> {
    let mut all: Vec<Needed> = Vec::new();
    for id in subtopology.nodes.iter().flat_map(|node| &plan.node(*node).stores) {
        let store = plan.store(*id);
        if store.logging.is_some() && all.iter().all(|needed| needed.id != *id) {
            let topic = crate::plan::topics::changelog_name(application_id, &store.name);
            let partition = TopicPartition::new(topic, partition);
            all.push(Needed { id: *id, store: store.name.clone(), in_memory: store.in_memory, partition });
        }
    }
    all
}

/// What becomes of a changelog's old records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cleanup {
    /// The latest record of each key stays: a hole means that something is missing.
    Compact,
    /// Old records go: a hole is ordinary expiry.
    Expire,
}

/// Where the restoration of a store begins. A store that its changelog does not go on from is wiped: it is rebuilt.
pub(crate) fn start_of(
    needed: &Needed,
    range: OffsetRange,
    backends: &Backends,
    cleanup: impl FnOnce() -> Result<Cleanup>,
) -> Result<i64> {
    let backend = if needed.in_memory { &backends.memory } else { &backends.disk };
    let name = position_name(&needed.partition);
    let stored = Positions::load(&**backend.borrow())?.get(&name);
    let Needed { store, partition, .. } = needed;
    let (beginning, end) = (range.beginning, range.end);
    match stored {
        None => {
            // Rows without a position: a crash before the first commit, or a store that was not logged until now.
            wipe_store(&mut **backend.borrow_mut(), store, &[&name])?;
            Ok(beginning)
        }
        Some(position) if position > end => {
            tracing::warn!(
                store, changelog = %partition, position, end,
                "the local state is ahead of its changelog, which was made anew: the store is rebuilt from it"
            );
            wipe_store(&mut **backend.borrow_mut(), store, &[&name])?;
            Ok(beginning)
        }
        Some(position) if position < beginning && cleanup()? == Cleanup::Compact => {
            tracing::warn!(
                store, changelog = %partition, position, beginning,
                "records of the changelog are gone that the local state lacks: the store is rebuilt from what there is"
            );
            wipe_store(&mut **backend.borrow_mut(), store, &[&name])?;
            Ok(beginning)
        }
        Some(position) if position < beginning => {
            tracing::warn!(store, changelog = %partition, position, beginning, "changelog records have expired meanwhile");
            Ok(beginning)
        }
        Some(position) => Ok(position),
    }
}

/// Restores the stores of tasks.
pub(crate) struct Restorer {
    consumer: Box<dyn Consumer>,
    batch: Batch,
    parts: Vec<Part>,
    /// The task whose store was written last.
    current: usize,
    clock: Arc<dyn Clock>,
}

/// One changelog on its way into its store.
struct Part {
    task: usize,
    changelog: usize,
    end: i64,
    records: u64,
    done: bool,
    started: Duration,
    metrics: RestoreMetrics,
}

impl Restorer {
    /// A restorer of all changelogs of `tasks`, from their positions to the ends given.
    pub(crate) fn new(
        mut consumer: Box<dyn Consumer>,
        thread: &str,
        clock: Arc<dyn Clock>,
        tasks: &[Task],
        end_of: impl Fn(&TopicPartition) -> i64,
        tell: &dyn Fn(RestoreProgress),
    ) -> Result<Self> {
        let started = clock.monotonic();
        let (mut parts, mut assignment) = (Vec::new(), Vec::new());
        for (number, task) in tasks.iter().enumerate() {
            for (index, changelog) in task.changelogs.list.iter().enumerate() {
                let end = end_of(&changelog.partition);
                if changelog.position < end {
                    assignment.push((changelog.partition.clone(), Some(StartAt::Offset(changelog.position))));
                    let metrics = RestoreMetrics::new(thread, task.context.id());
                    parts.push(Part { task: number, changelog: index, end, records: 0, done: false, started, metrics });
                }
            }
        }
        consumer.assign(&assignment)?;
        let restorer = Self { consumer, batch: Batch::default(), parts, current: 0, clock };
        for part in &restorer.parts {
            tell(restorer.progress(part, &tasks[part.task], RestoreStage::Start));
        }
        Ok(restorer)
    }

    /// Whether all stores are restored.
    pub(crate) fn is_done(&self) -> bool {
        self.parts.iter().all(|part| part.done)
    }

    /// The number of the task that was worked on last: what goes wrong in a step is about it.
    pub(crate) fn current(&self) -> usize {
        self.current
    }

    /// Offsets that remain, over all changelogs.
    pub(crate) fn remaining(&self, tasks: &[Task]) -> u64 {
        let open = self.parts.iter().filter(|part| !part.done);
        open.map(|part| part.remaining(&tasks[part.task])).sum()
    }

    /// One poll: what it brings is in the stores afterwards.
    ///
    /// # Errors
    /// `Kind::Retry` where records were cut off under the restorer: open the tasks anew. What a backend says.
    pub(crate) fn step(&mut self, timeout: Duration, tasks: &mut [Task], tell: &dyn Fn(RestoreProgress)) -> Result<()> {
        let event = match self.consumer.poll(timeout, POLL_RECORDS_MAX, &mut self.batch) {
            // Nothing was taken: the next step asks again.
            Err(error) if error.kind() == Kind::Retry => {
                tracing::debug!(%error, "a poll of changelogs had no answer");
                return Ok(());
            }
            polled => polled?,
        };
        if let Some(PollEvent::OffsetGone { source, offset }) = event {
            let part = &self.parts[source];
            let partition = &tasks[part.task].changelogs.list[part.changelog].partition;
            let why =
                format!("offset {offset} of {partition} is gone while its store is restored: it is looked at anew");
            return Err(Error::new(Kind::Retry, why));
        }
        let mut from = 0;
        while from < self.batch.len() {
            let source = self.batch.position_of(from).2;
            let len = (from..self.batch.len()).take_while(|index| self.batch.position_of(*index).2 == source).count();
            let part = &mut self.parts[source as usize];
            if !part.done {
                part.records += len as u64;
                self.current = part.task;
                let last = self.batch.position_of(from + len - 1).0;
                apply(&self.batch, from..from + len, &mut tasks[part.task], part.changelog, last + 1)?;
                let part = &self.parts[source as usize];
                part.metrics.restored.increment(len as u64);
                part.metrics.remaining.set(part.remaining(&tasks[part.task]) as f64);
                tell(self.progress(part, &tasks[part.task], RestoreStage::Batch));
            }
            from += len;
        }
        self.finish_parts(tasks, tell)
    }

    /// Ends the parts whose position has reached the end: gaps count as read.
    fn finish_parts(&mut self, tasks: &mut [Task], tell: &dyn Fn(RestoreProgress)) -> Result<()> {
        for source in 0..self.parts.len() {
            let part = &self.parts[source];
            if part.done {
                continue;
            }
            let position = self.consumer.position(source)?;
            if position >= part.end {
                self.current = part.task;
                apply(&self.batch, 0..0, &mut tasks[part.task], part.changelog, position)?;
                self.consumer.pause(source)?;
                self.parts[source].done = true;
                let part = &self.parts[source];
                part.metrics.remaining.set(0.0);
                tell(self.progress(part, &tasks[part.task], RestoreStage::End));
            }
        }
        Ok(())
    }

    fn progress(&self, part: &Part, task: &Task, stage: RestoreStage) -> RestoreProgress {
        let changelog = &task.changelogs.list[part.changelog];
        let seconds = (self.clock.monotonic() - part.started).as_secs_f64();
        RestoreProgress {
            task: task.context.id(),
            store: changelog.store_name.clone(),
            topic: Arc::clone(&changelog.partition.topic),
            partition: changelog.partition.partition,
            stage,
            records: part.records,
            remaining: if part.done { 0 } else { part.remaining(task) },
            records_per_second: if seconds > 0.0 { part.records as f64 / seconds } else { 0.0 },
        }
    }
}

impl Part {
    fn remaining(&self, task: &Task) -> u64 {
        u64::try_from(self.end - task.changelogs.list[self.changelog].position).unwrap_or_default()
    }
}

/// Puts records into their store, with the position that they lead to, in one batch.
fn apply(
    records: &Batch,
    range: std::ops::Range<usize>,
    task: &mut Task,
    changelog: usize,
    position: i64,
) -> Result<()> {
    let mut batch = backend::Batch::default();
    let entry = &mut task.changelogs.list[changelog];
    entry.position = entry.position.max(position);
    let (in_memory, index) = (entry.in_memory, entry.store);
    let stores = &task.stores;
    let store = &stores.list[index].open.erased;
    for record in range {
        let (_, raw) = records.get(record);
        let Some(key) = raw.key else { continue };
        store.borrow_mut().restore(key, raw.value, raw.timestamp, &mut batch)?;
    }
    task.changelogs.put(changelog, &mut batch);
    let backend = if in_memory { &stores.backends.memory } else { &stores.backends.disk };
    backend.borrow_mut().apply(&batch)?;
    Ok(store.borrow_mut().committed()?)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use state_store::backend::{MemoryBackend, SharedBackend};

    use super::*;

    /// A backend whose store `counts` has one row, at `position` of its changelog.
    fn stored(position: i64) -> Backends {
        let memory = || -> SharedBackend { Rc::new(RefCell::new(Box::new(MemoryBackend::default()))) };
        let backends = Backends { disk: memory(), memory: memory() };
        let mut batch = backend::Batch::default();
        let (counts, positions) = {
            let mut disk = backends.disk.borrow_mut();
            (disk.table("counts").expect("a table"), Positions::table(&mut **disk).expect("a table"))
        };
        batch.put(counts, b"key", b"row");
        Positions::put(&mut batch, positions, "changelog:app-counts-changelog-0", position);
        backends.disk.borrow_mut().apply(&batch).expect("applied");
        backends
    }

    /// Where the restoration of `counts` begins, and whether its row was kept.
    fn start(position: i64, range: (i64, i64), cleanup: Cleanup) -> (i64, bool) {
        let backends = stored(position);
        let needed = Needed {
            id: StoreId(0),
            store: "counts".to_owned(),
            in_memory: false,
            partition: TopicPartition::new("app-counts-changelog", 0),
        };
        let range = OffsetRange { beginning: range.0, end: range.1 };
        let start = start_of(&needed, range, &backends, || Ok(cleanup)).expect("a start");
        let disk = backends.disk.borrow();
        let kept =
            disk.find_table("counts").is_some_and(|table| disk.get(table, b"key", &mut Vec::new()).expect("read"));
        (start, kept)
    }

    #[test]
    fn a_store_goes_on_where_it_was() {
        assert_eq!(start(7, (0, 10), Cleanup::Compact), (7, true));
        assert_eq!(start(10, (10, 10), Cleanup::Compact), (10, true));
    }

    #[test]
    fn a_hole_rebuilds_a_compacted_store_and_is_expiry_elsewhere() {
        assert_eq!(start(7, (8, 10), Cleanup::Compact), (8, false));
        assert_eq!(start(7, (8, 10), Cleanup::Expire), (8, true));
    }

    #[test]
    fn a_store_ahead_of_its_changelog_is_rebuilt() {
        for cleanup in [Cleanup::Compact, Cleanup::Expire] {
            assert_eq!(start(11, (0, 10), cleanup), (0, false));
        }
    }
}
