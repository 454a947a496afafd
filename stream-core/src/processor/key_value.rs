//! A processor's handle on a key-value store.

use std::marker::PhantomData;

use state_store::KeyValueStore;
use state_store::backend::Direction;

use crate::processor::handle::{Access, too_early};
use crate::processor::{KeyValueEntries, Plain, Timestamped, ValueForm};
use crate::{Error, Result};

/// A key-value store as a processor holds it: [`Stores::key_value`](crate::processor::Stores::key_value).
///
/// Writes are logged to the store's changelog; reads see what was written, committed or not. Keys are in the order of
/// their bytes. The store is not borrowed between two calls.
pub struct KeyValueHandle<K, V, F = Plain> {
    /// `None` where the store is not there; the topology is refused then.
    access: Option<Access<KeyValueStore<K, V>>>,
    form: PhantomData<F>,
}

/// A handle on a store whose values have timestamps:
/// [`Stores::timestamped_key_value`](crate::processor::Stores::timestamped_key_value).
pub type TimestampedKeyValueHandle<K, V> = KeyValueHandle<K, V, Timestamped>;

impl<K, V, F> Clone for KeyValueHandle<K, V, F> {
    fn clone(&self) -> Self {
        Self { access: self.access.clone(), form: PhantomData }
    }
}

impl<K: 'static, V: Clone + 'static, F: ValueForm<V>> KeyValueHandle<K, V, F> {
    pub(crate) fn new(access: Option<Access<KeyValueStore<K, V>>>) -> Self {
        Self { access, form: PhantomData }
    }

    #[inline]
    fn access(&self) -> Result<&Access<KeyValueStore<K, V>>> {
        self.access.as_ref().ok_or_else(too_early)
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// What the store says.
    #[inline]
    pub fn get(&self, key: &K) -> Result<Option<F::Value>> {
        Ok(self.access()?.open().get(key)?.map(F::show))
    }

    /// Sets the value of `key`.
    ///
    /// # Errors
    /// What the store or its changelog says.
    #[inline]
    pub fn put(&self, key: &K, value: F::Value) -> Result<()> {
        self.put_nullable(key, Some(value))
    }

    /// Sets the value of `key`; `None` deletes it.
    ///
    /// # Errors
    /// What the store or its changelog says.
    pub fn put_nullable(&self, key: &K, value: Option<F::Value>) -> Result<()> {
        let access = self.access()?;
        let mut outputs = access.outputs()?;
        let now = access.current.timestamp();
        let (value, timestamp) = match value {
            None => (None, now),
            Some(value) => {
                let kept = F::keep(value, now);
                (Some(kept.value), kept.timestamp)
            }
        };
        access.open().put(key, value, timestamp, &access.current.headers(), &mut outputs)?;
        Ok(())
    }

    /// Sets the value of `key` where it has none, and gives the one it has otherwise.
    ///
    /// # Errors
    /// What the store or its changelog says.
    pub fn put_if_absent(&self, key: &K, value: F::Value) -> Result<Option<F::Value>> {
        let before = self.get(key)?;
        if before.is_none() {
            self.put(key, value)?;
        }
        Ok(before)
    }

    /// Sets the values of many keys in order; `None` deletes one.
    ///
    /// # Errors
    /// What the store or its changelog says.
    pub fn put_all(&self, entries: impl IntoIterator<Item = (K, Option<F::Value>)>) -> Result<()> {
        entries.into_iter().try_for_each(|(key, value)| self.put_nullable(&key, value))
    }

    /// Removes `key`, and gives the value it had.
    ///
    /// # Errors
    /// What the store or its changelog says.
    pub fn delete(&self, key: &K) -> Result<Option<F::Value>> {
        let before = self.get(key)?;
        self.put_nullable(key, None)?;
        Ok(before)
    }

    /// Entries from `from` to `to`, both included; `None` is open.
    ///
    /// # Errors
    /// What the store says.
    pub fn range(&self, from: Option<&K>, to: Option<&K>) -> Result<KeyValueEntries<K, V, F>> {
        self.scan(from, to, Direction::Forward)
    }

    /// Entries from `to` down to `from`, both included; `None` is open.
    ///
    /// # Errors
    /// What the store says.
    pub fn reverse_range(&self, from: Option<&K>, to: Option<&K>) -> Result<KeyValueEntries<K, V, F>> {
        self.scan(from, to, Direction::Backward)
    }

    /// All entries.
    ///
    /// # Errors
    /// What the store says.
    pub fn all(&self) -> Result<KeyValueEntries<K, V, F>> {
        self.range(None, None)
    }

    /// All entries, last first.
    ///
    /// # Errors
    /// What the store says.
    pub fn reverse_all(&self) -> Result<KeyValueEntries<K, V, F>> {
        self.reverse_range(None, None)
    }

    /// Entries whose keys begin with the bytes `prefix`.
    ///
    /// # Errors
    /// What the store says.
    pub fn prefix_scan(&self, prefix: impl AsRef<[u8]>) -> Result<KeyValueEntries<K, V, F>> {
        let cursor = self.access()?.open().prefix(prefix.as_ref(), Direction::Forward);
        cursor.map(KeyValueEntries::new).map_err(Error::from)
    }

    fn scan(&self, from: Option<&K>, to: Option<&K>, direction: Direction) -> Result<KeyValueEntries<K, V, F>> {
        let cursor = self.access()?.open().range(from, to, direction);
        cursor.map(KeyValueEntries::new).map_err(Error::from)
    }
}
