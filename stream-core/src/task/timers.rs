//! Punctuation: which timers a task has and when each is due next.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::NodeId;
use crate::record::Timestamp;

/// A timer of a processor, as [`schedule`](crate::processor::ProcessingContext::schedule) gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId(pub(crate) u64);

/// What drives a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PunctuationType {
    /// Event time: due as the task's stream time advances.
    StreamTime,
    /// The wall clock.
    WallClockTime,
}

/// The timers of one task. A cancelled one leaves nothing behind, so a processor may set and cancel as it likes.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    next_id: u64,
    timers: BTreeMap<TimerId, Timer>,
    stream_time: Due,
    wall_clock: Due,
}

/// Next times with their timers, earliest first; of equal times, the older timer first.
type Due = BTreeSet<(i64, TimerId)>;

#[derive(Clone, Copy, Debug)]
struct Timer {
    node: NodeId,
    kind: PunctuationType,
    interval_ms: i64,
    next: i64,
}

impl Timers {
    /// A timer of `node`; `first` is when it is due for the first time.
    pub(crate) fn add(&mut self, node: NodeId, kind: PunctuationType, interval_ms: i64, first: i64) -> TimerId {
        let id = TimerId(self.next_id);
        self.next_id += 1;
        self.timers.insert(id, Timer { node, kind, interval_ms, next: first });
        self.list(kind).insert((first, id));
        id
    }

    /// Whether no timer is set.
    pub(crate) fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }

    pub(crate) fn cancel(&mut self, id: TimerId) {
        if let Some(timer) = self.timers.remove(&id) {
            self.list(timer.kind).remove(&(timer.next, id));
        }
    }

    /// The earliest timer of `kind` that is due at `now`, moved on to its next time. A timer is due at most once per
    /// `now`: ticks that were missed are skipped.
    #[inline]
    pub(crate) fn due(&mut self, kind: PunctuationType, now: Timestamp) -> Option<(NodeId, TimerId)> {
        let now = now.millis();
        let (next, id) = *self.list(kind).first()?;
        if next > now {
            return None;
        }
        self.list(kind).pop_first();
        let timer = self.timers.get_mut(&id).expect("a listed timer is there");
        timer.next = next_after(timer.next, timer.interval_ms, now);
        let (node, next) = (timer.node, timer.next);
        self.list(kind).insert((next, id));
        Some((node, id))
    }

    /// When the next timer of `kind` is due.
    pub(crate) fn next(&self, kind: PunctuationType) -> Option<Timestamp> {
        let list = match kind {
            PunctuationType::StreamTime => &self.stream_time,
            PunctuationType::WallClockTime => &self.wall_clock,
        };
        list.first().map(|(next, _)| Timestamp(*next))
    }

    fn list(&mut self, kind: PunctuationType) -> &mut Due {
        match kind {
            PunctuationType::StreamTime => &mut self.stream_time,
            PunctuationType::WallClockTime => &mut self.wall_clock,
        }
    }
}

/// The first of `previous + n * interval` (n ≥ 1) that lies after `now`.
fn next_after(previous: i64, interval_ms: i64, now: i64) -> i64 {
    let next = previous.saturating_add(interval_ms);
    if next > now {
        next
    } else {
        previous.saturating_add(((now - previous) / interval_ms + 1).saturating_mul(interval_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: PunctuationType = PunctuationType::StreamTime;

    #[test]
    fn ticks_that_were_missed_are_skipped_and_the_rhythm_is_kept() {
        let mut timers = Timers::default();
        let timer = timers.add(NodeId(1), STREAM, 10, 0);
        assert_eq!(timers.due(STREAM, Timestamp(3)), Some((NodeId(1), timer)));
        assert_eq!(timers.due(STREAM, Timestamp(9)), None);
        assert_eq!(timers.due(STREAM, Timestamp(37)), Some((NodeId(1), timer)));
        assert_eq!(timers.due(STREAM, Timestamp(37)), None);
        assert_eq!(timers.next(STREAM), Some(Timestamp(40)));
    }

    #[test]
    fn the_earliest_comes_first_and_a_cancelled_one_never() {
        let mut timers = Timers::default();
        let late = timers.add(NodeId(1), STREAM, 10, 5);
        let early = timers.add(NodeId(2), STREAM, 10, 4);
        let gone = timers.add(NodeId(3), STREAM, 10, 0);
        timers.add(NodeId(4), PunctuationType::WallClockTime, 10, 0);
        timers.cancel(gone);
        timers.cancel(gone);
        assert_eq!(timers.due(STREAM, Timestamp(6)), Some((NodeId(2), early)));
        assert_eq!(timers.due(STREAM, Timestamp(6)), Some((NodeId(1), late)));
        assert_eq!(timers.due(STREAM, Timestamp(6)), None);
    }
}
