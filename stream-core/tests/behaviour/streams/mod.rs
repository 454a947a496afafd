//! Stream operators as a user sees them: a topology, records in, records out.

mod grouped;
mod harness;
mod mistakes;
mod stateless;
mod windowed;
