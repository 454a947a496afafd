//! The oracle: cases recorded from Kafka Streams, interpreted through the public DSL and run in the test driver.
//!
//! ```text
//! files ─▶ case ─▶ slice: can it run? ─▶ interpret ─▶ run ─▶ compare ─▶ report
//!                                         │ sources, streams, groups, tables: statements
//!                                         └ functions, aggregators, processors, commands: what they name
//! ```

pub mod aggregators;
pub mod case;
pub mod codecs;
pub mod commands;
pub mod compare;
pub mod contents;
pub mod datum;
pub mod files;
pub mod functions;
pub mod golden;
mod groups;
pub mod interpret;
pub mod keys;
pub mod kinds;
pub mod node;
pub mod processors;
pub mod report;
pub mod run;
pub mod slice;
mod sources;
pub mod stores;
mod streams;
mod tables;
pub mod values;

/// The error of a statement or a command that asks for what cannot be.
pub(crate) fn refused(why: &str) -> stream_core::Error {
    stream_core::Error::new(stream_core::Kind::Record, why)
}
