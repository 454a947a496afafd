//! bincode 2 by serde, in its standard configuration: little endian, variable-length integers.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use bincode::config;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Codec, Error, Kind, Result};

/// A value as bincode: compact, for topics that only Rust programs of one version read.
pub struct BincodeCodec<T>(PhantomData<fn() -> T>);

impl<T> BincodeCodec<T> {
    /// The codec.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for BincodeCodec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for BincodeCodec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BincodeCodec<{}>", type_name::<T>())
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for BincodeCodec<T> {
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        let written = bincode::serde::encode_into_std_write(value, out, config::standard());
        written.map(drop).map_err(|error| {
            Error::new(Kind::Codec, format!("a {} has no bincode form", type_name::<T>())).caused_by(error)
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<T> {
        let what = || format!("not the bincode of a {}", type_name::<T>());
        let read = bincode::serde::decode_from_slice(bytes, config::standard());
        let (value, used) = read.map_err(|error| Error::new(Kind::Codec, what()).caused_by(error))?;
        if used < bytes.len() {
            return Err(Error::new(Kind::Codec, format!("{}: {} bytes are left over", what(), bytes.len() - used)));
        }
        Ok(value)
    }
}
