//! The stores of processors, whatever their kind, and how the case files print what is in them.

use state_store::{Stamped, Timestamp, Windowed};
use stream_core::Result;
use stream_core::processor::{
    KeyValueHandle, Stores, TimestampedKeyValueHandle, TimestampedWindowHandle, WindowHandle,
};

use crate::oracle::datum::Datum;
use crate::oracle::keys::Key;

/// What a store is, statically.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreForm {
    /// Values by key.
    KeyValue,
    /// Values with timestamps by key.
    StampedKeyValue,
    /// Values with timestamps by windowed key.
    StampedWindowedKeyValue,
    /// Values by key and window.
    Window,
    /// Values with timestamps by key and window.
    StampedWindow,
}

/// An open store.
pub enum Handle {
    /// Values by key.
    KeyValue(KeyValueHandle<Datum, Datum>),
    /// Values with timestamps by key.
    StampedKeyValue(TimestampedKeyValueHandle<Datum, Datum>),
    /// Values with timestamps by windowed key.
    StampedWindowedKeyValue(TimestampedKeyValueHandle<Windowed<Datum>, Datum>),
    /// Values by key and window.
    Window(WindowHandle<Datum, Datum>),
    /// Values with timestamps by key and window.
    StampedWindow(TimestampedWindowHandle<Datum, Datum>),
}

impl Handle {
    /// The store `name`, which is a `form`.
    pub fn open(stores: &mut Stores<'_>, name: &str, form: StoreForm) -> Self {
        match form {
            StoreForm::KeyValue => Self::KeyValue(stores.key_value(name)),
            StoreForm::StampedKeyValue => Self::StampedKeyValue(stores.timestamped_key_value(name)),
            StoreForm::StampedWindowedKeyValue => Self::StampedWindowedKeyValue(stores.timestamped_key_value(name)),
            StoreForm::Window => Self::Window(stores.window(name)),
            StoreForm::StampedWindow => Self::StampedWindow(stores.timestamped_window(name)),
        }
    }

    /// What a key-value store has for `key`, as it is printed.
    ///
    /// # Errors
    /// What the store says.
    pub fn read(&self, key: &Datum) -> Result<String> {
        match self {
            Self::KeyValue(store) => Ok(print_value(store.get(key)?.as_ref())),
            Self::StampedKeyValue(store) => Ok(print_stamped(store.get(key)?.as_ref())),
            Self::StampedWindowedKeyValue(store) => {
                Ok(print_stamped(store.get(&Windowed::from_datum(key.clone()))?.as_ref()))
            }
            Self::Window(_) | Self::StampedWindow(_) => {
                Err(crate::oracle::refused("a window store is not read by key"))
            }
        }
    }

    /// Everything in the store, as it is printed.
    ///
    /// # Errors
    /// What the store says.
    pub fn dump(&self) -> Result<String> {
        match self {
            Self::KeyValue(store) => print_values(store.all()?),
            Self::StampedKeyValue(store) => print_stamped_values(store.all()?),
            Self::StampedWindowedKeyValue(store) => print_stamped_values(store.all()?),
            Self::Window(store) => print_values(store.all()?),
            Self::StampedWindow(store) => print_stamped_values(store.all()?),
        }
    }
}

/// What an entry is printed under.
pub trait Label {
    /// Its text.
    fn label(&self) -> String;
}

impl<K: Key> Label for K {
    fn label(&self) -> String {
        self.datum().text()
    }
}

/// The start of a window, where all entries are of one key.
pub struct Start(pub Timestamp);

impl Label for Start {
    fn label(&self) -> String {
        self.0.to_string()
    }
}

/// A value, or `null`.
pub fn print_value(value: Option<&Datum>) -> String {
    value.map_or_else(|| "null".to_owned(), Datum::text)
}

/// A value at its timestamp, or `null`.
pub fn print_stamped(value: Option<&Stamped<Datum>>) -> String {
    value.map_or_else(|| "null".to_owned(), |stored| format!("{}@{}", stored.value.text(), stored.timestamp))
}

/// Entries in their order.
///
/// # Errors
/// What the store says of one of them.
pub fn print_values<L: Label>(entries: impl IntoIterator<Item = Result<(L, Datum)>>) -> Result<String> {
    print(entries, |value| print_value(Some(value)))
}

/// Entries with timestamps in their order.
///
/// # Errors
/// What the store says of one of them.
pub fn print_stamped_values<L: Label>(
    entries: impl IntoIterator<Item = Result<(L, Stamped<Datum>)>>,
) -> Result<String> {
    print(entries, |value| print_stamped(Some(value)))
}

fn print<L: Label, V>(
    entries: impl IntoIterator<Item = Result<(L, V)>>,
    show: impl Fn(&V) -> String,
) -> Result<String> {
    let entries =
        entries.into_iter().map(|entry| entry.map(|(key, value)| format!("{}={}", key.label(), show(&value))));
    Ok(format!("[{}]", entries.collect::<Result<Vec<_>>>()?.join(",")))
}
