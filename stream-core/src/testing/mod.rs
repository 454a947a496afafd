//! For tests: of topologies, a driver that needs no log, no thread and no sleep; of logs, the suite that all must pass.

mod driver;
#[cfg(any(test, feature = "testing"))]
pub mod log_conformance;
mod topics;

pub use driver::{DriverSettings, DriverState, Produced, TopologyTestDriver};
pub use topics::{TestInputTopic, TestOutputTopic};
