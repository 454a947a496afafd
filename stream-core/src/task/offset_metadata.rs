//! What is kept beside a committed offset: Kafka Streams' own bytes, so that either can take over from the other.
//!
//! ```text
//! Base64( 0x02 ‖ partition time, 8 bytes big-endian ‖ numbers )     numbers: nothing, or count ‖ (length ‖ name ‖ number)*
//! Base64( 0x01 ‖ partition time )                                   version 1, read only
//! ```
//! The numbers are Kafka Streams' "processor metadata", merged by maximum over the partitions of a task. Here they are
//! the stream times of nodes that drop late records, by the node's name: they move with the offset in one write.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::record::Timestamp;

/// Brokers refuse longer metadata by default (`offset.metadata.max.bytes`).
const BYTES_MAX: usize = 4096;
const VERSION: u8 = 2;

/// The content of an offset's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OffsetMetadata {
    /// The highest event time taken from the partition.
    pub(crate) partition_time: Timestamp,
    /// Stream times by node.
    pub(crate) numbers: BTreeMap<String, i64>,
}

impl OffsetMetadata {
    /// The text of a commit. Numbers that do not fit are left out; the partition time always fits.
    pub(crate) fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.partition_time.millis().to_be_bytes());
        let numbers = self.fitting();
        if !numbers.is_empty() {
            bytes.extend(length(numbers.len()));
            for (name, number) in numbers {
                bytes.extend(length(name.len()));
                bytes.extend(name.as_bytes());
                bytes.extend(number.to_be_bytes());
            }
        }
        STANDARD.encode(bytes)
    }

    /// Reads the text of a commit: of this program, of Kafka Streams, or of neither (then nothing is known).
    pub(crate) fn decode(text: &str) -> Self {
        let unknown = Self { partition_time: Timestamp::NONE, numbers: BTreeMap::new() };
        let Ok(bytes) = STANDARD.decode(text) else { return unknown };
        let Some((version, mut rest)) = bytes.split_first() else { return unknown };
        if !matches!(version, 1 | 2) {
            return unknown;
        }
        let Some(partition_time) = take_number(&mut rest).map(Timestamp) else { return unknown };
        let numbers = if *version == VERSION { take_numbers(rest).unwrap_or_default() } else { BTreeMap::new() };
        Self { partition_time, numbers }
    }

    fn fitting(&self) -> Vec<(&str, i64)> {
        let mut room = BYTES_MAX / 4 * 3 - 1 - 8 - 4;
        let mut numbers = Vec::new();
        for (name, number) in &self.numbers {
            let bytes = 4 + name.len() + 8;
            if bytes <= room {
                room -= bytes;
                numbers.push((name.as_str(), *number));
            }
        }
        numbers
    }
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).expect("bounded by BYTES_MAX").to_be_bytes()
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

fn take_number(rest: &mut &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(take(rest, 8)?.try_into().ok()?))
}

fn take_length(rest: &mut &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(take(rest, 4)?.try_into().ok()?);
    usize::try_from(length).ok()
}

fn take_numbers(mut rest: &[u8]) -> Option<BTreeMap<String, i64>> {
    let mut numbers = BTreeMap::new();
    if rest.is_empty() {
        return Some(numbers);
    }
    for _ in 0..take_length(&mut rest)? {
        let length = take_length(&mut rest)?;
        let name = std::str::from_utf8(take(&mut rest, length)?).ok()?;
        numbers.insert(name.to_owned(), take_number(&mut rest)?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(partition_time: i64, numbers: &[(&str, i64)]) -> OffsetMetadata {
        let numbers = numbers.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
        OffsetMetadata { partition_time: Timestamp(partition_time), numbers }
    }

    #[test]
    fn the_bytes_are_kafka_streams_own() {
        assert_eq!(metadata(1000, &[]).encode(), "AgAAAAAAAAPo");
        assert_eq!(metadata(-1, &[]).encode(), "Av//////////");
    }

    #[test]
    fn what_is_encoded_is_read() {
        for written in [metadata(-1, &[]), metadata(17, &[("a", 1), ("KSTREAM-AGGREGATE-0000000003", i64::MAX)])] {
            assert_eq!(OffsetMetadata::decode(&written.encode()), written);
        }
    }

    #[test]
    fn version_one_and_foreign_texts_are_read() {
        assert_eq!(OffsetMetadata::decode("AQAAAAAAAAPo"), metadata(1000, &[]));
        for foreign in ["", "not base64!", "AgAA", "CQAAAAAAAAPo"] {
            assert_eq!(OffsetMetadata::decode(foreign), metadata(-1, &[]), "{foreign:?}");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_left_out() {
        let names: Vec<String> = (0..100).map(|index| format!("{index:0>80}")).collect();
        let numbers: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let text = metadata(5, &numbers).encode();
        assert!(text.len() <= BYTES_MAX, "{}", text.len());
        let read = OffsetMetadata::decode(&text);
        assert_eq!(read.partition_time, Timestamp(5));
        assert!(read.numbers.len() > 20);
    }
}
