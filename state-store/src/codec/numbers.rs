//! Numbers: big endian, integers in two's complement, floats as IEEE 754. Negative numbers sort behind positive ones
//! as bytes, as they do in Kafka Streams.

use std::sync::Arc;

use crate::{Codec, CodecRef, DefaultCodec, Error, Kind, Result};

/// A number as big-endian bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct NumberCodec;

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Codec<$type> for NumberCodec {
            fn encode(&self, value: &$type, out: &mut Vec<u8>) -> Result<()> {
                out.extend_from_slice(&value.to_be_bytes());
                Ok(())
            }

            fn decode(&self, bytes: &[u8]) -> Result<$type> {
                match bytes.try_into() {
                    Ok(bytes) => Ok(<$type>::from_be_bytes(bytes)),
                    Err(_) => Err(wrong_length(bytes.len(), size_of::<$type>(), stringify!($type))),
                }
            }
        }

        impl DefaultCodec for $type {
            fn codec() -> CodecRef<Self> {
                Arc::new(NumberCodec)
            }
        }
    )*};
}

number!(i8, i16, i32, i64, u8, u16, u32, u64, f32);

impl Codec<f64> for NumberCodec {
    fn encode(&self, value: &f64, out: &mut Vec<u8>) -> Result<()> {
        // Java's `doubleToLongBits` knows one NaN; its counterpart for floats keeps them apart.
        let bits = if value.is_nan() { 0x7ff8_0000_0000_0000 } else { value.to_bits() };
        out.extend_from_slice(&bits.to_be_bytes());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<f64> {
        match bytes.try_into() {
            Ok(bytes) => Ok(f64::from_be_bytes(bytes)),
            Err(_) => Err(wrong_length(bytes.len(), 8, "f64")),
        }
    }
}

impl DefaultCodec for f64 {
    fn codec() -> CodecRef<Self> {
        Arc::new(NumberCodec)
    }
}

/// One byte: 1 is true, 0 is false.
#[derive(Clone, Copy, Debug, Default)]
pub struct BoolCodec;

impl Codec<bool> for BoolCodec {
    fn encode(&self, value: &bool, out: &mut Vec<u8>) -> Result<()> {
        out.push(u8::from(*value));
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<bool> {
        match bytes {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(Error::new(Kind::Codec, format!("the byte {other} is not a bool: it is 0 or 1"))),
            _ => Err(wrong_length(bytes.len(), 1, "bool")),
        }
    }
}

impl DefaultCodec for bool {
    fn codec() -> CodecRef<Self> {
        Arc::new(BoolCodec)
    }
}

#[cold]
fn wrong_length(found: usize, expected: usize, name: &str) -> Error {
    Error::new(Kind::Codec, format!("{found} bytes are not an {name}: it has {expected}"))
}
