//! What the tests of the whole share.

#![forbid(unsafe_code)]

pub mod fixtures;
pub mod model;
pub mod oracle;
pub mod process;
pub mod trial;
