//! Null as a codec has it: which keys and values the operators with state drop.

use state_store::CodecRef;

/// Tells null. Only a codec that reads null as something is asked; with any other, nothing is null.
pub(crate) struct Nulls<T>(Option<CodecRef<T>>);

impl<T: 'static> Nulls<T> {
    /// As `codec` has it.
    pub(crate) fn of(codec: CodecRef<T>) -> Self {
        Self(codec.null().is_some().then_some(codec))
    }

    /// As `codec` has it, where it is known; without one nothing is null.
    pub(crate) fn of_known(codec: Option<CodecRef<T>>) -> Self {
        codec.map_or(Self(None), Self::of)
    }

    /// `value`, unless it is null.
    #[inline]
    pub(crate) fn present(&self, value: T) -> Option<T> {
        if self.is_null(&value) { None } else { Some(value) }
    }

    #[inline]
    pub(crate) fn is_null(&self, value: &T) -> bool {
        match &self.0 {
            None => false,
            Some(codec) => codec.is_null(value),
        }
    }
}
