//! Null as a type: what an operator that skips or deletes on null asks of keys and values.

use std::sync::Arc;

use state_store::{Codec, CodecRef};

use crate::record::Data;

/// A value that may be null: `T` never is, `Option<T>` is where it is `None`.
///
/// Operators that treat null apart (joins, tables, groups) take either: a stream of `Option<T>` and one of `T` both make
/// a table of `T`. Where the compiler cannot tell which is meant, name `T`.
pub trait Nullable<T>: Data {
    /// The value, or `None` for null.
    fn into_option(self) -> Option<T>;

    /// The value, or `None` for null.
    fn as_option(&self) -> Option<&T>;

    /// A codec of values that are not null, as one of these; null is read and written as null.
    fn codec(inner: CodecRef<T>) -> CodecRef<Self>;

    /// A value that is not null.
    fn present(value: T) -> Self;
}

impl<T: Data> Nullable<T> for T {
    #[inline]
    fn into_option(self) -> Option<T> {
        Some(self)
    }

    #[inline]
    fn as_option(&self) -> Option<&T> {
        Some(self)
    }

    fn codec(inner: CodecRef<T>) -> CodecRef<T> {
        inner
    }

    fn present(value: T) -> T {
        value
    }
}

impl<T: Data> Nullable<T> for Option<T> {
    #[inline]
    fn into_option(self) -> Option<T> {
        self
    }

    #[inline]
    fn as_option(&self) -> Option<&T> {
        self.as_ref()
    }

    fn codec(inner: CodecRef<T>) -> CodecRef<Self> {
        Arc::new(OptionOf(inner))
    }

    fn present(value: T) -> Self {
        Some(value)
    }
}

/// A codec of `T` as one of `Option<T>`.
struct OptionOf<T>(CodecRef<T>);

impl<T: 'static> Codec<Option<T>> for OptionOf<T> {
    fn encode(&self, value: &Option<T>, out: &mut Vec<u8>) -> state_store::Result<()> {
        // Invariant: null is not encoded, so `None` does not come here.
        value.as_ref().map_or(Ok(()), |value| self.0.encode(value, out))
    }

    fn decode(&self, bytes: &[u8]) -> state_store::Result<Option<T>> {
        self.0.decode(bytes).map(Some)
    }

    fn is_null(&self, value: &Option<T>) -> bool {
        value.as_ref().is_none_or(|value| self.0.is_null(value))
    }

    fn null(&self) -> Option<Option<T>> {
        Some(None)
    }
}
