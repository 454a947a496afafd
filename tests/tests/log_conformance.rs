//! The suite that every log must pass, on Apache Kafka; and what only a log with brokers can be asked.

use tests::fixtures::broker;

mod suite {
    stream_core::log_conformance!(super::broker().log());
}
