//! Punctuation: which timers a task has and when each is due next.

use crate::plan::NodeId;
use crate::record::Timestamp;

/// A timer of a processor, as [`schedule`](crate::processor::ProcessorContext::schedule) gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId(pub(crate) u32);

/// What drives a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PunctuationType {
    /// Event time: due as the task's stream time advances.
    StreamTime,
    /// The wall clock.
    WallClockTime,
}

/// The timers of one task.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    list: Vec<Timer>,
}

#[derive(Debug)]
struct Timer {
    node: NodeId,
    kind: PunctuationType,
    interval_ms: i64,
    next: i64,
    cancelled: bool,
}

impl Timers {
    /// A timer of `node`; `first` is when it is due for the first time.
    pub(crate) fn add(&mut self, node: NodeId, kind: PunctuationType, interval_ms: i64, first: i64) -> TimerId {
        let id = TimerId(u32::try_from(self.list.len()).expect("a task has fewer than 2^32 timers"));
        self.list.push(Timer { node, kind, interval_ms, next: first, cancelled: false });
        id
    }

    pub(crate) fn cancel(&mut self, id: TimerId) {
        if let Some(timer) = self.list.get_mut(id.0 as usize) {
            timer.cancelled = true;
        }
    }

    /// The earliest timer of `kind` that is due at `now`, moved on to its next time. A timer is due at most once per
    /// `now`: ticks that were missed are skipped.
    pub(crate) fn due(&mut self, kind: PunctuationType, now: Timestamp) -> Option<(NodeId, TimerId)> {
        let now = now.millis();
        let (index, timer) = self
            .list
            .iter_mut()
            .enumerate()
            .filter(|(_, timer)| !timer.cancelled && timer.kind == kind && timer.next <= now)
            .min_by_key(|(_, timer)| timer.next)?;
        timer.next = next_after(timer.next, timer.interval_ms, now);
        Some((timer.node, TimerId(u32::try_from(index).expect("indices come from add"))))
    }

    /// Whether there is none, so that there is nothing to look at for each record.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// When the next timer of `kind` is due.
    pub(crate) fn next(&self, kind: PunctuationType) -> Option<Timestamp> {
        let due = self.list.iter().filter(|timer| !timer.cancelled && timer.kind == kind);
        due.map(|timer| Timestamp(timer.next)).min()
    }
}

/// The first of `previous + n * interval` (n ≥ 1) that lies after `now`.
fn next_after(previous: i64, interval_ms: i64, now: i64) -> i64 {
    let next = previous + interval_ms;
    if next > now { next } else { previous + ((now - previous) / interval_ms + 1) * interval_ms }
}
