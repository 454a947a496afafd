//! `()`: a key or value that is always null, Kafka Streams' `Void`.

use std::sync::Arc;

use crate::{Codec, CodecRef, DefaultCodec, Error, Kind, Result};

/// Null, always.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnitCodec;

impl Codec<()> for UnitCodec {
    fn encode(&self, _value: &(), _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<()> {
        Err(Error::new(Kind::Codec, format!("{} bytes where only null is expected", bytes.len())))
    }

    fn is_null(&self, _value: &()) -> bool {
        true
    }

    fn null(&self) -> Option<()> {
        Some(())
    }
}

impl DefaultCodec for () {
    fn codec() -> CodecRef<Self> {
        Arc::new(UnitCodec)
    }
}
