//! Windows: how a stream is cut along its event time.

use std::time::Duration;

use crate::node::windows::WindowSpans;
use crate::{Error, Kind, Result};

/// Windows of a fixed size, aligned to the Unix epoch: tumbling, or hopping where they advance by less than their size.
///
/// A record at time *t* falls into each window with `start <= t < start + size`. A window takes records until the stream
/// time has reached its end and the grace period; later ones are dropped and counted.
///
/// ```
/// use std::time::Duration;
/// use stream_core::dsl::TimeWindows;
///
/// let hour = Duration::from_secs(3600);
/// let tumbling = TimeWindows::of_size_and_grace(hour, Duration::from_secs(300));
/// let hopping = TimeWindows::of_size_with_no_grace(hour).advance_by(Duration::from_secs(600));
/// # let _ = (tumbling, hopping);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWindows {
    size: Duration,
    advance: Duration,
    grace: Duration,
}

impl TimeWindows {
    /// Tumbling windows of `size` that take late records until stream time is `grace` past their end.
    #[must_use]
    pub const fn of_size_and_grace(size: Duration, grace: Duration) -> Self {
        Self { size, advance: size, grace }
    }

    /// Tumbling windows of `size` that close with their end.
    #[must_use]
    pub const fn of_size_with_no_grace(size: Duration) -> Self {
        Self::of_size_and_grace(size, Duration::ZERO)
    }

    /// Hopping windows: one starts every `advance`, which must be at least a millisecond and at most the size.
    #[must_use]
    pub const fn advance_by(mut self, advance: Duration) -> Self {
        self.advance = advance;
        self
    }

    /// The windows in milliseconds, checked.
    pub(crate) fn measure(&self) -> Result<WindowSpans> {
        let millis = |what: &str, span: Duration| {
            let millis = crate::time::millis(span);
            if millis > i64::MAX / 4 {
                return Err(Error::new(Kind::Invalid, format!("the {what} {span:?} of the windows is too long")));
            }
            Ok(millis)
        };
        let (size, advance) = (millis("size", self.size)?, millis("advance", self.advance)?);
        if size < 1 {
            let why = format!("the size {:?} of the windows is less than a millisecond", self.size);
            return Err(Error::new(Kind::Invalid, why));
        }
        if advance < 1 || advance > size {
            let why = format!(
                "the windows advance by {:?}: it must be at least a millisecond and at most their size {:?}",
                self.advance, self.size
            );
            return Err(Error::new(Kind::Invalid, why));
        }
        Ok(WindowSpans { size, advance, grace: millis("grace", self.grace)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_make_no_sense_are_refused() {
        let ms = Duration::from_millis;
        for windows in [
            TimeWindows::of_size_with_no_grace(ms(0)),
            TimeWindows::of_size_with_no_grace(ms(10)).advance_by(ms(0)),
            TimeWindows::of_size_with_no_grace(ms(10)).advance_by(ms(11)),
            TimeWindows::of_size_and_grace(ms(10), Duration::MAX),
        ] {
            assert_eq!(windows.measure().map_err(|error| error.kind()), Err(Kind::Invalid), "{windows:?}");
        }
    }
}
