//! Windowed keys on ordinary topics: the key, then the window's start.

use std::sync::Arc;

use crate::layout::{TIMESTAMP_BYTES, window_of};
use crate::{Codec, CodecRef, DefaultCodec, Error, Kind, Result, Timestamp, Windowed};

/// A key in a time window: the key's bytes and the start as 8 big-endian bytes. The end is not written, so the size
/// must be known to read one.
pub struct TimeWindowedCodec<K> {
    inner: CodecRef<K>,
    size_ms: i64,
}

impl<K> TimeWindowedCodec<K> {
    /// Keys of windows of `size_ms` whose inner key has the codec `inner`.
    pub fn new(inner: CodecRef<K>, size_ms: i64) -> Self {
        Self { inner, size_ms }
    }
}

impl<K: 'static> Codec<Windowed<K>> for TimeWindowedCodec<K> {
    fn encode(&self, value: &Windowed<K>, out: &mut Vec<u8>) -> Result<()> {
        self.inner.encode(&value.key, out)?;
        out.extend_from_slice(&value.window.start.millis().to_be_bytes());
        Ok(())
    }

    fn partition_bytes<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        let inner = &key[..key.len().saturating_sub(TIMESTAMP_BYTES)];
        self.inner.partition_bytes(inner)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Windowed<K>> {
        let Some((key, start)) = bytes.split_last_chunk::<TIMESTAMP_BYTES>() else {
            let why = format!("{} bytes are not a windowed key: its start alone has 8", bytes.len());
            return Err(Error::new(Kind::Codec, why));
        };
        let start = Timestamp(i64::from_be_bytes(*start));
        Ok(Windowed { key: self.inner.decode(key)?, window: window_of(start, self.size_ms) })
    }
}

/// Windows whose size is not known: what is read has no end. Kafka Streams' windowed deserializer without a size does the same.
impl<K: DefaultCodec> DefaultCodec for Windowed<K> {
    fn codec() -> CodecRef<Self> {
        Arc::new(TimeWindowedCodec::new(K::codec(), i64::MAX))
    }
}
