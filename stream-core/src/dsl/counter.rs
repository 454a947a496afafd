//! What a count can be kept as: `i64`, as Kafka Streams has it, or another number.

use crate::record::Data;

/// A number that counts up from zero.
///
/// `count()` and `count_with` make `i64`, whose bytes are Kafka Streams'; `count_as` makes any other counter.
pub trait Counter: Data {
    /// The count of no record.
    fn zero() -> Self;

    /// The count of one record more.
    #[must_use]
    fn plus_one(self) -> Self;
}

macro_rules! counters {
    ($($number:ty)*) => {$(
        impl Counter for $number {
            fn zero() -> Self {
                0
            }

            fn plus_one(self) -> Self {
                self + 1
            }
        }
    )*};
}

counters!(i32 i64 u32 u64);
