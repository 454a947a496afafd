//! The Processor API: stores, timers, children, and what is refused.
