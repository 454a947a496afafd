//! What the tests of the whole share.

#![forbid(unsafe_code)]

pub mod fixtures;
pub mod oracle;
pub mod process;
