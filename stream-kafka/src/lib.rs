//! Apache Kafka as a log: librdkafka moves the records, the group and the topics are looked after on own connections.
//!
//! ```text
//!   KafkaLog ─┬─ consumer ── ffi ──▶ librdkafka: fetches ahead into one bounded queue, taken in batches
//!             ├─ producer ── ffi ──▶ librdkafka: idempotent, bounded queue, delivery counted
//!             ├─ admin ───── wire ─▶ topics, offsets, settings, deletion of records
//!             └─ group ───── wire ─▶ membership (a state machine without I/O), offsets committed by generation
//! ```
//!
//! `unsafe` stands in `ffi` alone. Nothing here knows topologies or stores.

#![deny(unsafe_code)]

mod admin;
mod consumer;
mod error;
mod ffi;
mod group;
mod log;
mod names;
mod producer;
mod settings;
mod staging;
mod wire;

pub use log::KafkaLog;
pub use settings::KafkaSettings;
