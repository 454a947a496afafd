//! Requests to brokers on own connections: what librdkafka does not expose (group membership), and what is simpler without
//! it (topics, offsets).

pub(crate) mod cluster;
pub(crate) mod connection;
pub(crate) mod deadline;
pub(crate) mod leaders;

pub(crate) mod calls;

use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::StrBytes;

/// A string as messages have it.
pub(crate) fn string(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A topic's name as messages have it.
pub(crate) fn topic_name(topic: &str) -> TopicName {
    TopicName(string(topic))
}
