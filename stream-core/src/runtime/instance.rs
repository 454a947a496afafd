//! One running application in this process: what its threads share. Making it is the start sequence.
//!
//! ```text
//! state directory (lock, ids) ─▶ topics (sources there? joined ones equal? internal ones made) ─▶ group ─▶ tasks dealt
//! ```
//! Each thread then reads the committed offsets of its tasks, restores their stores, and processes.

use std::sync::Arc;
use std::time::Duration;

use state_store::backend::RocksMemory;
use state_store::directory::StateDirectory;

use crate::log::{Group, GroupEvent, Isolation, Log, Member};
use crate::plan::Plan;
use crate::plan::partitions::PartitionCounts;
use crate::runtime::assign::assign;
use crate::runtime::retry::until_answered;
use crate::runtime::status::{Status, ThreadHealth, ThreadState};
use crate::runtime::topics;
use crate::settings::{ProcessingGuarantee, Settings};
use crate::task::TaskId;
use crate::time::Clock;
use crate::{Error, Kind, Result};

/// What an application is given from outside.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) plan: Arc<Plan>,
    pub(crate) settings: Settings,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) status: Arc<Status>,
}

/// What the threads of an application share.
pub(crate) struct Instance {
    pub(crate) around: Surroundings,
    pub(crate) application_id: Arc<str>,
    pub(crate) client_id: String,
    pub(crate) directory: StateDirectory,
    pub(crate) memory: RocksMemory,
    pub(crate) counts: PartitionCounts,
    /// Tasks by thread.
    pub(crate) tasks: Vec<Vec<TaskId>>,
    pub(crate) group: Box<dyn Group>,
}

impl Instance {
    /// Runs the start sequence.
    ///
    /// # Errors
    /// `Kind::Invalid` where topics are missing or do not fit, `Kind::Refused` where another process or instance runs this
    /// application, `Kind::Retry` where the log does not answer.
    pub(crate) fn start(around: Surroundings) -> Result<Self> {
        let Surroundings { plan, settings, log, clock, status } = &around;
        let directory = StateDirectory::open(&settings.state_dir, &settings.application_id)?;
        let process_id = uuid(&directory.process_id());
        let client_id =
            settings.client_id.clone().unwrap_or_else(|| format!("{}-{process_id}", settings.application_id));
        let limit = Duration::from_millis(settings.task_timeout_ms);
        let go_on = || !status.is_stopping();
        let mut admin = log.admin()?;
        let counts = until_answered(&**clock, limit, go_on, || {
            topics::count_partitions(&mut *admin, plan, &settings.application_id)
        })?;
        until_answered(&**clock, limit, go_on, || topics::ensure(&mut *admin, plan, settings, &counts))?;
        let member = Member {
            group: settings.application_id.clone(),
            client_id: client_id.clone(),
            process_id: directory.process_id(),
            member_id: directory.member_id(0)?,
            topics: source_topics(plan, settings),
            session_timeout: Duration::from_millis(settings.session_timeout_ms),
            rebalance_timeout: Duration::from_millis(settings.rebalance_timeout_ms),
        };
        let group = until_answered(&**clock, limit, go_on, || log.join(&member))?;
        if let Err(error) = directory.keep_member_id(0, &group.member_id()) {
            // Else the next attempt would wait for the session of a member that nobody is.
            group.leave().unwrap_or_else(|left| tracing::warn!(%left, "failed to leave the group"));
            return Err(error.into());
        }
        let by_subtopology: Vec<_> =
            plan.subtopologies.iter().map(|subtopology| subtopology.id).zip(counts.tasks.iter().copied()).collect();
        let tasks = assign(&by_subtopology, settings.num_stream_threads);
        let application_id = settings.application_id.as_str().into();
        let memory = RocksMemory::new(settings.state_memory_bytes);
        let instance = Self { application_id, client_id, directory, memory, counts, tasks, group, around };
        instance.announce_threads();
        Ok(instance)
    }

    fn announce_threads(&self) {
        let health = self.tasks.iter().enumerate().map(|(index, tasks)| ThreadHealth {
            name: self.thread_name(index),
            state: ThreadState::Restoring,
            tasks: tasks.clone(),
            restore_remaining: 0,
        });
        self.around.status.set_threads(health.collect());
    }

    /// Kafka Streams' name of a thread.
    pub(crate) fn thread_name(&self, index: usize) -> String {
        format!("{}-StreamThread-{}", self.client_id, index + 1)
    }

    /// The transactional id of a thread: the next process with this state directory fences it by starting.
    pub(crate) fn transactional_id(&self, index: usize) -> String {
        format!("{}-{}-{}", self.application_id, uuid(&self.directory.process_id()), index + 1)
    }

    /// What a consumer may see.
    pub(crate) fn isolation(&self) -> Isolation {
        match self.around.settings.processing_guarantee {
            ProcessingGuarantee::AtLeastOnce => Isolation::ReadUncommitted,
            ProcessingGuarantee::ExactlyOnce => Isolation::ReadCommitted,
        }
    }

    /// How long what does not answer is asked again.
    pub(crate) fn time_limit(&self) -> Duration {
        Duration::from_millis(self.around.settings.task_timeout_ms)
    }

    /// Fails once the membership is lost: what this process does would no longer count.
    pub(crate) fn check_membership(&self) -> Result<()> {
        match self.group.poll() {
            None => Ok(()),
            Some(GroupEvent::Lost { reason }) => {
                let why = format!("the membership is lost: {reason}; the tasks are closed without a commit");
                Err(Error::new(Kind::Migrated, why))
            }
        }
    }
}

/// The last thread has ended: a successor need not wait for the session, nor for the state directory.
impl Drop for Instance {
    fn drop(&mut self) {
        if let Err(error) = self.group.leave() {
            tracing::warn!(%error, "failed to leave the group: its session has to run out");
        }
    }
}

fn source_topics(plan: &Plan, settings: &Settings) -> Vec<String> {
    let topics = plan.subtopologies.iter().flat_map(|sub| plan.source_topics(sub, &settings.application_id));
    let topics: std::collections::BTreeSet<String> = topics.collect();
    topics.into_iter().collect()
}

/// The usual text of a process id.
fn uuid(id: &[u8; 16]) -> String {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
