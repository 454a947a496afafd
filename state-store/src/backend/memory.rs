//! Ordered bytes in memory: a real backend, for stores that need no disk and for tests.
/// Tables in memory.
pub struct MemoryBackend;
