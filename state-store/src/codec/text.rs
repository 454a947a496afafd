//! Text as UTF-8.

use std::sync::Arc;

use crate::{Codec, CodecRef, DefaultCodec, Error, Kind, Result};

/// UTF-8.
#[derive(Clone, Copy, Debug, Default)]
pub struct StringCodec;

impl Codec<String> for StringCodec {
    fn encode(&self, value: &String, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(value.as_bytes());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<String> {
        let text = std::str::from_utf8(bytes);
        text.map(str::to_owned).map_err(|error| Error::new(Kind::Codec, "not UTF-8").caused_by(error))
    }
}

impl DefaultCodec for String {
    fn codec() -> CodecRef<Self> {
        Arc::new(StringCodec)
    }
}
