//! Scenarios of the runtime on the memory log: several threads take turns in one order, on a clock of the test's own.

mod crashes;
mod refusals;
mod running;
mod shutdown;
mod times;
mod trouble;
mod world;
