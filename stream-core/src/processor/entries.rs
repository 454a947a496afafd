//! Entries that handles read from stores: snapshots, so a processor may write and forward while it goes through them.

use std::marker::PhantomData;

use state_store::{KeyValueCursor, Stamped, WindowCursor, Windowed};

use crate::processor::{Plain, ValueForm};
use crate::record::Timestamp;
use crate::{Error, Result};

/// Keys and values of a key-value store.
pub struct KeyValueEntries<K, V, F = Plain> {
    cursor: KeyValueCursor<K, V>,
    form: PhantomData<F>,
}

impl<K, V, F> KeyValueEntries<K, V, F> {
    pub(crate) fn new(cursor: KeyValueCursor<K, V>) -> Self {
        Self { cursor, form: PhantomData }
    }
}

impl<K, V, F: ValueForm<V>> Iterator for KeyValueEntries<K, V, F>
where
    KeyValueCursor<K, V>: Iterator<Item = state_store::Result<(K, Stamped<V>)>>,
{
    type Item = Result<(K, F::Value)>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.cursor.next()?;
        Some(entry.map(|(key, stored)| (key, F::show(stored))).map_err(Error::from))
    }
}

/// Windowed keys and values of a window store.
pub struct WindowEntries<K, V, F = Plain> {
    cursor: WindowCursor<K, V>,
    form: PhantomData<F>,
}

impl<K, V, F> WindowEntries<K, V, F> {
    pub(crate) fn new(cursor: WindowCursor<K, V>) -> Self {
        Self { cursor, form: PhantomData }
    }
}

impl<K, V, F: ValueForm<V>> Iterator for WindowEntries<K, V, F>
where
    WindowCursor<K, V>: Iterator<Item = state_store::Result<(Windowed<K>, Stamped<V>)>>,
{
    type Item = Result<(Windowed<K>, F::Value)>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.cursor.next()?;
        Some(entry.map(|(key, stored)| (key, F::show(stored))).map_err(Error::from))
    }
}

/// Starts and values of the windows of one key.
pub struct WindowsOfKey<K, V, F = Plain> {
    entries: WindowEntries<K, V, F>,
}

impl<K, V, F> WindowsOfKey<K, V, F> {
    pub(crate) fn new(cursor: WindowCursor<K, V>) -> Self {
        Self { entries: WindowEntries::new(cursor) }
    }
}

impl<K, V, F: ValueForm<V>> Iterator for WindowsOfKey<K, V, F>
where
    WindowCursor<K, V>: Iterator<Item = state_store::Result<(Windowed<K>, Stamped<V>)>>,
{
    type Item = Result<(Timestamp, F::Value)>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some(entry.map(|(key, value)| (key.window.start, value)))
    }
}
