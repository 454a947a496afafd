//! JSON by serde.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Codec, Error, Kind, Result};

/// A value as JSON text.
///
/// ```
/// use state_store::Codec;
/// use state_store::codec::JsonCodec;
///
/// let codec = JsonCodec::<(String, u32)>::new();
/// assert_eq!(codec.decode(br#"["a",1]"#)?, ("a".to_owned(), 1));
/// # Ok::<(), state_store::Error>(())
/// ```
pub struct JsonCodec<T>(PhantomData<fn() -> T>);

impl<T> JsonCodec<T> {
    /// The codec.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for JsonCodec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for JsonCodec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonCodec<{}>", type_name::<T>())
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for JsonCodec<T> {
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        serde_json::to_writer(out, value).map_err(|error| {
            Error::new(Kind::Codec, format!("a {} has no JSON form", type_name::<T>())).caused_by(error)
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<T> {
        serde_json::from_slice(bytes).map_err(|error| {
            Error::new(Kind::Codec, format!("not the JSON of a {}", type_name::<T>())).caused_by(error)
        })
    }
}
