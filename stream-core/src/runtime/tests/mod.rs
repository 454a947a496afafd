//! Scenarios of the runtime on the memory log.
