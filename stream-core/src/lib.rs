//! Stateful stream processing as a library: a topology, the tasks that run it, and what a log must give.

#![forbid(unsafe_code)]

mod error;
pub mod log;
pub mod record;

pub use error::{Error, Kind, Place, Result};
