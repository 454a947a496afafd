//! A stream thread: `while step()? {}` over its tasks, with one consumer and one producer.
//!
//! ```text
//! opening ─▶ restoring ─▶ running: poll ─▶ route ─▶ process, punctuate, commit … until nothing can be processed
//!    ▲                       │
//!    └── recovery ◀──────────┘ what did not answer: everything since the last commit is discarded
//! ```
//! A step never blocks longer than a poll. Tests call [`step`](StreamThread::step) themselves, so several threads take
//! turns in one order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::log::{Consumer, StartAt};
use crate::metrics::{TaskMetrics, ThreadMetrics};
use crate::runtime::batches::Batches;
use crate::runtime::instance::Instance;
use crate::runtime::output::SharedOutput;
use crate::runtime::retry::BACKOFF;
use crate::runtime::status::ThreadState;
use crate::runtime::tasks::{Opened, Opener, Slot};
use crate::settings::ProcessingGuarantee;
use crate::task::restore::Restorer;
use crate::task::stores::Backends;
use crate::task::{RestoreProgress, Task, TaskId};
use crate::{Error, Kind, Result};

/// A thread's tasks and clients. It is made on the thread that runs it.
pub(crate) struct StreamThread {
    pub(super) instance: Arc<Instance>,
    index: usize,
    pub(super) name: String,
    phase: Phase,
    pub(super) consumer: Box<dyn Consumer>,
    /// `None` before the tasks are opened.
    pub(super) output: Option<SharedOutput>,
    /// Outlive a recovery: the rows of the last commit stay open.
    backends: BTreeMap<TaskId, Backends>,
    pub(super) tasks: Vec<Task>,
    /// Beside each task.
    pub(super) slots: Vec<Slot>,
    /// Task and queue by the number of a source partition.
    pub(super) routes: Vec<(usize, usize)>,
    pub(super) batches: Batches,
    /// The task that is worked on, for what goes wrong.
    pub(super) current: usize,
    pub(super) last_commit: Duration,
    pub(super) commit_requested: bool,
    pub(super) last_purge: Duration,
    /// When the first and the last of the failures happened that no commit has followed yet.
    trouble: Option<(Duration, Duration)>,
    pub(super) metrics: ThreadMetrics,
    /// How long a poll waits when there is nothing else to do.
    pub(super) poll_timeout: Duration,
}

enum Phase {
    Opening,
    Restoring(Restorer),
    Running,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There was something to do.
    Worked,
    /// There was nothing.
    Idle,
}

impl StreamThread {
    /// The thread numbered `index`; nothing of it runs yet.
    ///
    /// # Errors
    /// What the log says of a consumer.
    pub(crate) fn new(instance: &Arc<Instance>, index: usize) -> Result<Self> {
        let name = instance.thread_name(index);
        let around = &instance.around;
        let consumer = around.log.consumer(&format!("{name}-consumer"), instance.isolation())?;
        let now = around.clock.monotonic();
        Ok(Self {
            instance: Arc::clone(instance),
            index,
            metrics: ThreadMetrics::new(&name),
            name,
            phase: Phase::Opening,
            consumer,
            output: None,
            backends: BTreeMap::new(),
            tasks: Vec::new(),
            slots: Vec::new(),
            routes: Vec::new(),
            batches: Batches::default(),
            current: 0,
            last_commit: now,
            commit_requested: false,
            last_purge: now,
            trouble: None,
            poll_timeout: Duration::from_millis(around.settings.poll_ms),
        })
    }

    /// One step: opens, restores, or polls and processes.
    ///
    /// # Errors
    /// What cannot be helped by reopening the tasks at their last commit.
    pub(crate) fn step(&mut self) -> Result<Step> {
        let done = match &self.phase {
            Phase::Opening => self.open().map(|()| Step::Worked),
            Phase::Restoring(_) => self.restore().map(|()| Step::Worked),
            Phase::Running => self.round(),
        };
        done.or_else(|error| self.recover(error).map(|()| Step::Worked))
    }

    /// Whether its tasks process.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }

    /// Commits, closes the tasks and makes their state durable.
    ///
    /// # Errors
    /// What kept the last commit from being done; the state is then that of the one before.
    pub(crate) fn close(mut self) -> Result<()> {
        let committed = if self.is_running() { self.commit() } else { Ok(()) };
        if let (Err(_), Some(output)) = (&committed, &self.output) {
            let _ = output.abort();
        }
        self.close_tasks();
        for backends in self.backends.values() {
            backends.disk.borrow_mut().flush()?;
        }
        committed
    }

    /// Closes without a commit: what was done since the last one does not count.
    pub(crate) fn close_dirty(mut self) {
        if let Some(output) = &self.output
            && let Err(error) = output.abort()
        {
            tracing::debug!(thread = self.name, %error, "the open transaction is left to time out");
        }
        self.close_tasks();
    }

    fn close_tasks(&mut self) {
        for task in &mut self.tasks {
            let closed = task.guard(|task| {
                task.close();
                Ok(())
            });
            if let Err(error) = closed {
                tracing::warn!(thread = self.name, %error, "failed to close a task");
            }
        }
        self.tasks.clear();
        self.slots.clear();
    }

    /// Opens the tasks at their last commit, with a producer that fences all earlier ones.
    fn open(&mut self) -> Result<()> {
        self.instance.check_membership()?;
        let instance = Arc::clone(&self.instance);
        let around = &instance.around;
        let client = format!("{}-producer", self.name);
        let output = match around.settings.processing_guarantee {
            ProcessingGuarantee::AtLeastOnce => SharedOutput::plain(around.log.producer(&client, None)?),
            ProcessingGuarantee::ExactlyOnce => {
                let id = instance.transactional_id(self.index);
                SharedOutput::transactional(around.log.producer(&client, Some(&id))?)
            }
        };
        let mut opener = Opener { instance: &instance, output: &output, backends: &mut self.backends };
        let opened = opener.open(&instance.tasks[self.index])?;
        self.output = Some(output);
        self.place(opened)
    }

    /// Takes tasks over: their sources are assigned, their restoration begins.
    fn place(&mut self, opened: Opened) -> Result<()> {
        let Opened { tasks, committed, ends } = opened;
        let mut assignment = Vec::new();
        self.routes.clear();
        self.slots.clear();
        let now = self.instance.around.clock.monotonic();
        for (number, task) in tasks.iter().enumerate() {
            let first_source = assignment.len();
            for (queue, source) in task.sources().enumerate() {
                let start = committed.get(source).map_or(StartAt::Beginning, |it| StartAt::Offset(it.offset));
                assignment.push((source.clone(), Some(start)));
                self.routes.push((number, queue));
            }
            self.slots.push(self.slot(task, first_source, now));
        }
        self.consumer.assign(&assignment)?;
        for slot in &mut self.slots {
            for queue in 0..slot.committed.len() {
                slot.committed[queue] = self.consumer.position(slot.first_source + queue)?;
            }
        }
        let client = format!("{}-restore-consumer", self.name);
        let around = &self.instance.around;
        let restore_consumer = around.log.consumer(&client, self.instance.isolation())?;
        let tell = |progress: RestoreProgress| around.status.tell_restore(&progress);
        let restorer =
            Restorer::new(restore_consumer, &self.name, Arc::clone(&around.clock), &tasks, |it| ends[it], &tell)?;
        self.tasks = tasks;
        self.phase = Phase::Restoring(restorer);
        Ok(())
    }

    fn slot(&self, task: &Task, first_source: usize, now: Duration) -> Slot {
        let id = task.context.id();
        let plan = &self.instance.around.plan;
        let external = plan.external_sources();
        let queues = task.queue_count();
        Slot {
            id,
            first_source,
            committed: vec![0; queues],
            paused: vec![false; queues],
            caught_up: vec![false; queues],
            idle_since: None,
            table_bytes: 0,
            flushed_total: task.changelogs.total(),
            flushed_at: now,
            purgeable: task.sources().map(|source| !external.contains(&*source.topic)).collect(),
            metrics: TaskMetrics::new(&self.name, id),
        }
    }

    /// One batch of the restoration; at its end the tasks begin to process.
    fn restore(&mut self) -> Result<()> {
        self.instance.check_membership()?;
        let Phase::Restoring(restorer) = &mut self.phase else { return Ok(()) };
        let status = &self.instance.around.status;
        if !restorer.is_done() {
            let tell = |progress: RestoreProgress| status.tell_restore(&progress);
            let stepped = restorer.step(self.poll_timeout, &mut self.tasks, &tell);
            self.current = restorer.current();
            stepped?;
            status.thread_state(self.index, ThreadState::Restoring, restorer.remaining(&self.tasks));
        }
        if restorer.is_done() {
            self.begin_running()?;
        }
        Ok(())
    }

    fn begin_running(&mut self) -> Result<()> {
        let now = self.instance.around.clock.monotonic();
        for (index, task) in self.tasks.iter_mut().enumerate() {
            self.current = index;
            task.stores().flush()?;
            task.context.refresh_wall_clock();
            task.guard(Task::init)?;
            self.slots[index].flushed_total = task.changelogs.total();
            self.slots[index].flushed_at = now;
        }
        self.phase = Phase::Running;
        (self.last_commit, self.last_purge) = (now, now);
        self.instance.around.status.thread_state(self.index, ThreadState::Running, 0);
        Ok(())
    }

    /// Reacts to a failure. What did not answer has an unknown outcome: the producer and all that the tasks did since
    /// their last commit are discarded, and they are opened anew where the log says they are.
    fn recover(&mut self, error: Error) -> Result<()> {
        // A failure to send that came through a store has the kind of the store.
        let kept = self.output.as_ref().and_then(SharedOutput::take_failure);
        match kept.unwrap_or_else(|| error.kind()) {
            Kind::Retry => tracing::warn!(thread = self.name, %error, "the tasks are reopened at their last commit"),
            Kind::Corrupted if self.current < self.slots.len() => {
                let task = self.slots[self.current].id;
                tracing::warn!(thread = self.name, %task, %error, "the local state is damaged: it is deleted and rebuilt");
                self.delete_state(task)?;
            }
            _ => return Err(error),
        }
        let clock = &self.instance.around.clock;
        let now = clock.monotonic();
        let is_repeated = self.trouble.is_some();
        let since = self.trouble.map_or(now, |(first, _)| first);
        self.trouble = Some((since, now));
        if now - since >= self.instance.time_limit() {
            return Err(error.within(format!("no commit for {} ms", (now - since).as_millis())));
        }
        if is_repeated {
            clock.sleep(BACKOFF);
        }
        self.metrics.recoveries.increment(1);
        self.close_tasks();
        self.output = None;
        self.phase = Phase::Opening;
        self.instance.around.status.thread_state(self.index, ThreadState::Restoring, 0);
        Ok(())
    }

    /// A commit has succeeded: whatever was wrong is over.
    pub(super) fn trouble_is_over(&mut self) {
        self.trouble = None;
    }

    /// There is nothing to commit: trouble that was not met again for as long as it may last is over, too.
    pub(super) fn nothing_to_commit(&mut self, now: Duration) {
        self.trouble = self.trouble.filter(|(_, last)| now - *last < self.instance.time_limit());
    }

    fn delete_state(&mut self, task: TaskId) -> Result<()> {
        self.close_tasks();
        self.backends.remove(&task);
        Ok(self.instance.directory.delete_task_dir(&task.to_string())?)
    }
}

/// Runs the thread numbered `index` until it is told to end, or fails.
pub(crate) fn run(instance: &Arc<Instance>, index: usize) -> Result<()> {
    let mut thread = StreamThread::new(instance, index)?;
    while !instance.around.status.is_stopping() {
        if let Err(error) = thread.step() {
            thread.close_dirty();
            return Err(error);
        }
    }
    thread.close()
}
