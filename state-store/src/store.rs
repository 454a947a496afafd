//! What every store has, whatever its types: its part in a commit, a restore, and the table's size.

use crate::backend::{Batch, SharedBackend};
use crate::changelog::{ChangeSink, ChangelogId};
use crate::codec::Codec;
use crate::{Error, Headers, Kind, Result, Timestamp};

/// A value with the timestamp of its last update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped<V> {
    /// The value.
    pub value: V,
    /// When it was last updated, in event time.
    pub timestamp: Timestamp,
}

/// What an update did to a key. `old` is filled only where the store was opened to send old values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<V> {
    /// Before; `None` where there was none, or where old values are not asked for.
    pub old: Option<V>,
    /// After; `None` deletes.
    pub new: Option<V>,
}

/// The answer of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Updated<V> {
    /// The store caches: the update leaves at the next drain, with all others of its key as one.
    Deferred,
    /// The store does not cache: the change to pass on now.
    Now(Stamped<Change<V>>),
}

/// An update on its way out of a caching store.
#[derive(Clone, Debug)]
pub struct Drained<K, V> {
    /// The key.
    pub key: K,
    /// From what is stored to what was last put.
    pub change: Change<V>,
    /// Timestamp of the last update.
    pub timestamp: Timestamp,
    /// Headers of the record that updated the key last.
    pub headers: Headers,
}

/// How a store is opened.
pub struct StoreConfig {
    /// Its name, unique within the application.
    pub name: String,
    /// The task's backend.
    pub backend: SharedBackend,
    /// Where its changes go; `None` where logging is off.
    pub changelog: Option<ChangelogId>,
    /// Whether updates of a key between two drains leave as one.
    pub caching: bool,
    /// Whether changes carry the old value.
    pub send_old_values: bool,
}

impl StoreConfig {
    /// The store `name` without changelog, cache and old values.
    pub fn new(name: impl Into<String>, backend: SharedBackend) -> Self {
        Self { name: name.into(), backend, changelog: None, caching: false, send_old_values: false }
    }
}

/// What a task does with every store, whatever its types.
///
/// ```text
/// commit    put … put ─▶ drain (caching stores: log and hand out) ─▶ write(batch) ─▶ Backend::apply ─▶ committed
/// restore   restore … restore (batch) ─▶ Backend::apply ─▶ committed
/// ```
pub trait Store {
    /// The store's name.
    fn name(&self) -> &str;

    /// Caching stores that no operator drains: logs every changed key, in the order of its last update. Nothing is left
    /// to log in a store that was drained or does not cache.
    ///
    /// # Errors
    /// `Kind::Codec` where a value cannot be encoded, and what the changelog refuses.
    fn log_changed(&mut self, sink: &mut dyn ChangeSink) -> Result<()>;

    /// Adds to `batch` what changed since the last commit. A caching store has been drained before, or
    /// [`log_changed`](Store::log_changed).
    ///
    /// # Errors
    /// `Kind::Codec` where a value cannot be encoded; `Kind::Io` where a table cannot be made.
    fn write(&mut self, batch: &mut Batch) -> Result<()>;

    /// The batch was applied: what was changed is now stored. Expired segments are dropped here.
    ///
    /// # Errors
    /// `Kind::Io`.
    fn committed(&mut self) -> Result<()>;

    /// Adds to `batch` what one changelog record says. Call [`committed`](Store::committed) once the batch is applied; the
    /// store is not read before.
    ///
    /// # Errors
    /// `Kind::Corrupt` where the record is not one of this store; `Kind::Io` where a table cannot be made.
    fn restore(&mut self, key: &[u8], value: Option<&[u8]>, timestamp: Timestamp, batch: &mut Batch) -> Result<()>;

    /// The highest window start seen; none for a store without windows. It is stored with the rows.
    fn observed_stream_time(&self) -> Timestamp {
        Timestamp::NONE
    }

    /// Bytes held by the write-back table, changed and unchanged rows.
    fn table_bytes(&self) -> usize;

    /// Bytes of changed rows: what a commit frees.
    fn dirty_bytes(&self) -> usize;

    /// Forgets unchanged rows until at most `limit_bytes` are held, least recently used first.
    fn shrink(&mut self, limit_bytes: usize);
}

/// Writes the bytes of a key into `out` (cleared first).
#[inline]
pub(crate) fn encode_key<K: 'static>(keys: &dyn Codec<K>, key: &K, out: &mut Vec<u8>) -> Result<()> {
    if keys.is_null(key) {
        return Err(null_key());
    }
    out.clear();
    keys.encode(key, out)
}

#[cold]
fn null_key() -> Error {
    Error::new(Kind::Null, "a store has no null keys: filter them out first")
}
