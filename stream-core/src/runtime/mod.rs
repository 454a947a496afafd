//! Threads around tasks: start, run, recover, stop.
//!
//! ```text
//! Streams ─▶ Instance: directory, topics, group, tasks dealt ─▶ StreamThread × N: open ─▶ restore ─▶ rounds ─▶ close
//!    ▲                                                             │
//!    └────────────────── Status: state, first error ◀──────────────┘
//! ```

mod assign;
mod batches;
mod commit;
mod instance;
mod output;
mod processing;
mod retry;
mod signal;
mod state;
mod status;
mod streams;
mod tasks;
mod thread;
mod topics;

#[cfg(test)]
mod tests;

pub use state::State;
pub use status::{Health, ThreadHealth, ThreadState};
pub use streams::Streams;
