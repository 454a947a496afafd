//! The workload "user events": what a shop's visitors do within a day, made from a seed.
//!
//! The same seed and number give the same records in the same order, and so the same order in every partition. Users
//! are skewed by the square of a uniform number; event time goes through one day with up to two minutes of disorder.

use std::fmt::Write as _;

use stream_core::partitioner::partition_for_key;
use stream_core::record::Timestamp;

/// The topic that holds the events.
pub const TOPIC: &str = "user-events";
/// Partitions of [`TOPIC`].
pub const PARTITIONS: i32 = 4;
/// How many users there are.
pub const USERS: u64 = 10_000;
/// Seed of the demo and the benchmarks.
pub const SEED: u64 = 20_260_101;
/// The first millisecond of event time: 2026-01-01 00:00 UTC.
pub const DAY_START: Timestamp = Timestamp(1_767_225_600_000);

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const MINUTE_MS: u64 = 60 * 1000;
const DISORDER_MS: u64 = 2 * MINUTE_MS;
const LATE_ONE_IN: u64 = 1000;
const LATE_MS: std::ops::Range<u64> = 10 * MINUTE_MS..60 * MINUTE_MS;
const HEARTBEAT_ONE_IN: u64 = 10;
const ACTIONS: [&str; 4] = ["page_view", "click", "add_to_cart", "purchase"];

/// Whether some records come after their window has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateRecords {
    /// None is more than two minutes late.
    None,
    /// One in a thousand is 10 to 60 minutes late.
    OneInAThousand,
}

/// Which events to make.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// How many.
    pub records: u64,
    /// What the random numbers start from.
    pub seed: u64,
    /// Late ones among them.
    pub late: LateRecords,
}

impl Workload {
    /// `records` events of the common seed, some of them late.
    #[must_use]
    pub fn new(records: u64) -> Self {
        Self { records, seed: SEED, late: LateRecords::OneInAThousand }
    }

    /// The events from the first on.
    #[must_use]
    pub fn events(self) -> Events {
        let event = Event { key: String::new(), value: String::new(), timestamp: DAY_START, partition: 0 };
        Events { workload: self, random: Random(self.seed), made: 0, event }
    }
}

/// One event as it is written to the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `user-` and seven digits.
    pub key: String,
    /// JSON of about 150 bytes.
    pub value: String,
    /// Event time.
    pub timestamp: Timestamp,
    /// The partition that its key belongs to.
    pub partition: i32,
}

/// Events one after the other, in buffers that are reused.
#[derive(Debug)]
pub struct Events {
    workload: Workload,
    random: Random,
    made: u64,
    event: Event,
}

impl Events {
    /// The next event, or `None` behind the last.
    pub fn next_event(&mut self) -> Option<&Event> {
        if self.made == self.workload.records {
            return None;
        }
        let user = self.user();
        let timestamp = self.timestamp();
        let action = match self.random.below(HEARTBEAT_ONE_IN) {
            0 => "heartbeat",
            _ => ACTIONS[self.random.below(ACTIONS.len() as u64) as usize],
        };
        let (category, item, session) = (self.random.below(40), self.random.below(5000), self.random.next());
        let event = &mut self.event;
        event.key.clear();
        event.value.clear();
        // Invariant: a `String` takes whatever is written to it.
        write!(event.key, "user-{user:07}").expect("a string takes text");
        write!(
            event.value,
            r#"{{"user_id":"user-{user:07}","event_type":"{action}","page":"/shop/category-{category:02}/item-{item:05}","timestamp":{timestamp},"session":"{session:016x}"}}"#,
            timestamp = timestamp.millis(),
        )
        .expect("a string takes text");
        event.timestamp = timestamp;
        event.partition = partition_for_key(event.key.as_bytes(), PARTITIONS);
        self.made += 1;
        Some(&self.event)
    }

    /// A few users do most: the square of a uniform number is small more often than not.
    fn user(&mut self) -> u64 {
        let uniform = self.random.uniform();
        (uniform * uniform * USERS as f64) as u64
    }

    fn timestamp(&mut self) -> Timestamp {
        let on_time = self.made * DAY_MS / self.workload.records;
        let is_late = self.workload.late == LateRecords::OneInAThousand && self.random.below(LATE_ONE_IN) == 0;
        let behind = if is_late {
            LATE_MS.start + self.random.below(LATE_MS.end - LATE_MS.start)
        } else {
            self.random.below(DISORDER_MS)
        };
        let since_start = on_time.saturating_sub(behind);
        Timestamp(DAY_START.millis() + i64::try_from(since_start).expect("a day is short"))
    }
}

/// SplitMix64: small, fast, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    #[expect(clippy::should_implement_trait, reason = "a random number generator is no iterator: it does not end")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0 .. limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The high half of a product: no division, and a bias of 2^-40 that nobody sees.
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// A number in `0.0 .. 1.0`.
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(workload: Workload) -> Vec<Event> {
        let mut events = workload.events();
        std::iter::from_fn(|| events.next_event().cloned()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_events() {
        let workload = Workload::new(2000);
        assert_eq!(all(workload), all(workload));
        assert_ne!(all(workload), all(Workload { seed: 7, ..workload }));
    }

    #[test]
    fn events_have_the_documented_shape() {
        let events = all(Workload::new(50_000));
        let heartbeats = events.iter().filter(|event| event.value.contains("heartbeat")).count();
        assert!((4500..5500).contains(&heartbeats), "{heartbeats} heartbeats");
        let bytes: usize = events.iter().map(|event| event.value.len()).sum();
        assert!((140..165).contains(&(bytes / events.len())), "{} bytes", bytes / events.len());
        let first_half = events.iter().filter(|event| event.key.as_str() < "user-0005000").count();
        assert!((34_000..37_000).contains(&first_half), "a share of 0.707 has {first_half}");
        assert!(events.iter().all(|event| (0..PARTITIONS).contains(&event.partition)));
        let json: serde_json::Value = serde_json::from_str(&events[0].value).expect("JSON");
        assert_eq!(json["user_id"].as_str(), Some(events[0].key.as_str()));
    }

    #[test]
    fn one_in_a_thousand_is_late_unless_none_is() {
        let late = |workload| {
            let mut newest = i64::MIN;
            let is_late = |event: &&Event| {
                newest = newest.max(event.timestamp.millis());
                newest - event.timestamp.millis() > 5 * MINUTE_MS as i64
            };
            all(workload).iter().filter(is_late).count()
        };
        let some = late(Workload::new(100_000));
        assert!((60..140).contains(&some), "{some} late ones");
        assert_eq!(late(Workload { late: LateRecords::None, ..Workload::new(100_000) }), 0);
    }
}
