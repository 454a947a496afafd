//! The clock: the only way to the time of day, so that a test or a simulator can own it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::record::Timestamp;

/// A span in whole milliseconds, as event time counts; one too long for that is the longest there is.
pub(crate) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Time since some fixed point; never goes back. For durations.
    fn monotonic(&self) -> Duration;

    /// Waits: between two attempts at something that does not answer.
    fn sleep(&self, span: Duration);
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    /// The machine's clock; its monotonic time starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the trait's owner of the machine's clock")]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the trait's owner of the machine's clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(millis(since_epoch))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the trait's owner of the machine's clock")]
    fn monotonic(&self) -> Duration {
        std::time::Instant::now() - self.start
    }

    #[expect(clippy::disallowed_methods, reason = "this is the trait's owner of the machine's clock")]
    fn sleep(&self, span: Duration) {
        std::thread::sleep(span);
    }
}

/// A clock that moves when it is told to.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_ms: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now_ms: AtomicI64::new(now.millis()) }
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        self.now_ms.fetch_add(millis(by), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now_ms.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now_ms.load(Ordering::SeqCst)).unwrap_or_default())
    }

    /// Moves the clock on: nobody else would.
    fn sleep(&self, span: Duration) {
        self.advance(span);
    }
}
