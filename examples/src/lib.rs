//! What the programs of this folder share: the workload, the application that is shown and measured, and its measuring.
//!
//! ```text
//! workload ─ feed ─▶ topic user-events ─ application, run to its end ─▶ topic events-per-hour ─ counts ─▶ plot
//!                                          └ meters, usage: what it cost
//! ```
//! The numbered programs in `bin/` are for reading; `demo` shows, `bench` and `micro` measure.

#![forbid(unsafe_code)]

pub mod application;
pub mod counts;
pub mod feed;
pub mod folder;
pub mod meters;
pub mod plot;
pub mod progress;
pub mod raw;
pub mod run;
pub mod stage;
pub mod stopwatch;
pub mod usage;
pub mod workload;

/// The examples of the README, compiled and run with the doctests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
