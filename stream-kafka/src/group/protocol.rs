//! The bytes that members of a group exchange through its coordinator.
//!
//! Outside they are Kafka's consumer protocol, which brokers and tools read; inside stands what our members need. The
//! protocol's name is our own, so that a broker refuses a Java member that joins meanwhile, and us where one runs.
//!
//! These bytes live as long as a membership. Version 1 of each: a leader that meets another version refuses the member.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Type of the group's protocol: that of consumers.
pub(crate) const PROTOCOL_TYPE: &str = "consumer";
/// Name of the protocol: one member runs, all others are refused.
pub(crate) const PROTOCOL_NAME: &str = "stream-exclusive";

const SUBSCRIPTION_VERSION: i16 = 1;
const ASSIGNMENT_VERSION: i16 = 0;
const OWN_VERSION: u8 = 1;

/// What the leader tells a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It runs all tasks.
    Runs,
    /// It must leave.
    Refused,
}

/// What a member tells of itself: the topics it reads and its process.
pub(crate) fn subscription(topics: &[String], process_id: [u8; 16]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(SUBSCRIPTION_VERSION);
    bytes.put_i32(length(topics.len()));
    for topic in topics {
        bytes.put_i16(i16::try_from(topic.len()).expect("a topic's name is shorter than 32 KiB"));
        bytes.put_slice(topic.as_bytes());
    }
    bytes.put_i32(length(1 + process_id.len()));
    bytes.put_u8(OWN_VERSION);
    bytes.put_slice(&process_id);
    // No partitions are owned before the leader has said so.
    bytes.put_i32(0);
    bytes.freeze()
}

/// What the leader tells a member.
pub(crate) fn assignment(verdict: Verdict) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(ASSIGNMENT_VERSION);
    bytes.put_i32(0);
    bytes.put_i32(2);
    bytes.put_u8(OWN_VERSION);
    bytes.put_u8(match verdict {
        Verdict::Runs => 1,
        Verdict::Refused => 2,
    });
    bytes.freeze()
}

/// Reads what the leader told; whatever is not plainly "runs" is a refusal.
pub(crate) fn read_assignment(mut bytes: &[u8]) -> Verdict {
    let is_ours = bytes.len() == 12
        && bytes.get_i16() == ASSIGNMENT_VERSION
        && bytes.get_i32() == 0
        && bytes.get_i32() == 2
        && bytes.get_u8() == OWN_VERSION;
    if is_ours && bytes.get_u8() == 1 { Verdict::Runs } else { Verdict::Refused }
}

fn length(len: usize) -> i32 {
    i32::try_from(len).expect("a member reads fewer than two billion topics")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_stay_what_they_are() {
        let subscription = subscription(&["in".to_owned()], [7; 16]);
        let expect = [&[0, 1, 0, 0, 0, 1, 0, 2, b'i', b'n', 0, 0, 0, 17, 1][..], &[7; 16], &[0; 4]].concat();
        assert_eq!(*subscription, *expect);
        assert_eq!(*assignment(Verdict::Runs), [0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1]);
        assert_eq!(*assignment(Verdict::Refused), [0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2]);
    }

    #[test]
    fn a_verdict_survives_the_way() {
        for verdict in [Verdict::Runs, Verdict::Refused] {
            assert_eq!(read_assignment(&assignment(verdict)), verdict);
        }
    }

    #[test]
    fn what_is_not_understood_is_a_refusal() {
        for bytes in [&[][..], &[0], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 1], &[0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1]] {
            assert_eq!(read_assignment(bytes), Verdict::Refused, "{bytes:?}");
        }
    }
}
