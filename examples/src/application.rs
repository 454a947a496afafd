//! The applications that the demo shows, the benchmark measures and the tests break.
//!
//! ```text
//! user-events ─▶ filter: no heartbeats ─┬▶ by key, per hour ─▶ count ─▶ events-per-hour
//!                                       └▶ map_values ─▶ user-actions
//! ```

use std::time::Duration;

use stream_core::dsl::{Materialized, TimeWindows};
use stream_core::{Result, StreamsBuilder, Topology};

/// The topic of the counts, unless another is named: windowed key bytes, counts as 8 bytes, big endian.
pub const COUNTS_TOPIC: &str = "events-per-hour";
/// The store behind them.
pub const COUNTS_STORE: &str = "events-per-hour";
/// The topic of the stateless application, unless another is named.
pub const ACTIONS_TOPIC: &str = "user-actions";
/// Length of a window.
pub const WINDOW: Duration = Duration::from_secs(60 * 60);
/// How long a window stays open behind its end.
pub const GRACE: Duration = Duration::from_secs(5 * 60);

/// Whether updates of a window between two commits leave as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// One update per window and commit.
    On,
    /// One update per record.
    Off,
}

/// How many events other than heartbeats each user caused in each hour, from the topic `events` to the topic `counts`.
///
/// # Errors
/// `Kind::Invalid` where a topic has no valid name.
pub fn events_per_hour(events: &str, counts: &str, caching: Caching) -> Result<Topology> {
    let store = Materialized::<String, i64>::as_store(COUNTS_STORE);
    let store = match caching {
        Caching::On => store,
        Caching::Off => store.without_caching(),
    };
    let builder = StreamsBuilder::new();
    builder
        .stream::<String, String>(events)
        .filter(|_, event| !event.contains("heartbeat"))
        .group_by_key()
        .windowed_by(TimeWindows::of_size_and_grace(WINDOW, GRACE))
        .count_with(store)
        .to(counts);
    builder.build()
}

/// Every event other than a heartbeat in capitals, from the topic `events` to the topic `actions`.
///
/// # Errors
/// `Kind::Invalid` where a topic has no valid name.
pub fn user_actions(events: &str, actions: &str) -> Result<Topology> {
    let builder = StreamsBuilder::new();
    builder
        .stream::<String, String>(events)
        .filter(|_, event| !event.contains("heartbeat"))
        .map_values(|_, mut event| {
            event.make_ascii_uppercase();
            event
        })
        .to(actions);
    builder.build()
}
