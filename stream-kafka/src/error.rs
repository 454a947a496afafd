//! Error codes of brokers and of librdkafka, as the reaction they ask for.

use kafka_protocol::ResponseError;
use kafka_protocol::error::ParseResponseErrorCode;
use stream_core::{Error, Kind};

/// Codes that this crate acts on, as brokers send them.
pub(crate) mod code {
    pub(crate) const NONE: i16 = 0;
    pub(crate) const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
    pub(crate) const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
    pub(crate) const COORDINATOR_NOT_AVAILABLE: i16 = 15;
    pub(crate) const NOT_COORDINATOR: i16 = 16;
    pub(crate) const ILLEGAL_GENERATION: i16 = 22;
    pub(crate) const INCONSISTENT_GROUP_PROTOCOL: i16 = 23;
    pub(crate) const UNKNOWN_MEMBER_ID: i16 = 25;
    pub(crate) const REBALANCE_IN_PROGRESS: i16 = 27;
    pub(crate) const TOPIC_ALREADY_EXISTS: i16 = 36;
    pub(crate) const MEMBER_ID_REQUIRED: i16 = 79;
    pub(crate) const FENCED_INSTANCE_ID: i16 = 82;
}

/// librdkafka's own codes, which are negative.
mod local {
    pub(super) const UNKNOWN_PARTITION: i32 = -190;
    pub(super) const UNKNOWN_TOPIC: i32 = -188;
    pub(super) const INVALID_ARG: i32 = -186;
    pub(super) const AUTHENTICATION: i32 = -169;
    pub(super) const FENCED: i32 = -144;
    /// No broker answered, or none in time: transport, address not resolved, record timed out, all brokers down,
    /// request timed out, queue full, timed out in the queue, purged from the queue or on the way.
    pub(super) const RETRIABLE: [i32; 9] = [-195, -193, -192, -187, -185, -184, -166, -152, -151];
}

/// The reaction to an error code of a broker or of librdkafka.
pub(crate) fn kind_of(code: i32) -> Kind {
    match code {
        // Unknown topic or partition, record too large, invalid topic, what a topic may be made of, invalid record,
        // and everything the user lacks the right to.
        3 | 10 | 12 | 17 | 18 | 28..=31 | 36..=40 | 42 | 44 | 53 | 58 | 87 | 89 => Kind::Invalid,
        local::UNKNOWN_PARTITION | local::UNKNOWN_TOPIC | local::INVALID_ARG | local::AUTHENTICATION => Kind::Invalid,
        22 | 25 | 47 | 82 | 90 | local::FENCED => Kind::Migrated,
        code if local::RETRIABLE.contains(&code) => Kind::Retry,
        code => match broker_error(code) {
            Some(error) if error.is_retriable() => Kind::Retry,
            _ => Kind::Fatal,
        },
    }
}

/// What a broker's code means, in words.
pub(crate) fn describe(code: i16) -> String {
    match code.err() {
        Some(ResponseError::Unknown(code)) => format!("error code {code}"),
        Some(error) => format!("{error}"),
        None => "no error".to_owned(),
    }
}

/// An error of `code` that a broker answered with.
#[cold]
pub(crate) fn answered(code: i16, what: impl std::fmt::Display) -> Error {
    Error::new(kind_of(i32::from(code)), format!("{what}: {}", describe(code)))
}

fn broker_error(code: i32) -> Option<ResponseError> {
    i16::try_from(code).ok().filter(|code| *code > 0)?.err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_reactions() {
        for (code, kind) in [
            (3, Kind::Invalid),
            (6, Kind::Retry),
            (7, Kind::Retry),
            (10, Kind::Invalid),
            (14, Kind::Retry),
            (16, Kind::Retry),
            (25, Kind::Migrated),
            (29, Kind::Invalid),
            (30, Kind::Invalid),
            (90, Kind::Migrated),
            (-185, Kind::Retry),
            (-195, Kind::Retry),
            (-188, Kind::Invalid),
            (-1, Kind::Fatal),
            (9999, Kind::Fatal),
        ] {
            assert_eq!(kind_of(code), kind, "{code}");
        }
    }
}
