//! What a count can be kept as: `i64`, as Kafka Streams has it, or another number.

use crate::record::Data;

/// A number that counts up from one.
///
/// `count()` and `count_with` make `i64`, whose bytes are Kafka Streams'; `count_as` makes any other counter.
pub trait Counter: Data {
    /// The count of the first record.
    fn one() -> Self;

    /// The count of one record more.
    #[must_use]
    fn plus_one(self) -> Self;
}

macro_rules! counters {
    ($($number:ty)*) => {$(
        impl Counter for $number {
            fn one() -> Self {
                1
            }

            fn plus_one(self) -> Self {
                self + 1
            }
        }
    )*};
}

counters!(i32 i64 u32 u64);

/// The step of a count.
pub(crate) fn counted<K, V, A: Counter>(_: &K, _: &V, so_far: Option<A>) -> Option<A> {
    Some(so_far.map_or_else(A::one, A::plus_one))
}
