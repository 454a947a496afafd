//! What turns a value into bytes and back, and which one a type has by default.
//!
//! The standard codecs write Kafka Streams' bytes: UTF-8 strings, big-endian integers and floats. Null is a
//! matter of the codec: plain types have none, `Option<T>` has.

use std::sync::Arc;

use crate::Result;

/// Turns values of `T` into bytes and back.
pub trait Codec<T>: Send + Sync + 'static {
    /// Appends the bytes of `value` to `out`. Not called for a value that [`is_null`](Codec::is_null).
    ///
    /// # Errors
    /// `Kind::Codec` where the value has no bytes.
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<()>;

    /// The value of `bytes`.
    ///
    /// # Errors
    /// `Kind::Codec` where they are not the bytes of a `T`.
    fn decode(&self, bytes: &[u8]) -> Result<T>;

    /// Whether `value` is written as null rather than as bytes.
    fn is_null(&self, _value: &T) -> bool {
        false
    }

    /// What a null reads as; `None` where the type has no null, which makes a null an error.
    fn null(&self) -> Option<T> {
        None
    }
}

/// A codec as it is passed around.
pub type CodecRef<T> = Arc<dyn Codec<T>>;

/// A type with a codec of its own, used where none is named.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no codec of its own",
    note = "name one where the bytes are: `Consumed::with_codecs`, `Produced::with_codecs`, `Grouped::with_codecs`, `Materialized::with_codecs`",
    note = "or implement `DefaultCodec` for it, for example with `JsonCodec`"
)]
pub trait DefaultCodec: Sized + 'static {
    /// The codec.
    fn codec() -> CodecRef<Self>;
}

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
        text.map(str::to_owned).map_err(|error| crate::Error::new(crate::Kind::Codec, "not UTF-8").caused_by(error))
    }
}

impl DefaultCodec for String {
    fn codec() -> CodecRef<Self> {
        Arc::new(StringCodec)
    }
}
