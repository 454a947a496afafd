//! What the counting application must come to: its rules written down once more, as simply as they can be.
//!
//! Each partition is a task with its own stream time. Heartbeats are filtered out before the window and do not move it.

use std::collections::BTreeMap;

use examples::application::{GRACE, WINDOW};
use examples::counts::Counts;
use examples::workload::Workload;
use stream_core::record::Timestamp;

/// The true results.
#[derive(Debug)]
pub struct Truth {
    /// The count of every window.
    pub counts: Counts,
    /// Records whose window had closed.
    pub late_dropped: u64,
}

/// Counts the events of `workload` per user and hour. A window is closed once stream time minus grace has reached its end.
#[must_use]
pub fn truth(workload: Workload) -> Truth {
    let (window_ms, grace_ms) = (WINDOW.as_millis() as i64, GRACE.as_millis() as i64);
    let mut stream_times = BTreeMap::new();
    let mut truth = Truth { counts: Counts::default(), late_dropped: 0 };
    let mut events = workload.events();
    while let Some(event) = events.next_event() {
        if event.value.contains("heartbeat") {
            continue;
        }
        let time = event.timestamp.millis();
        let stream_time = stream_times.entry(event.partition).or_insert(time);
        *stream_time = time.max(*stream_time);
        let start = time - time.rem_euclid(window_ms);
        if start + window_ms > *stream_time - grace_ms {
            truth.counts.add(&event.key, Timestamp(start), 1);
        } else {
            truth.late_dropped += 1;
        }
    }
    truth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_counted_dropped_or_a_heartbeat() {
        let workload = Workload::new(100_000);
        let mut events = workload.events();
        let mut heartbeats = 0;
        while let Some(event) = events.next_event() {
            heartbeats += u64::from(event.value.contains("heartbeat"));
        }
        let truth = truth(workload);
        assert!((20..100).contains(&truth.late_dropped), "{} of about 90 late ones", truth.late_dropped);
        assert_eq!(truth.counts.total().cast_unsigned() + truth.late_dropped + heartbeats, workload.records);
    }
}
