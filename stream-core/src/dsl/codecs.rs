//! Which codec an operator uses: the one named in its options, the one its stream or table carries, the type's own.
//! The plan keeps codecs without their types; they are erased and found again here.

use std::any::Any;
use std::panic::Location;
use std::sync::Arc;

use state_store::{Codec, CodecRef, DefaultCodec};

use crate::dsl::PlanCell;
use crate::{Error, Kind};

/// The codec that the user named, and the type's own, if either is known.
pub(crate) struct Codecs<T> {
    named: Option<CodecRef<T>>,
    own: Option<CodecRef<T>>,
}

impl<T> Codecs<T> {
    /// The user's.
    pub(crate) fn named(codec: CodecRef<T>) -> Self {
        Self { named: Some(codec), own: None }
    }

    /// None: it has to be inherited.
    pub(crate) fn inherited() -> Self {
        Self { named: None, own: None }
    }

    /// The codec, in this order: named, inherited, the type's own.
    pub(crate) fn choose(&self, inherited: Option<CodecRef<T>>) -> Option<CodecRef<T>> {
        self.named.clone().or(inherited).or_else(|| self.own.clone())
    }
}

impl<T: DefaultCodec> Codecs<T> {
    /// The type's own where none is inherited.
    pub(crate) fn own() -> Self {
        Self { named: None, own: Some(T::codec()) }
    }
}

/// A codec as the plan keeps it.
pub(crate) fn any_codec<T: 'static>(codec: &CodecRef<T>) -> Arc<dyn Any + Send + Sync> {
    Arc::new(Arc::clone(codec))
}

/// The codec of `T` that the plan keeps, if it keeps one of that type.
pub(crate) fn typed_codec<T: 'static>(kept: Option<&Arc<dyn Any + Send + Sync>>) -> Option<CodecRef<T>> {
    kept?.downcast_ref::<CodecRef<T>>().cloned()
}

/// Keeps the mistake that a codec is missing, and says where it can be named.
#[cold]
pub(crate) fn missing_codec<T>(plan: &PlanCell, what: &str, option: &str, origin: &'static Location<'static>) {
    let name = std::any::type_name::<T>();
    let why = format!("no codec is known for the {what} {name}: name one with `{option}`");
    plan.borrow_mut().mistake(Error::new(Kind::Invalid, why), origin);
}

/// Stands in for a codec that is missing. The plan has a mistake then, so nothing runs with it.
pub(crate) fn missing<T: 'static>() -> CodecRef<T> {
    Arc::new(Missing)
}

struct Missing;

impl<T> Codec<T> for Missing {
    fn encode(&self, _value: &T, _out: &mut Vec<u8>) -> state_store::Result<()> {
        Err(unknown::<T>())
    }

    fn decode(&self, _bytes: &[u8]) -> state_store::Result<T> {
        Err(unknown::<T>())
    }
}

#[cold]
fn unknown<T>() -> state_store::Error {
    state_store::Error::new(state_store::Kind::Invalid, format!("no codec is known for {}", std::any::type_name::<T>()))
}
