//! The commands that `kv_cmd` and `window_cmd` take as values: one call of a store each, its result printed.

use state_store::Stamped;
use stream_core::Result;
use stream_core::processor::{KeyValueHandle, ValueForm, WindowHandle};
use stream_core::record::Timestamp;

use crate::oracle::datum::Datum;
use crate::oracle::refused;
use crate::oracle::stores::{Handle, Label, Start, print_stamped, print_stamped_values, print_value, print_values};

/// How values of a store are made and printed.
pub trait Form: ValueForm<Datum> {
    /// A value put at `now`.
    fn value(value: Datum, now: Timestamp) -> Self::Value;

    /// A value that was read.
    fn print(value: Option<&Self::Value>) -> String;

    /// Entries that were read.
    ///
    /// # Errors
    /// What the store says of one of them.
    fn print_all<L: Label>(entries: impl IntoIterator<Item = Result<(L, Self::Value)>>) -> Result<String>;
}

impl Form for stream_core::processor::Plain {
    fn value(value: Datum, _now: Timestamp) -> Datum {
        value
    }

    fn print(value: Option<&Datum>) -> String {
        print_value(value)
    }

    fn print_all<L: Label>(entries: impl IntoIterator<Item = Result<(L, Datum)>>) -> Result<String> {
        print_values(entries)
    }
}

impl Form for stream_core::processor::Timestamped {
    fn value(value: Datum, now: Timestamp) -> Stamped<Datum> {
        Stamped { value, timestamp: now }
    }

    fn print(value: Option<&Stamped<Datum>>) -> String {
        print_stamped(value)
    }

    fn print_all<L: Label>(entries: impl IntoIterator<Item = Result<(L, Stamped<Datum>)>>) -> Result<String> {
        print_stamped_values(entries)
    }
}

/// Runs a command on a store.
///
/// # Errors
/// What the store says, or that a command lacks an argument.
pub fn run(store: &Handle, command: &str, now: Timestamp) -> Result<String> {
    let command = Command { parts: command.split(':').collect(), now };
    match store {
        Handle::KeyValue(store) => command.key_value(store),
        Handle::StampedKeyValue(store) => command.key_value(store),
        Handle::Window(store) => command.window(store),
        Handle::StampedWindow(store) => command.window(store),
        Handle::StampedWindowedKeyValue(_) => Err(refused("commands have plain keys")),
    }
}

/// A command's name with its arguments, and the timestamp of its record.
struct Command<'a> {
    parts: Vec<&'a str>,
    now: Timestamp,
}

const DONE: &str = "ok";
const UNKNOWN: &str = "?";

impl Command<'_> {
    fn key_value<F: Form>(&self, store: &KeyValueHandle<Datum, Datum, F>) -> Result<String> {
        Ok(match self.parts[0] {
            "put" => {
                store.put(&self.key(1)?, F::value(self.key(2)?, self.now))?;
                DONE.to_owned()
            }
            "putnull" => {
                store.put_nullable(&self.key(1)?, None)?;
                DONE.to_owned()
            }
            "putall" => {
                let entries = self.part(1)?.split(',').filter(|entry| !entry.is_empty()).map(|entry| {
                    let (key, value) = entry.split_once('=').ok_or_else(|| refused("an entry without a value"))?;
                    let value = (!value.is_empty()).then(|| F::value(Datum::from(value), self.now));
                    Ok((Datum::from(key), value))
                });
                store.put_all(entries.collect::<Result<Vec<_>>>()?)?;
                DONE.to_owned()
            }
            "pia" => F::print(store.put_if_absent(&self.key(1)?, F::value(self.key(2)?, self.now))?.as_ref()),
            "del" => F::print(store.delete(&self.key(1)?)?.as_ref()),
            "get" => F::print(store.get(&self.key(1)?)?.as_ref()),
            "range" => F::print_all(store.range(self.bound(1)?.as_ref(), self.bound(2)?.as_ref())?)?,
            "rrange" => F::print_all(store.reverse_range(self.bound(1)?.as_ref(), self.bound(2)?.as_ref())?)?,
            "all" => F::print_all(store.all()?)?,
            "rall" => F::print_all(store.reverse_all()?)?,
            "prefix" => F::print_all(store.prefix_scan(self.part(1)?)?)?,
            _ => UNKNOWN.to_owned(),
        })
    }

    fn window<F: Form>(&self, store: &WindowHandle<Datum, Datum, F>) -> Result<String> {
        let starts = |entry: Result<(Timestamp, F::Value)>| entry.map(|(start, value)| (Start(start), value));
        Ok(match self.parts[0] {
            "put" => {
                store.put(&self.key(1)?, F::value(self.key(2)?, self.now), self.time(3)?)?;
                DONE.to_owned()
            }
            "putnull" => {
                store.put_nullable(&self.key(1)?, None, self.time(2)?)?;
                DONE.to_owned()
            }
            "get" => F::print(store.get(&self.key(1)?, self.time(2)?)?.as_ref()),
            "fetch" => F::print_all(store.fetch(&self.key(1)?, self.time(2)?, self.time(3)?)?.map(starts))?,
            "bfetch" => F::print_all(store.backward_fetch(&self.key(1)?, self.time(2)?, self.time(3)?)?.map(starts))?,
            "fetchr" => {
                let (first, last) = (self.bound(1)?, self.bound(2)?);
                F::print_all(store.fetch_range(first.as_ref(), last.as_ref(), self.time(3)?, self.time(4)?)?)?
            }
            "bfetchr" => {
                let (first, last) = (self.bound(1)?, self.bound(2)?);
                F::print_all(store.backward_fetch_range(
                    first.as_ref(),
                    last.as_ref(),
                    self.time(3)?,
                    self.time(4)?,
                )?)?
            }
            "all" => F::print_all(store.all()?)?,
            "ball" => F::print_all(store.backward_all()?)?,
            "fetchall" => F::print_all(store.fetch_all(self.time(1)?, self.time(2)?)?)?,
            "bfetchall" => F::print_all(store.backward_fetch_all(self.time(1)?, self.time(2)?)?)?,
            _ => UNKNOWN.to_owned(),
        })
    }

    fn part(&self, index: usize) -> Result<&str> {
        self.parts.get(index).copied().ok_or_else(|| refused("a command lacks an argument"))
    }

    fn key(&self, index: usize) -> Result<Datum> {
        self.part(index).map(Datum::from)
    }

    /// A bound of a range; empty is open.
    fn bound(&self, index: usize) -> Result<Option<Datum>> {
        Ok(Some(self.part(index)?).filter(|part| !part.is_empty()).map(Datum::from))
    }

    fn time(&self, index: usize) -> Result<Timestamp> {
        let time = self.part(index)?.parse().map_err(|_| refused("a command's time is not a number"))?;
        Ok(Timestamp(time))
    }
}
