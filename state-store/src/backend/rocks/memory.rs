//! The memory of all databases of a process: one block cache, and write buffers within it.
//!
//! RocksDB's own manager flushes whoever writes next once the buffers are full, so that with many tasks each flush is
//! small. Here the database that holds most flushes first, earlier than the manager would; the manager stays as the
//! limit.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rocksdb::{Cache, WriteBufferManager};

/// Block cache and write-buffer budget shared by all databases of the process.
#[derive(Clone)]
pub struct RocksMemory {
    pub(super) cache: Cache,
    pub(super) write_buffers: WriteBufferManager,
    limit_bytes: usize,
    /// Bytes that each open database has in write buffers that no flush is under way for. Locked when a database is
    /// opened, and once a commit.
    shares: Arc<Mutex<Vec<Weak<AtomicU64>>>>,
}

/// What one database holds of the write buffers, in bytes.
pub(super) struct Share(Arc<AtomicU64>);

impl RocksMemory {
    /// At most about `bytes` for blocks and write buffers together, the latter at most half of it.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let cache = Cache::new_lru_cache(bytes);
        let limit_bytes = bytes / 2;
        // Write buffers are charged to the cache: blocks make room for them. Writers never wait: a commit must not hang
        // on another task's flush.
        let write_buffers = WriteBufferManager::new_write_buffer_manager_with_cache(limit_bytes, false, cache.clone());
        Self { cache, write_buffers, limit_bytes, shares: Arc::default() }
    }

    pub(super) fn share(&self) -> Share {
        let share = Arc::new(AtomicU64::new(0));
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.retain(|other| other.strong_count() > 0);
        shares.push(Arc::downgrade(&share));
        Share(share)
    }

    /// Whether the buffers run full and `share` is the largest.
    pub(super) fn must_flush(&self, share: &Share) -> bool {
        let shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut all, mut largest) = (0, 0);
        for other in shares.iter().filter_map(Weak::upgrade) {
            let bytes = other.load(Ordering::Relaxed);
            all += bytes;
            largest = largest.max(bytes);
        }
        // Half of the limit: the rest is what is written while a flush is under way.
        all >= self.limit_bytes as u64 / 2 && largest <= share.0.load(Ordering::Relaxed)
    }
}

impl Share {
    pub(super) fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for RocksMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksMemory").field("write_buffers_max_bytes", &self.limit_bytes).finish()
    }
}
