//! Asking again: what does not answer now is asked until the time limit.

use std::time::Duration;

use crate::time::Clock;
use crate::{Kind, Result};

/// Time between two attempts.
pub(crate) const BACKOFF: Duration = Duration::from_millis(100);

/// Repeats `attempt` while it fails with `Kind::Retry`, up to `limit` and as long as `go_on` says.
pub(crate) fn until_answered<T>(
    clock: &dyn Clock,
    limit: Duration,
    go_on: impl Fn() -> bool,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let started = clock.monotonic();
    loop {
        match attempt() {
            Err(error) if error.kind() == Kind::Retry => {
                let waited = clock.monotonic() - started;
                if waited >= limit || !go_on() {
                    let context = format!("gave up after {} ms", waited.as_millis());
                    return Err(error.within(context));
                }
                tracing::debug!(%error, "no answer yet");
                clock.sleep(BACKOFF);
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::record::Timestamp;
    use crate::time::ManualClock;

    #[test]
    fn an_answer_ends_it_and_so_does_the_limit() {
        let clock = ManualClock::at(Timestamp(0));
        let silence = || Error::new(Kind::Retry, "no answer");
        let (limit, mut calls) = (Duration::from_secs(1), 0);
        let answered = until_answered(
            &clock,
            limit,
            || true,
            || {
                calls += 1;
                if calls == 3 { Ok(7) } else { Err(silence()) }
            },
        );
        assert_eq!((answered.expect("an answer"), calls), (7, 3));
        let error = until_answered(&clock, limit, || true, || Err::<(), _>(silence())).expect_err("no answer at all");
        assert_eq!(error.to_string(), "gave up after 1000 ms: no answer");
    }
}
