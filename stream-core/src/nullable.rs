//! Null as a type: what an operator that skips or deletes on null asks of keys and values.

use std::sync::Arc;

use state_store::codec::OptionCodec;
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

    /// A codec of these, as one of values that are not null.
    fn inner_codec(outer: CodecRef<Self>) -> CodecRef<T>;

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

    fn inner_codec(outer: CodecRef<T>) -> CodecRef<T> {
        outer
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
        Arc::new(OptionCodec::new(inner))
    }

    fn inner_codec(outer: CodecRef<Self>) -> CodecRef<T> {
        Arc::new(PresentOf(outer))
    }

    fn present(value: T) -> Self {
        Some(value)
    }
}

/// A codec of `Option<T>` as one of `T`.
struct PresentOf<T>(CodecRef<Option<T>>);

impl<T: Data> Codec<T> for PresentOf<T> {
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> state_store::Result<()> {
        self.0.encode(&Some(value.clone()), out)
    }

    fn decode(&self, bytes: &[u8]) -> state_store::Result<T> {
        let null =
            || state_store::Error::new(state_store::Kind::Null, "bytes that read as null, where there is no null");
        self.0.decode(bytes)?.ok_or_else(null)
    }
}
