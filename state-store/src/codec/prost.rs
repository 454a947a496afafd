//! Protocol Buffers by prost.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use prost::Message;

use crate::{Codec, Error, Kind, Result};

/// A Protocol Buffers message.
pub struct ProstCodec<T>(PhantomData<fn() -> T>);

impl<T> ProstCodec<T> {
    /// The codec.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for ProstCodec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for ProstCodec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProstCodec<{}>", type_name::<T>())
    }
}

impl<T: Message + Default + 'static> Codec<T> for ProstCodec<T> {
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        // A vector grows, so the only error of prost, too little room, does not happen.
        value.encode(out).map_err(|error| Error::new(Kind::Codec, "the message does not fit").caused_by(error))
    }

    fn decode(&self, bytes: &[u8]) -> Result<T> {
        T::decode(bytes)
            .map_err(|error| Error::new(Kind::Codec, format!("not a {}", type_name::<T>())).caused_by(error))
    }
}
