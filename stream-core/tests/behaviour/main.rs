//! What operators do, record by record: input in, output and state out, through the test driver.

mod describe;
mod harness;
mod processors;
mod streams;
mod tables;
