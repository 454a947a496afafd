//! Every change of a store goes to a sink as well: the store's changelog topic in the runtime.

use crate::{Headers, Timestamp};

/// A store's own changelog, as its sink numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangelogId(pub u32);

/// One change: the record of the changelog topic, byte for byte Kafka Streams'.
#[derive(Clone, Copy, Debug)]
pub struct ChangeRecord<'a> {
    /// Which changelog.
    pub changelog: ChangelogId,
    /// The store's key bytes.
    pub key: &'a [u8],
    /// The value without its timestamp; `None` deletes.
    pub value: Option<&'a [u8]>,
    /// Timestamp of the changelog record.
    pub timestamp: Timestamp,
    /// Headers of the changelog record: empty, but for stores that retain duplicates, whose records carry those of the
    /// input.
    pub headers: &'a Headers,
}

/// Where changes go.
pub trait ChangeSink {
    /// Takes one change. A failure to send shows at the next flush of the sink's own side.
    ///
    /// # Errors
    /// What the sink's side refuses.
    fn change(&mut self, change: ChangeRecord<'_>) -> crate::Result<()>;
}
