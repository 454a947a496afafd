//! The two static types that keys have in the interpreter: plain ones, and those within a window.

use std::sync::Arc;

use state_store::{Timestamp, Window, Windowed};
use stream_core::record::Data;

use crate::oracle::datum::Datum;

/// A static type of keys.
pub trait Key: Data + std::fmt::Debug + Send + Sync {
    /// The key as the functions of the case files see it.
    fn datum(&self) -> Datum;

    /// The key that the functions of the case files made.
    fn from_datum(datum: Datum) -> Self;
}

impl Key for Datum {
    fn datum(&self) -> Datum {
        self.clone()
    }

    fn from_datum(datum: Datum) -> Self {
        datum
    }
}

/// A windowed null is null.
impl Key for Windowed<Datum> {
    fn datum(&self) -> Datum {
        match &self.key {
            Datum::Str(key) => {
                let Window { start, end } = self.window;
                Datum::Windowed { key: Arc::clone(key), start: start.millis(), end: end.millis() }
            }
            other => other.clone(),
        }
    }

    fn from_datum(datum: Datum) -> Self {
        let within = |start: i64, end: i64| Window { start: Timestamp(start), end: Timestamp(end) };
        match datum {
            Datum::Windowed { key, start, end } => Self { key: Datum::Str(key), window: within(start, end) },
            other => Self { key: other, window: within(0, 0) },
        }
    }
}
