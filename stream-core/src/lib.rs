//! Stateful stream processing as a library: a topology, the tasks that run it, and what a log must give.

#![forbid(unsafe_code)]

mod builder;
pub mod dsl;
mod error;
pub mod log;
pub mod memory;
pub mod metrics;
mod nearest;
mod node;
mod nullable;
pub mod partitioner;
mod plan;
pub mod processor;
pub mod record;
mod runtime;
mod settings;
mod task;
pub mod testing;
pub mod time;

pub use builder::{IntoTopics, StreamsBuilder};
pub use error::{Error, Kind, Place, Result};
pub use nearest::nearest_name;
pub use node::sink::{StreamPartitioner, TopicNameExtractor};
pub use node::source::TimestampExtractor;
pub use plan::Topology;
pub use plan::topics::{InternalTopic, InternalTopicKind};
pub use runtime::{Health, State, Streams, ThreadHealth, ThreadState};
pub use settings::{ProcessingGuarantee, Settings};
pub use task::{BadRecords, PunctuationType, RestoreProgress, RestoreStage, TaskId, TimerId};
