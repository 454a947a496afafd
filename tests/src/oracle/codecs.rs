//! Codecs of the kinds of the case files: text and 8-byte numbers, under windows or not, null as the codec says.

use std::sync::Arc;

use state_store::{Codec, CodecRef, Error, Kind, Result, Timestamp, Window, Windowed};

use crate::oracle::datum::Datum;

/// What a plain key or a value is, statically.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// UTF-8.
    Str,
    /// 8 bytes, big endian.
    Long,
}

impl Plain {
    /// The kind that a case file calls `name`.
    pub fn named(name: Option<&str>) -> Self {
        if name == Some("long") { Self::Long } else { Self::Str }
    }

    /// A codec in which null is [`Datum::Null`].
    pub fn codec(self) -> CodecRef<Datum> {
        Arc::new(self)
    }

    /// A codec in which null is `None`.
    pub fn optional(self) -> CodecRef<Option<Datum>> {
        Arc::new(Optional(self))
    }

    /// The value of `bytes`, or null.
    pub fn read(self, bytes: Option<&[u8]>) -> Result<Datum> {
        bytes.map_or(Ok(Datum::Null), |bytes| self.decode(bytes))
    }
}

impl Codec<Datum> for Plain {
    fn encode(&self, value: &Datum, out: &mut Vec<u8>) -> Result<()> {
        match (self, value) {
            (Self::Str, Datum::Str(text)) => out.extend_from_slice(text.as_bytes()),
            (Self::Long, Datum::Long(number)) => out.extend_from_slice(&number.to_be_bytes()),
            (kind, other) => return Err(Error::new(Kind::Codec, format!("{other:?} is not a {kind:?}"))),
        }
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Datum> {
        match self {
            // Java's decoder puts U+FFFD where bytes are not UTF-8, and does not fail.
            Self::Str => Ok(Datum::Str(String::from_utf8_lossy(bytes).into())),
            Self::Long => match bytes.try_into() {
                Ok(bytes) => Ok(Datum::Long(i64::from_be_bytes(bytes))),
                Err(_) => Err(Error::new(Kind::Codec, format!("{} bytes are not a number of 8", bytes.len()))),
            },
        }
    }

    fn is_null(&self, value: &Datum) -> bool {
        value.is_null()
    }

    fn null(&self) -> Option<Datum> {
        Some(Datum::Null)
    }
}

/// The same with null as `None`.
struct Optional(Plain);

impl Codec<Option<Datum>> for Optional {
    fn encode(&self, value: &Option<Datum>, out: &mut Vec<u8>) -> Result<()> {
        self.0.encode(value.as_ref().unwrap_or(&Datum::Null), out)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Option<Datum>> {
        self.0.decode(bytes).map(Some)
    }

    fn is_null(&self, value: &Option<Datum>) -> bool {
        value.as_ref().is_none_or(Datum::is_null)
    }

    fn null(&self) -> Option<Option<Datum>> {
        Some(None)
    }
}

/// A key within a time window of one size: the key's bytes and the window's start.
pub struct TimeWindowed {
    /// The window's size.
    pub size_ms: i64,
}

const START_BYTES: usize = 8;

impl Codec<Windowed<Datum>> for TimeWindowed {
    fn encode(&self, value: &Windowed<Datum>, out: &mut Vec<u8>) -> Result<()> {
        Plain::Str.encode(&value.key, out)?;
        out.extend_from_slice(&value.window.start.millis().to_be_bytes());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Windowed<Datum>> {
        let Some((key, start)) = bytes.split_last_chunk::<START_BYTES>() else {
            return Err(Error::new(Kind::Codec, format!("{} bytes are too few for a windowed key", bytes.len())));
        };
        let start = i64::from_be_bytes(*start);
        // Windows that end behind the last millisecond there is end with it, as in Kafka Streams.
        let end = start.checked_add(self.size_ms).unwrap_or(i64::MAX);
        let window = Window { start: Timestamp(start), end: Timestamp(end) };
        Ok(Windowed { key: Plain::Str.decode(key)?, window })
    }

    fn is_null(&self, value: &Windowed<Datum>) -> bool {
        value.key.is_null()
    }

    fn null(&self) -> Option<Windowed<Datum>> {
        let window = Window { start: Timestamp(0), end: Timestamp(0) };
        Some(Windowed { key: Datum::Null, window })
    }
}
