//! What a stream or table is, statically: the kinds that Kafka Streams' serdes are chosen by.

use state_store::{Codec, Result};

use crate::oracle::codecs::{Plain, TimeWindowed};
use crate::oracle::datum::Datum;
use crate::oracle::keys::Key;

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Text or a number.
    Plain(Plain),
    /// Text within a time window of this size in milliseconds.
    TimeWindowed(i64),
}

impl KeyKind {
    /// Text.
    pub const STR: Self = Self::Plain(Plain::Str);

    /// The key of `bytes`, or null.
    ///
    /// # Errors
    /// Where the bytes are not those of such a key.
    pub fn read(self, bytes: Option<&[u8]>) -> Result<Datum> {
        match (self, bytes) {
            (_, None) => Ok(Datum::Null),
            (Self::Plain(plain), Some(bytes)) => plain.decode(bytes),
            (Self::TimeWindowed(size_ms), Some(bytes)) => Ok(TimeWindowed { size_ms }.decode(bytes)?.datum()),
        }
    }
}

/// The kinds of key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Of the key.
    pub key: KeyKind,
    /// Of the value.
    pub value: Plain,
}

impl Kind {
    /// Text under text.
    pub const STR: Self = Self { key: KeyKind::STR, value: Plain::Str };

    /// The same key with values of `value`.
    pub fn with_value(self, value: Plain) -> Self {
        Self { value, ..self }
    }

    /// The same values under keys of `key`.
    pub fn with_key(self, key: KeyKind) -> Self {
        Self { key, ..self }
    }
}
