//! A running thread's round: poll, hand the records to the tasks, and process until nothing can be.

use std::rc::Rc;
use std::time::Duration;

use crate::log::{Batch, Consumer, PollEvent, StartAt};
use crate::runtime::tasks::Slot;
use crate::runtime::thread::{Step, StreamThread};
use crate::task::{PunctuationType, Task};
use crate::{Error, Kind, Result};

/// Records of one task before the next one has its turn, timers and commits are looked at, and the clock is read.
const ROUND_RECORDS: usize = 1024;
/// Records between two looks at the size of the write-back tables.
const CHUNK_RECORDS: usize = 128;
/// The write-back tables are also what a commit is made of: with no memory for caches, they still have this much.
const TABLE_BYTES_MIN: usize = 256 << 10;
/// How soon a task that waits for one of its inputs is looked at again.
const IDLE_POLL: Duration = Duration::from_millis(10);

impl StreamThread {
    /// Polls once and processes what can be.
    pub(super) fn round(&mut self) -> Result<Step> {
        self.instance.check_membership()?;
        let mut step = if self.poll()? { Step::Worked } else { Step::Idle };
        loop {
            let clock = &self.instance.around.clock;
            let (now, wall_clock) = (clock.monotonic(), clock.now());
            let mut processed = 0;
            for index in 0..self.tasks.len() {
                self.current = index;
                self.tasks[index].context.set_wall_clock(wall_clock);
                processed += self.process(index, now)?;
                if self.commit_requested {
                    break;
                }
            }
            if self.punctuate()? || processed > 0 {
                step = Step::Worked;
            }
            let committed = self.commit_if_due()?;
            if (processed == 0 && !committed) || self.instance.around.status.is_stopping() {
                break;
            }
        }
        if let Some(output) = &self.output {
            output.hand_over()?;
        }
        self.balance_pauses()?;
        Ok(step)
    }

    /// Takes records out of the log into the queues; whether there were any.
    fn poll(&mut self) -> Result<bool> {
        let timeout = self.poll_wait();
        if self.routes.is_empty() {
            self.instance.around.clock.sleep(timeout);
            return Ok(false);
        }
        let mut shared = self.batches.take();
        let batch = Rc::get_mut(&mut shared).expect("a batch that was taken has one owner");
        let records_max = self.instance.around.settings.poll_records_max;
        let event = match self.consumer.poll(timeout, records_max, batch) {
            // Nothing was taken: the next poll asks again.
            Err(error) if error.kind() == Kind::Retry => {
                tracing::debug!(thread = self.name, %error, "a poll had no answer");
                None
            }
            polled => polled?,
        };
        self.metrics.polled.increment(batch.len() as u64);
        let any = !batch.is_empty();
        self.route(&shared)?;
        self.batches.give(shared);
        for slot in &mut self.slots {
            slot.caught_up.fill(false);
        }
        if let Some(PollEvent::OffsetGone { source, offset }) = event {
            self.restart_source(source, offset)?;
        }
        Ok(any)
    }

    /// Nothing waits: as long as the settings say, but not past the next timer or commit.
    fn poll_wait(&self) -> Duration {
        let clock = &self.instance.around.clock;
        let mut wait = self.poll_timeout;
        let mut commit_needed = false;
        for task in &self.tasks {
            commit_needed |= task.commit_needed();
            if !task.is_empty() {
                wait = wait.min(IDLE_POLL);
            }
            if let Some(due) = task.context.timers.next(PunctuationType::WallClockTime) {
                let millis = u64::try_from(due.millis() - clock.now().millis()).unwrap_or(0);
                wait = wait.min(Duration::from_millis(millis));
            }
        }
        if commit_needed {
            let due = self.last_commit + self.instance.around.settings.commit_interval();
            wait = wait.min(due.saturating_sub(clock.monotonic()));
        }
        wait
    }

    /// Hands runs of records of one partition to their queues.
    fn route(&mut self, batch: &Rc<Batch>) -> Result<()> {
        let mut from = 0;
        while from < batch.len() {
            let source = batch.position_of(from).2;
            let mut to = from + 1;
            while to < batch.len() && batch.position_of(to).2 == source {
                to += 1;
            }
            let (task, queue) = self.routes[source as usize];
            self.current = task;
            self.tasks[task].guard(|task| task.add(queue, batch, from..to))?;
            from = to;
        }
        Ok(())
    }

    /// The committed offset of a source is gone: reading goes on with what there is, as with Kafka's
    /// `auto.offset.reset=earliest`.
    fn restart_source(&mut self, source: usize, offset: i64) -> Result<()> {
        let (task, queue) = self.routes[source];
        // Who begins to read does not pause.
        self.slots[task].paused[queue] = false;
        let name = self.tasks[task].sources().nth(queue).cloned();
        let gone = name.map_or_else(String::new, |name| name.to_string());
        tracing::warn!(
            thread = self.name,
            partition = gone,
            offset,
            "the offset is gone: reading begins at the first record"
        );
        let sources = self.tasks.iter().flat_map(Task::sources);
        let start = |number: usize| (number == source).then_some(StartAt::Beginning);
        let assignment: Vec<_> = sources.enumerate().map(|(number, name)| (name.clone(), start(number))).collect();
        self.consumer.assign(&assignment)
    }

    /// Processes up to a round's records of one task.
    fn process(&mut self, index: usize, now: Duration) -> Result<usize> {
        let idle_ms = self.instance.around.settings.max_task_idle_ms;
        let mut processed = 0;
        while processed < ROUND_RECORDS && !self.commit_requested {
            let (task, slot) = (&mut self.tasks[index], &mut self.slots[index]);
            let mut inputs = Inputs { slot, consumer: &mut *self.consumer, idle_ms, now };
            let done = task.guard(|task| process_chunk(task, &mut inputs))?;
            processed += done;
            self.commit_requested |= self.tasks[index].context.take_commit_request();
            self.watch_tables(index);
            if done < CHUNK_RECORDS {
                break;
            }
        }
        self.slots[index].metrics.processed.increment(processed as u64);
        Ok(processed)
    }

    /// Keeps the write-back tables within their share: what is unchanged is forgotten first, then a commit is due.
    fn watch_tables(&mut self, index: usize) {
        let settings = &self.instance.around.settings;
        let limit = (settings.cache_max_bytes / settings.num_stream_threads).max(TABLE_BYTES_MIN);
        self.slots[index].table_bytes = self.tasks[index].stores().table_bytes();
        let total: usize = self.slots.iter().map(|slot| slot.table_bytes).sum();
        if total <= limit {
            return;
        }
        let dirty: usize = self.tasks.iter_mut().map(|task| task.stores().dirty_bytes()).sum();
        if dirty > limit / 2 {
            self.commit_requested = true;
            return;
        }
        let each = (limit / 2 + dirty) / self.tasks.len();
        for (task, slot) in self.tasks.iter_mut().zip(&mut self.slots) {
            task.stores().shrink(each);
            slot.table_bytes = task.stores().table_bytes();
        }
    }

    /// Runs the timers that are due by the wall clock; whether any was.
    fn punctuate(&mut self) -> Result<bool> {
        let mut any = false;
        for index in 0..self.tasks.len() {
            let task = &mut self.tasks[index];
            if task.context.timers.is_empty() {
                continue;
            }
            self.current = index;
            if task.guard(|task| task.punctuate(PunctuationType::WallClockTime))? {
                self.slots[index].metrics.punctuated.increment(1);
                any = true;
            }
            self.commit_requested |= self.tasks[index].context.take_commit_request();
        }
        Ok(any)
    }

    /// Stops reading partitions of which too many records wait, and goes on with those that have been worked off.
    fn balance_pauses(&mut self) -> Result<()> {
        let limit = self.instance.around.settings.buffered_records_per_partition;
        for (task, slot) in self.tasks.iter().zip(&mut self.slots) {
            for queue in 0..slot.paused.len() {
                let full = task.buffered(queue) > limit;
                if full == slot.paused[queue] {
                    continue;
                }
                let source = slot.first_source + queue;
                if full { self.consumer.pause(source) } else { self.consumer.resume(source) }?;
                slot.paused[queue] = full;
            }
        }
        Ok(())
    }
}

/// Processes records of a task while its next one is known; how many.
fn process_chunk(task: &mut Task, inputs: &mut Inputs<'_>) -> Result<usize> {
    let mut processed = 0;
    while processed < CHUNK_RECORDS && inputs.are_ready(task)? && task.process_next()? {
        processed += 1;
        if !task.context.timers.is_empty() && task.punctuate(PunctuationType::StreamTime)? {
            inputs.slot.metrics.punctuated.increment(1);
        }
        if task.context.commit_is_requested() {
            break;
        }
    }
    Ok(processed)
}

/// Whether the next record of a task is known: the one with the lowest timestamp over all its inputs.
struct Inputs<'a> {
    slot: &'a mut Slot,
    consumer: &'a mut dyn Consumer,
    idle_ms: i64,
    now: Duration,
}

impl Inputs<'_> {
    #[inline]
    fn are_ready(&mut self, task: &Task) -> Result<bool> {
        if task.all_have_records() {
            self.slot.idle_since = None;
            return Ok(true);
        }
        if task.is_empty() {
            return Ok(false);
        }
        self.may_go_without(task)
    }

    /// Some inputs have no record. They are waited for while the log has one for them, or has not said that it has none,
    /// and for the idle time beyond.
    fn may_go_without(&mut self, task: &Task) -> Result<bool> {
        if self.idle_ms < 0 {
            return Ok(true);
        }
        for queue in 0..task.queue_count() {
            if task.buffered(queue) > 0 || self.slot.caught_up[queue] {
                continue;
            }
            match self.consumer.lag(self.slot.first_source + queue) {
                Some(0) => self.slot.caught_up[queue] = true,
                Some(_) | None => return Ok(false),
            }
        }
        let since = *self.slot.idle_since.get_or_insert(self.now);
        let waited = i64::try_from((self.now - since).as_millis())
            .map_err(|_| Error::new(Kind::Fatal, "the clock has made a jump of ages"))?;
        Ok(waited >= self.idle_ms)
    }
}
