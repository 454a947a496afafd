//! Records on their way to librdkafka, gathered by partition.
//!
//! librdkafka keeps each record in memory of its own and walks a partition's records one after the other. Those that were
//! handed over together lie side by side, which halves the price of the way out; so records are handed over in runs.

use stream_core::log::{Batch, Outgoing};
use stream_core::record::RawRecord;

/// A partition's records are handed over when there are so many.
const LANE_RECORDS_MAX: usize = 128;
/// … or so many bytes.
const LANE_BYTES_MAX: usize = 32 << 10;
/// All are handed over when there are so many bytes, whatever the number of partitions.
const STAGED_BYTES_MAX: usize = 1 << 20;

/// The lanes of all partitions.
#[derive(Default)]
pub(crate) struct Staging {
    topics: Vec<Vec<Lane>>,
    /// Lanes that may have records, in the order of their first.
    filled: Vec<LaneNumber>,
    bytes: usize,
}

/// The records that wait for one partition.
#[derive(Default)]
struct Lane {
    records: Batch,
    is_filled: bool,
}

/// A partition's lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LaneNumber {
    pub(crate) topic: usize,
    pub(crate) partition: usize,
}

/// What has to be handed over after a record was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Lane(LaneNumber),
    All,
}

impl Staging {
    /// Makes lanes for the next topic.
    pub(crate) fn add_topic(&mut self, partitions: i32) {
        self.topics.push((0..partitions).map(|_| Lane::default()).collect());
    }

    /// Adds a record of a lane that there is.
    pub(crate) fn push(&mut self, number: LaneNumber, record: &Outgoing<'_>) -> Due {
        let lane = &mut self.topics[number.topic][number.partition];
        if !lane.is_filled {
            lane.is_filled = true;
            self.filled.push(number);
        }
        let Outgoing { key, value, timestamp, headers, .. } = *record;
        let before = lane.records.size_bytes();
        lane.records.push(0, RawRecord { offset: 0, timestamp, key, value, headers });
        self.bytes += lane.records.size_bytes() - before;
        if lane.records.len() >= LANE_RECORDS_MAX || lane.records.size_bytes() >= LANE_BYTES_MAX {
            Due::Lane(number)
        } else if self.bytes >= STAGED_BYTES_MAX {
            Due::All
        } else {
            Due::Nothing
        }
    }

    /// The records of a lane, to be given back with [`give_back`](Self::give_back).
    pub(crate) fn take(&mut self, number: LaneNumber) -> Batch {
        let records = std::mem::take(&mut self.topics[number.topic][number.partition].records);
        self.bytes -= records.size_bytes();
        records
    }

    /// Reuses the memory of a batch that was taken.
    pub(crate) fn give_back(&mut self, number: LaneNumber, mut records: Batch) {
        records.clear();
        self.topics[number.topic][number.partition].records = records;
    }

    /// Forgets all records.
    #[cold]
    pub(crate) fn clear(&mut self) {
        for lane in self.topics.iter_mut().flatten() {
            lane.records.clear();
            lane.is_filled = false;
        }
        self.filled.clear();
        self.bytes = 0;
    }

    /// The next lane that may have records; each is told once.
    pub(crate) fn next_filled(&mut self) -> Option<LaneNumber> {
        let number = self.filled.pop()?;
        self.topics[number.topic][number.partition].is_filled = false;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use stream_core::log::OutTopic;
    use stream_core::record::{Headers, Timestamp};

    use super::*;

    fn push(staging: &mut Staging, partition: usize, value: &[u8]) -> Due {
        let record = Outgoing {
            topic: OutTopic(0),
            partition: partition as i32,
            key: None,
            value: Some(value),
            timestamp: Timestamp(1),
            headers: &Headers::EMPTY,
        };
        staging.push(LaneNumber { topic: 0, partition }, &record)
    }

    fn staging(partitions: i32) -> Staging {
        let mut staging = Staging::default();
        staging.add_topic(partitions);
        staging
    }

    #[test]
    fn a_lane_is_due_by_records_and_by_bytes() {
        let mut staging = staging(2);
        let lane = |partition| LaneNumber { topic: 0, partition };
        for _ in 1..LANE_RECORDS_MAX {
            assert_eq!(push(&mut staging, 0, b"x"), Due::Nothing);
        }
        assert_eq!(push(&mut staging, 0, b"x"), Due::Lane(lane(0)));
        assert_eq!(push(&mut staging, 1, &[0; LANE_BYTES_MAX]), Due::Lane(lane(1)));
        assert_eq!(staging.take(lane(0)).len(), LANE_RECORDS_MAX);
    }

    #[test]
    fn all_are_due_when_many_partitions_have_a_little() {
        let (each, enough) = (LANE_BYTES_MAX - 1, STAGED_BYTES_MAX / (LANE_BYTES_MAX - 1));
        let mut staging = staging(100);
        for partition in 0..enough {
            assert_eq!(push(&mut staging, partition, &vec![0; each]), Due::Nothing, "{partition}");
        }
        assert_eq!(push(&mut staging, enough, &vec![0; each]), Due::All);
        let mut lanes = 0;
        while let Some(lane) = staging.next_filled() {
            let records = staging.take(lane);
            assert_eq!(records.len(), 1);
            staging.give_back(lane, records);
            lanes += 1;
        }
        assert_eq!((lanes, staging.bytes), (enough + 1, 0));
    }

    #[test]
    fn a_lane_that_was_handed_over_is_filled_again() {
        let mut staging = staging(1);
        for _ in 0..2 {
            push(&mut staging, 0, b"x");
            push(&mut staging, 0, b"y");
            let lane = staging.next_filled().unwrap();
            assert_eq!(staging.next_filled(), None);
            let records = staging.take(lane);
            assert_eq!(records.len(), 2);
            staging.give_back(lane, records);
        }
    }
}
