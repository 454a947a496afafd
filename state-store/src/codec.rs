//! What turns a value into bytes and back, and which one a type has by default.
//!
//! The standard codecs write Kafka Streams' bytes: UTF-8 strings, big-endian integers and floats. Null is a
//! matter of the codec: plain types have none, `Option<T>` has.

#[cfg(feature = "bincode")]
mod bincode;
mod bytes;
#[cfg(feature = "json")]
mod json;
mod numbers;
mod option;
#[cfg(feature = "prost")]
mod prost;
mod text;
mod unit;
mod windowed;

use std::sync::Arc;

#[cfg(feature = "bincode")]
pub use self::bincode::BincodeCodec;
pub use self::bytes::{BytesCodec, VecCodec};
#[cfg(feature = "json")]
pub use self::json::JsonCodec;
pub use self::numbers::{BoolCodec, NumberCodec};
pub use self::option::OptionCodec;
#[cfg(feature = "prost")]
pub use self::prost::ProstCodec;
pub use self::text::StringCodec;
pub use self::unit::UnitCodec;
pub use self::windowed::TimeWindowedCodec;

use crate::Result;

/// Turns values of `T` into bytes and back.
///
/// ```
/// use state_store::{Codec, DefaultCodec};
///
/// let codec = i64::codec();
/// let mut bytes = Vec::new();
/// codec.encode(&-2, &mut bytes)?;
/// assert_eq!(bytes, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
/// assert_eq!(codec.decode(&bytes)?, -2);
/// # Ok::<(), state_store::Error>(())
/// ```
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

    /// The part of a key's bytes that says its partition: all of them, or of a windowed key the inner key's, so that
    /// all windows of a key lie together.
    fn partition_bytes<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        key
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Timestamp, Window, Windowed};

    /// Checks the bytes of a value in both directions; they are Kafka Streams'.
    fn check<T: DefaultCodec + PartialEq + std::fmt::Debug>(value: T, expected: &[u8]) {
        let codec = T::codec();
        let mut bytes = Vec::new();
        assert!(!codec.is_null(&value));
        codec.encode(&value, &mut bytes).expect("encodes");
        assert_eq!(bytes, expected);
        assert_eq!(codec.decode(&bytes).expect("decodes"), value);
    }

    fn check_refused<T: DefaultCodec + std::fmt::Debug>(bytes: &[u8]) {
        assert_eq!(T::codec().decode(bytes).expect_err("these are not its bytes").kind(), Kind::Codec);
    }

    #[test]
    fn standard_types_have_kafka_streams_bytes() {
        check("zoë".to_owned(), "zoë".as_bytes());
        check(vec![0_u8, 255], &[0, 255]);
        check(::bytes::Bytes::from_static(b"\x01"), &[1]);
        check(true, &[1]);
        check(false, &[0]);
        check(-1_i8, &[0xff]);
        check(-2_i16, &[0xff, 0xfe]);
        check(258_i32, &[0, 0, 1, 2]);
        check(i64::MIN, &[0x80, 0, 0, 0, 0, 0, 0, 0]);
        check(7_u8, &[7]);
        check(258_u16, &[1, 2]);
        check(u32::MAX, &[0xff; 4]);
        check(1_u64, &[0, 0, 0, 0, 0, 0, 0, 1]);
        check(1.5_f32, &[0x3f, 0xc0, 0, 0]);
        check(-0.0_f64, &[0x80, 0, 0, 0, 0, 0, 0, 0]);
        check(Some("x".to_owned()), b"x");
    }

    #[test]
    fn wrong_bytes_are_refused() {
        check_refused::<String>(&[0xff]);
        check_refused::<bool>(&[2]);
        check_refused::<bool>(&[]);
        check_refused::<i64>(&[0; 7]);
        check_refused::<f32>(&[0; 5]);
        check_refused::<()>(&[0]);
    }

    #[test]
    fn null_is_what_the_type_says() {
        assert!(Option::<String>::codec().is_null(&None));
        assert_eq!(Option::<String>::codec().null(), Some(None));
        assert_eq!(<()>::codec().null(), Some(()));
        assert_eq!(String::codec().null(), None);
    }

    #[test]
    fn a_windowed_key_is_the_key_and_its_start() {
        let codec = TimeWindowedCodec::new(String::codec(), 10);
        let window = Window { start: Timestamp(258), end: Timestamp(268) };
        let key = Windowed { key: "k".to_owned(), window };
        let mut bytes = Vec::new();
        codec.encode(&key, &mut bytes).expect("encodes");
        assert_eq!(bytes, [b'k', 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(codec.decode(&bytes).expect("decodes"), key);
        assert_eq!(codec.decode(&[0; 7]).expect_err("too short").kind(), Kind::Codec);
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_and_back() {
        let codec = JsonCodec::<Vec<i32>>::new();
        let mut bytes = Vec::new();
        codec.encode(&vec![1, 2], &mut bytes).expect("encodes");
        assert_eq!(bytes, b"[1,2]");
        assert_eq!(codec.decode(&bytes).expect("decodes"), [1, 2]);
        let error = codec.decode(b"{").expect_err("not a list");
        assert!(error.to_string().contains("Vec<i32>"), "{error}");
    }

    #[cfg(feature = "bincode")]
    #[test]
    fn bincode_and_back() {
        let codec = BincodeCodec::<(String, u64)>::new();
        let (value, mut bytes) = (("k".to_owned(), 300), Vec::new());
        codec.encode(&value, &mut bytes).expect("encodes");
        assert_eq!(codec.decode(&bytes).expect("decodes"), value);
        bytes.push(0);
        assert_eq!(codec.decode(&bytes).expect_err("a byte is left over").kind(), Kind::Codec);
    }

    #[cfg(feature = "prost")]
    #[test]
    fn prost_and_back() {
        let codec = ProstCodec::<u64>::new();
        let mut bytes = Vec::new();
        codec.encode(&300, &mut bytes).expect("encodes");
        assert_eq!(bytes, [0x08, 0xac, 0x02]);
        assert_eq!(codec.decode(&bytes).expect("decodes"), 300);
    }
}
