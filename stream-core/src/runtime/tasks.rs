//! Opening the tasks of a thread: local state, committed offsets, wiring, and what remains to be restored.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use state_store::backend::{Backend, MemoryBackend, RocksBackend, SharedBackend};

use crate::log::{Admin, OffsetRange, Offsets};
use crate::metrics::TaskMetrics;
use crate::plan::Subtopology;
use crate::record::TopicPartition;
use crate::runtime::instance::Instance;
use crate::runtime::output::SharedOutput;
use crate::runtime::retry::until_answered;
use crate::task::changelog::{Changelog, Changelogs};
use crate::task::context::{Collector, TaskContext};
use crate::task::restore::{Cleanup, Needed, needed, start_of};
use crate::task::stores::Backends;
use crate::task::{Task, TaskId, builder};
use crate::{Error, Kind, Result};

/// What a thread knows of one of its tasks beside the task itself.
pub(crate) struct Slot {
    pub(crate) id: TaskId,
    /// The number of its first source partition in the consumer's assignment.
    pub(crate) first_source: usize,
    /// Committed offsets by queue; where none is, the one that reading began at.
    pub(crate) committed: Vec<i64>,
    /// Queues that are not read, since too many of their records wait.
    pub(crate) paused: Vec<bool>,
    /// Queues without records of which the log has said, since the last poll, that it has none either.
    pub(crate) caught_up: Vec<bool>,
    /// Since when the task waits for a queue without records.
    pub(crate) idle_since: Option<Duration>,
    /// Bytes of its write-back tables when last looked at.
    pub(crate) table_bytes: usize,
    /// Changelog records that were durable at the last flush of the backend.
    pub(crate) flushed_total: i64,
    pub(crate) flushed_at: Duration,
    /// Which queues are repartition topics: what is processed there can be deleted.
    pub(crate) purgeable: Vec<bool>,
    pub(crate) metrics: TaskMetrics,
}

/// Tasks that are wired, and the ends of their changelogs.
pub(crate) struct Opened {
    pub(crate) tasks: Vec<Task>,
    pub(crate) committed: Offsets,
    pub(crate) ends: BTreeMap<TopicPartition, i64>,
}

/// Opens tasks on backends that may be open already. The producer has fenced its predecessors, so the offsets read here
/// are final, and so is what lies before the changelogs' ends.
pub(crate) struct Opener<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) output: &'a SharedOutput,
    pub(crate) backends: &'a mut BTreeMap<TaskId, Backends>,
}

impl Opener<'_> {
    pub(crate) fn open(&mut self, ids: &[TaskId]) -> Result<Opened> {
        let around = &self.instance.around;
        let mut admin = around.log.admin()?;
        let sources: Vec<_> = ids.iter().flat_map(|id| self.sources(*id)).collect();
        let go_on = || !around.status.is_stopping();
        // An open transaction may hold an offset back until it times out.
        let committed = until_answered(&*around.clock, self.instance.time_limit(), go_on, || {
            admin.committed(self.instance.group.group_id(), &sources)
        })?;
        let changelogs: Vec<_> = ids.iter().flat_map(|id| self.changelogs(*id)).collect();
        let partitions: Vec<_> = changelogs.iter().map(|needed| needed.partition.clone()).collect();
        let ranges = if partitions.is_empty() { BTreeMap::new() } else { admin.offsets(&partitions)? };
        let mut tasks = Vec::new();
        for id in ids {
            let mut task = match self.open_task(*id, &ranges, &mut *admin) {
                Err(error) if error.kind() == Kind::Corrupted => {
                    self.delete_database(*id, &error)?;
                    self.open_task(*id, &ranges, &mut *admin)?
                }
                opened => opened?,
            };
            task.resume_from(&committed);
            tasks.push(task);
        }
        let ends = ranges.into_iter().map(|(partition, range)| (partition, range.end)).collect();
        Ok(Opened { tasks, committed, ends })
    }

    fn subtopology(&self, id: TaskId) -> &Subtopology {
        &self.instance.around.plan.subtopologies[id.subtopology as usize]
    }

    fn sources(&self, id: TaskId) -> Vec<TopicPartition> {
        let topics = self.instance.around.plan.source_topics(self.subtopology(id), &self.instance.application_id);
        let has = topics.into_iter().filter(|topic| self.instance.counts.topics[topic] > id.partition);
        has.map(|topic| TopicPartition::new(topic, id.partition)).collect()
    }

    fn changelogs(&self, id: TaskId) -> Vec<Needed> {
        let plan = &self.instance.around.plan;
        needed(plan, self.subtopology(id), &self.instance.application_id, id.partition)
    }

    fn open_task(
        &mut self,
        id: TaskId,
        ranges: &BTreeMap<TopicPartition, OffsetRange>,
        admin: &mut dyn Admin,
    ) -> Result<Task> {
        let backends = self.open_backends(id)?;
        let mut starts = Vec::new();
        for needed in self.changelogs(id) {
            let range = ranges[&needed.partition];
            let start = start_of(&needed, range, &backends, || cleanup(admin, &needed.partition.topic))?;
            starts.push((needed, start));
        }
        let around = &self.instance.around;
        let mut output = self.output.clone();
        let mut context = TaskContext::new(
            id,
            Arc::clone(&self.instance.application_id),
            Arc::clone(&around.plan),
            Arc::clone(&around.clock),
            Box::new(output.clone()),
        );
        if around.settings.cache_max_bytes == 0 {
            context.turn_off_caching();
        }
        let wired = builder::wire(&around.plan, &self.subtopology(id).nodes, context, backends.clone())?;
        let counts = &self.instance.counts.topics;
        let has = |topic: &str| counts[topic] > id.partition;
        let mut task = Task::new(&around.plan, wired, id.partition, around.settings.bad_records, has);
        let mut list = Vec::new();
        for (needed, position) in starts {
            let (topic, _) = output.topic(&needed.partition.topic)?;
            let stores = &task.stores().list;
            let Some(store) = stores.iter().position(|store| store.id == needed.id) else { continue };
            let Needed { store: store_name, in_memory, partition, .. } = needed;
            list.push(Changelog { partition, topic, store, store_name, in_memory, position });
        }
        task.changelogs = Changelogs::new(list, &backends)?;
        Ok(task)
    }

    /// The backends of a task: those it had, or new ones. A database that is damaged is made anew from its changelogs.
    fn open_backends(&mut self, id: TaskId) -> Result<Backends> {
        if let Some(open) = self.backends.get(&id) {
            return Ok(open.clone());
        }
        let plan = &self.instance.around.plan;
        let on_disk = self.subtopology(id).nodes.iter().flat_map(|node| &plan.node(*node).stores);
        let disk: Box<dyn Backend> = if on_disk.into_iter().any(|store| !plan.store(*store).in_memory) {
            Box::new(self.open_database(id)?)
        } else {
            Box::new(MemoryBackend::default())
        };
        let disk: SharedBackend = Rc::new(RefCell::new(disk));
        let memory: SharedBackend = Rc::new(RefCell::new(Box::new(MemoryBackend::default())));
        let backends = Backends { disk, memory };
        self.backends.insert(id, backends.clone());
        Ok(backends)
    }

    fn open_database(&self, id: TaskId) -> Result<RocksBackend> {
        let (directory, memory) = (&self.instance.directory, &self.instance.memory);
        let folder = directory.task_dir(&id.to_string())?;
        match RocksBackend::open(&folder, memory) {
            Err(error) if error.kind() == state_store::Kind::Corrupt => {
                tracing::warn!(task = %id, %error, "the local state is damaged: it is deleted and rebuilt");
                directory.delete_task_dir(&id.to_string())?;
                Ok(RocksBackend::open(&directory.task_dir(&id.to_string())?, memory)?)
            }
            opened => Ok(opened?),
        }
    }

    /// Damage that shows when a database that could be opened is read: the task begins without one.
    fn delete_database(&mut self, id: TaskId, error: &Error) -> Result<()> {
        tracing::warn!(task = %id, %error, "the local state is damaged: it is deleted and rebuilt");
        self.backends.remove(&id);
        Ok(self.instance.directory.delete_task_dir(&id.to_string())?)
    }
}

fn cleanup(admin: &mut dyn Admin, topic: &str) -> Result<Cleanup> {
    match admin.config(topic) {
        Ok(config) => {
            let policy = config.get("cleanup.policy").map_or("compact", String::as_str);
            Ok(if policy.contains("delete") { Cleanup::Expire } else { Cleanup::Compact })
        }
        // Not every log tells; to rebuild is then the safe answer to a hole.
        Err(error) if error.kind() == Kind::Invalid => Ok(Cleanup::Compact),
        Err(error) => Err(error),
    }
}
