//! RocksDB as a backend: one database a task, a column family a table.
/// One database.
pub struct RocksBackend;
/// Block cache and write-buffer budget shared by all databases of the process.
pub struct RocksMemory;
