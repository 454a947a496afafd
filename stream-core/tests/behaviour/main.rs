//! What operators do, record by record: input in, output and state out, through the test driver.

mod describe;
mod harness;
mod joins;
mod processors;
mod streams;
mod tables;
