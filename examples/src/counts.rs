//! The final counts: the last value of each window in the output topic, and what the demo makes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use stream_core::log::{Batch, Isolation, Log, StartAt};
use stream_core::record::{Timestamp, TopicPartition};
use stream_core::{Error, Kind, Result};

const POLL_RECORDS_MAX: usize = 10_000;
const POLL_MAX: Duration = Duration::from_millis(200);
/// A topic whose end is not reached after this many empty polls in a row is not being served.
const EMPTY_POLLS_MAX: u32 = 150;
const WINDOW_START_BYTES: usize = 8;

/// The latest count of each user and window, by the bytes of the windowed key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    latest: BTreeMap<Vec<u8>, i64>,
}

impl Counts {
    /// Reads them from the beginning of `topic` to its present end.
    ///
    /// # Errors
    /// `Kind::Record` for a record that is no count; what the log says.
    pub fn read(log: &dyn Log, topic: &str) -> Result<Self> {
        let mut latest = BTreeMap::new();
        read_to_end(log, topic, |record| {
            let count = record.value.and_then(|value| value.try_into().ok().map(i64::from_be_bytes));
            match (record.key, count) {
                (Some(key), Some(count)) if key.len() >= WINDOW_START_BYTES => {
                    if let Some(known) = latest.get_mut(key) {
                        *known = count;
                    } else {
                        latest.insert(key.to_vec(), count);
                    }
                    Ok(())
                }
                _ => Err(Error::new(Kind::Record, "a record is no count of a window")),
            }
        })?;
        Ok(Self { latest })
    }

    /// Sets the count of `user` in the window that starts at `start`.
    pub fn add(&mut self, user: &str, start: Timestamp, count: i64) {
        let key = [user.as_bytes(), &start.millis().to_be_bytes()].concat();
        *self.latest.entry(key).or_default() += count;
    }

    /// User, start of the window and count, in the order of the key bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Timestamp, i64)> {
        self.latest.iter().map(|(key, count)| {
            let (user, start) = key.split_at(key.len() - WINDOW_START_BYTES);
            let start = i64::from_be_bytes(start.try_into().expect("a start has 8 bytes"));
            (std::str::from_utf8(user).unwrap_or("(not text)"), Timestamp(start), *count)
        })
    }

    /// How many windows there are.
    #[must_use]
    pub fn windows(&self) -> usize {
        self.latest.len()
    }

    /// The sum of all counts.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.latest.values().sum()
    }

    /// Counts by window start.
    #[must_use]
    pub fn by_hour(&self) -> BTreeMap<Timestamp, i64> {
        let mut hours = BTreeMap::new();
        for (_, start, count) in self.iter() {
            *hours.entry(start).or_default() += count;
        }
        hours
    }

    /// The `limit` users with the highest counts, highest first.
    #[must_use]
    pub fn busiest(&self, limit: usize) -> Vec<(&str, i64)> {
        let mut users = BTreeMap::<&str, i64>::new();
        for (user, _, count) in self.iter() {
            *users.entry(user).or_default() += count;
        }
        let mut busiest: Vec<_> = users.into_iter().collect();
        busiest.sort_by_key(|(user, count)| (-count, *user));
        busiest.truncate(limit);
        busiest
    }

    /// FNV-1a over keys and counts in the order of the key bytes: equal where all final counts are.
    #[must_use]
    pub fn checksum(&self) -> String {
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let mut hash = BASIS;
        for (key, count) in &self.latest {
            for byte in key.iter().chain(&count.to_be_bytes()) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
            }
        }
        format!("{hash:016x}")
    }
}

/// Hands `take` every record of `topic`, from the beginning to where the topic ends now.
///
/// # Errors
/// What `take` and the log say; `Kind::Retry` where the end is not reached in time.
pub fn read_to_end(
    log: &dyn Log,
    topic: &str,
    mut take: impl FnMut(stream_core::record::RawRecord<'_>) -> Result<()>,
) -> Result<()> {
    let mut admin = log.admin()?;
    let partitions = *admin
        .partitions(&[topic])?
        .get(topic)
        .ok_or_else(|| Error::new(Kind::Invalid, format!("there is no topic {topic:?}: make it before it is read")))?;
    let names: Vec<_> = (0..partitions).map(|partition| TopicPartition::new(topic, partition)).collect();
    let ends = admin.offsets(&names)?;
    let mut consumer = log.consumer("reader", Isolation::ReadCommitted)?;
    let assignment: Vec<_> = names.iter().map(|name| (name.clone(), Some(StartAt::Beginning))).collect();
    consumer.assign(&assignment)?;
    let mut batch = Batch::default();
    let mut empty_polls = 0;
    loop {
        let mut done = true;
        for (source, name) in names.iter().enumerate() {
            let range = ends[name];
            done &= range.end == range.beginning || consumer.position(source)? >= range.end;
        }
        if done {
            return Ok(());
        }
        consumer.poll(POLL_MAX, POLL_RECORDS_MAX, &mut batch)?;
        empty_polls = if batch.is_empty() { empty_polls + 1 } else { 0 };
        if empty_polls > EMPTY_POLLS_MAX {
            return Err(Error::new(Kind::Retry, format!("the end of topic {topic:?} is not reached: is the log up?")));
        }
        for index in 0..batch.len() {
            let (source, record) = batch.get(index);
            take(record).map_err(|error| error.at_record(topic, names[source].partition, record.offset))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(entries: &[(&str, i64, i64)]) -> Counts {
        let mut counts = Counts::default();
        for (user, start, count) in entries {
            counts.add(user, Timestamp(*start), *count);
        }
        counts
    }

    #[test]
    fn the_checksum_does_not_depend_on_the_order_of_arrival() {
        let one = counts(&[("a", 0, 1), ("b", 0, 2), ("a", 10, 3)]);
        let other = counts(&[("a", 10, 3), ("b", 0, 2), ("a", 0, 1)]);
        assert_eq!(one.checksum(), other.checksum());
        assert_ne!(one.checksum(), counts(&[("a", 0, 1), ("b", 0, 2), ("a", 10, 4)]).checksum());
    }

    #[test]
    fn counts_are_summed_by_hour_and_by_user() {
        let counts = counts(&[("a", 0, 1), ("b", 0, 2), ("a", 10, 3)]);
        assert_eq!(counts.by_hour().into_iter().collect::<Vec<_>>(), [(Timestamp(0), 3), (Timestamp(10), 3)]);
        assert_eq!(counts.busiest(1), [("a", 4)]);
        assert_eq!((counts.windows(), counts.total()), (3, 6));
    }
}
