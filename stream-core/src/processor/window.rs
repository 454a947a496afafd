//! A processor's handle on a window store.

use std::marker::PhantomData;

use state_store::WindowStore;
use state_store::backend::Direction;

use crate::processor::handle::{Access, too_early};
use crate::processor::{Plain, Timestamped, ValueForm, WindowEntries, WindowsOfKey};
use crate::record::Timestamp;
use crate::{Error, Result};

/// A window store as a processor holds it: [`Stores::window`](crate::processor::Stores::window).
///
/// Values stand under a key and the start of a window, and are kept for the store's retention. Bounds in time are on
/// the windows' starts and both included. Writes are logged to the store's changelog.
pub struct WindowHandle<K, V, F = Plain> {
    /// `None` where the store is not there; the topology is refused then.
    access: Option<Access<WindowStore<K, V>>>,
    form: PhantomData<F>,
}

/// A handle on a window store whose values have timestamps:
/// [`Stores::timestamped_window`](crate::processor::Stores::timestamped_window).
pub type TimestampedWindowHandle<K, V> = WindowHandle<K, V, Timestamped>;

impl<K, V, F> Clone for WindowHandle<K, V, F> {
    fn clone(&self) -> Self {
        Self { access: self.access.clone(), form: PhantomData }
    }
}

impl<K: 'static, V: Clone + 'static, F: ValueForm<V>> WindowHandle<K, V, F> {
    pub(crate) fn new(access: Option<Access<WindowStore<K, V>>>) -> Self {
        Self { access, form: PhantomData }
    }

    #[inline]
    fn access(&self) -> Result<&Access<WindowStore<K, V>>> {
        self.access.as_ref().ok_or_else(too_early)
    }

    /// The value of `key` in the window that starts at `start`.
    ///
    /// # Errors
    /// What the store says.
    #[inline]
    pub fn get(&self, key: &K, start: Timestamp) -> Result<Option<F::Value>> {
        Ok(self.access()?.open().get(key, start)?.map(F::show))
    }

    /// Sets the value of `key` in the window that starts at `start`. A window that has expired takes nothing, and the
    /// attempt is counted as a dropped record.
    ///
    /// # Errors
    /// What the store or its changelog says.
    pub fn put(&self, key: &K, value: F::Value, start: Timestamp) -> Result<()> {
        self.put_nullable(key, Some(value), start)
    }

    /// Sets the value of `key` in the window that starts at `start`; `None` deletes it.
    ///
    /// # Errors
    /// What the store or its changelog says.
    pub fn put_nullable(&self, key: &K, value: Option<F::Value>, start: Timestamp) -> Result<()> {
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
        let put = access.open().put(key, start, value, timestamp, &access.current.headers(), &mut outputs)?;
        if put.is_none() {
            outputs.drop_record();
        }
        Ok(())
    }

    /// Windows of `key` that start in `from ..= to`, earliest first.
    ///
    /// # Errors
    /// What the store says.
    pub fn fetch(&self, key: &K, from: Timestamp, to: Timestamp) -> Result<WindowsOfKey<K, V, F>> {
        let cursor = self.access()?.open().fetch(key, from, to, Direction::Forward);
        cursor.map(WindowsOfKey::new).map_err(Error::from)
    }

    /// Windows of `key` that start in `from ..= to`, latest first.
    ///
    /// # Errors
    /// What the store says.
    pub fn backward_fetch(&self, key: &K, from: Timestamp, to: Timestamp) -> Result<WindowsOfKey<K, V, F>> {
        let cursor = self.access()?.open().fetch(key, from, to, Direction::Backward);
        cursor.map(WindowsOfKey::new).map_err(Error::from)
    }

    /// Windows of the keys `first ..= last`, open where `None`, that start in `from ..= to`.
    ///
    /// # Errors
    /// What the store says.
    pub fn fetch_range(
        &self,
        first: Option<&K>,
        last: Option<&K>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<WindowEntries<K, V, F>> {
        let cursor = self.access()?.open().fetch_range(first, last, from, to, Direction::Forward);
        cursor.map(WindowEntries::new).map_err(Error::from)
    }

    /// What [`fetch_range`](Self::fetch_range) reads, last first.
    ///
    /// # Errors
    /// What the store says.
    pub fn backward_fetch_range(
        &self,
        first: Option<&K>,
        last: Option<&K>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<WindowEntries<K, V, F>> {
        let cursor = self.access()?.open().fetch_range(first, last, from, to, Direction::Backward);
        cursor.map(WindowEntries::new).map_err(Error::from)
    }

    /// Windows of all keys that start in `from ..= to`.
    ///
    /// # Errors
    /// What the store says.
    pub fn fetch_all(&self, from: Timestamp, to: Timestamp) -> Result<WindowEntries<K, V, F>> {
        self.fetch_range(None, None, from, to)
    }

    /// What [`fetch_all`](Self::fetch_all) reads, last first.
    ///
    /// # Errors
    /// What the store says.
    pub fn backward_fetch_all(&self, from: Timestamp, to: Timestamp) -> Result<WindowEntries<K, V, F>> {
        self.backward_fetch_range(None, None, from, to)
    }

    /// All windows that have not expired.
    ///
    /// # Errors
    /// What the store says.
    pub fn all(&self) -> Result<WindowEntries<K, V, F>> {
        self.fetch_all(Timestamp(0), Timestamp(i64::MAX))
    }

    /// All windows that have not expired, last first.
    ///
    /// # Errors
    /// What the store says.
    pub fn backward_all(&self) -> Result<WindowEntries<K, V, F>> {
        self.backward_fetch_all(Timestamp(0), Timestamp(i64::MAX))
    }
}
