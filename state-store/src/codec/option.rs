//! `Option<T>`: `None` is null.

use std::sync::Arc;

use crate::{Codec, CodecRef, DefaultCodec, Result};

/// A codec of `T` as one of `Option<T>`.
pub struct OptionCodec<T> {
    inner: CodecRef<T>,
}

impl<T> OptionCodec<T> {
    /// Writes `None` as null, and all else as `inner` does.
    pub fn new(inner: CodecRef<T>) -> Self {
        Self { inner }
    }
}

impl<T: 'static> Codec<Option<T>> for OptionCodec<T> {
    fn encode(&self, value: &Option<T>, out: &mut Vec<u8>) -> Result<()> {
        // Invariant: null is not encoded, so `None` does not come here.
        value.as_ref().map_or(Ok(()), |value| self.inner.encode(value, out))
    }

    fn decode(&self, bytes: &[u8]) -> Result<Option<T>> {
        self.inner.decode(bytes).map(Some)
    }

    fn partition_bytes<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        self.inner.partition_bytes(key)
    }

    fn is_null(&self, value: &Option<T>) -> bool {
        value.as_ref().is_none_or(|value| self.inner.is_null(value))
    }

    fn null(&self) -> Option<Option<T>> {
        Some(None)
    }
}

impl<T: DefaultCodec> DefaultCodec for Option<T> {
    fn codec() -> CodecRef<Self> {
        Arc::new(OptionCodec::new(T::codec()))
    }
}
