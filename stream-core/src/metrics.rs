//! Counters and gauges, through the `metrics` facade: install a recorder of your choice to see them.
//!
//! | Metric | Labels | What |
//! |---|---|---|
//! | `stream_client_state` | | number of the client's state: 0 CREATED, 1 REBALANCING, 2 RUNNING, 3 PENDING_SHUTDOWN, 4 NOT_RUNNING, 5 PENDING_ERROR, 6 ERROR |
//! | `stream_client_failed_stream_threads` | | threads that have ended with an error |
//! | `stream_thread_poll_records_total` | thread_id | records polled |
//! | `stream_thread_commit_total` | thread_id | commits |
//! | `stream_thread_commit_latency_seconds` | thread_id | how long a commit took, a histogram |
//! | `stream_thread_recovery_total` | thread_id | times that the tasks were reopened at their last commit |
//! | `stream_task_process_total` | thread_id, task_id | records processed |
//! | `stream_task_dropped_records_total` | thread_id, task_id | records dropped by rule: late, null, negative timestamp, not decodable |
//! | `stream_task_punctuate_total` | thread_id, task_id | timers that ran |
//! | `stream_task_active_buffer_count` | thread_id, task_id | records that wait, as of the last commit |
//! | `stream_task_records_lag` | thread_id, task_id | records not polled yet, as of the last commit |
//! | `stream_task_restore_total` | thread_id, task_id | changelog records restored |
//! | `stream_task_restore_remaining_records_total` | thread_id, task_id | changelog offsets that remain |
//!
//! Handles are registered once for each thread and task; a record costs no lookup, since counts are added per round.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::task::TaskId;

/// Handles of one thread.
pub(crate) struct ThreadMetrics {
    pub(crate) polled: Counter,
    pub(crate) commits: Counter,
    pub(crate) commit_latency: Histogram,
    pub(crate) recoveries: Counter,
}

impl ThreadMetrics {
    pub(crate) fn new(thread: &str) -> Self {
        let thread = thread.to_owned();
        Self {
            polled: counter!("stream_thread_poll_records_total", "thread_id" => thread.clone()),
            commits: counter!("stream_thread_commit_total", "thread_id" => thread.clone()),
            commit_latency: histogram!("stream_thread_commit_latency_seconds", "thread_id" => thread.clone()),
            recoveries: counter!("stream_thread_recovery_total", "thread_id" => thread),
        }
    }
}

/// Handles of one task.
pub(crate) struct TaskMetrics {
    pub(crate) processed: Counter,
    dropped: Counter,
    pub(crate) punctuated: Counter,
    pub(crate) buffered: Gauge,
    pub(crate) lag: Gauge,
    /// What was counted as dropped so far.
    dropped_before: u64,
}

impl TaskMetrics {
    pub(crate) fn new(thread: &str, task: TaskId) -> Self {
        let labels = [("thread_id", thread.to_owned()), ("task_id", task.to_string())];
        Self {
            processed: counter!("stream_task_process_total", &labels),
            dropped: counter!("stream_task_dropped_records_total", &labels),
            punctuated: counter!("stream_task_punctuate_total", &labels),
            buffered: gauge!("stream_task_active_buffer_count", &labels),
            lag: gauge!("stream_task_records_lag", &labels),
            dropped_before: 0,
        }
    }

    /// Takes the task's own count of dropped records.
    pub(crate) fn set_dropped(&mut self, dropped: u64) {
        self.dropped.increment(dropped.saturating_sub(self.dropped_before));
        self.dropped_before = dropped;
    }
}

/// Handles of a task's restoration.
pub(crate) struct RestoreMetrics {
    pub(crate) restored: Counter,
    pub(crate) remaining: Gauge,
}

impl RestoreMetrics {
    pub(crate) fn new(thread: &str, task: TaskId) -> Self {
        let labels = [("thread_id", thread.to_owned()), ("task_id", task.to_string())];
        Self {
            restored: counter!("stream_task_restore_total", &labels),
            remaining: gauge!("stream_task_restore_remaining_records_total", &labels),
        }
    }
}
