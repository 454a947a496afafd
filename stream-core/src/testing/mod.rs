//! For tests of topologies: a driver that needs no log, no thread and no sleep.

mod driver;
mod topics;

pub use driver::{DriverSettings, DriverState, Produced, TopologyTestDriver};
pub use topics::{TestInputTopic, TestOutputTopic};
