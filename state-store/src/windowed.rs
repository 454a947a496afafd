//! A key within a window.

use crate::Timestamp;

/// A span of event time. Time windows hold `start <= t < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// First millisecond.
    pub start: Timestamp,
    /// End, as the kind of window defines it.
    pub end: Timestamp,
}

/// A key within a window: what windowed operators are keyed by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Windowed<K> {
    /// The key.
    pub key: K,
    /// The window.
    pub window: Window,
}
