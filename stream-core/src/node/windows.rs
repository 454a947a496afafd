//! Time windows in milliseconds: what running operators compute with.

use crate::record::Timestamp;

/// Windows of one size, aligned to the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowSpans {
    pub(crate) size: i64,
    pub(crate) advance: i64,
    pub(crate) grace: i64,
}

impl WindowSpans {
    /// Starts of the windows that `time` falls into, ascending. None lies before the epoch.
    #[inline]
    pub(crate) fn starts(self, time: Timestamp) -> impl Iterator<Item = i64> {
        let time = time.millis();
        let mut next = (time - self.size + self.advance).max(0) / self.advance * self.advance;
        std::iter::from_fn(move || {
            let start = next;
            next += self.advance;
            (start <= time).then_some(start)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(size: i64, advance: i64, time: i64) -> Vec<i64> {
        WindowSpans { size, advance, grace: 0 }.starts(Timestamp(time)).collect()
    }

    #[test]
    fn a_time_falls_into_the_windows_that_kafka_streams_gives_it() {
        assert_eq!(starts(10, 10, 0), [0]);
        assert_eq!(starts(10, 10, 19), [10]);
        assert_eq!(starts(10, 5, 7), [0, 5]);
        assert_eq!(starts(10, 5, 3), [0]);
        assert_eq!(starts(10, 3, 11), [3, 6, 9]);
    }
}
