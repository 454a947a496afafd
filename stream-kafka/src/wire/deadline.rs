//! A time limit that is shared by the steps of one operation, and the pauses between its attempts.

use std::time::Duration;

use stream_core::time::{Clock, SystemClock};

/// The first pause between two attempts.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// A point in time by which something must be done.
#[derive(Debug)]
pub(crate) struct Deadline {
    clock: SystemClock,
    limit: Duration,
    pause: Duration,
}

impl Deadline {
    /// `limit` from now.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { clock: SystemClock::new(), limit, pause: PAUSE_MIN }
    }

    /// How much time there was.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// How much time is left.
    pub(crate) fn remaining(&self) -> Duration {
        self.limit.saturating_sub(self.clock.monotonic())
    }

    /// Whether it is over.
    pub(crate) fn is_over(&self) -> bool {
        self.remaining().is_zero()
    }

    /// Waits before the next attempt, longer each time. False where the time is over instead.
    pub(crate) fn pause(&mut self) -> bool {
        let remaining = self.remaining();
        if remaining.is_zero() {
            return false;
        }
        sleep(self.pause.min(remaining));
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        !self.is_over()
    }
}

#[expect(clippy::disallowed_methods, reason = "a client that waits for a broker has nothing else to wait on")]
fn sleep(time: Duration) {
    std::thread::sleep(time);
}
