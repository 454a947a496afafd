//! Bytes as they are.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Codec, CodecRef, DefaultCodec, Result};

/// A `Vec<u8>` as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct VecCodec;

impl Codec<Vec<u8>> for VecCodec {
    fn encode(&self, value: &Vec<u8>, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(value);
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }
}

impl DefaultCodec for Vec<u8> {
    fn codec() -> CodecRef<Self> {
        Arc::new(VecCodec)
    }
}

/// [`Bytes`] as they are: cheap to clone, for values that are only passed on.
#[derive(Clone, Copy, Debug, Default)]
pub struct BytesCodec;

impl Codec<Bytes> for BytesCodec {
    fn encode(&self, value: &Bytes, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(value);
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Bytes> {
        Ok(Bytes::copy_from_slice(bytes))
    }
}

impl DefaultCodec for Bytes {
    fn codec() -> CodecRef<Self> {
        Arc::new(BytesCodec)
    }
}
