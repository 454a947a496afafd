//! Amazon Kinesis as a log: what it is told. Nothing runs yet.
//!
//! A shard will be a partition that comes and goes, a lease table the group, and a snapshot with its sequence numbers
//! what a changelog is elsewhere. Here are the settings that all of it will read, so that applications can keep them
//! beside those of their other logs.
//!
//! Nothing here knows topologies or stores, and async code will stay behind a blocking client.

#![forbid(unsafe_code)]

mod settings;

pub use settings::KinesisSettings;
