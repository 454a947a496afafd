//! The Processor API: operators that users write, with stores and timers of their own.
//!
//! ```text
//! record ─▶ Processor::process ── ProcessorContext::forward ─▶ children
//! timer ──▶ Processor::punctuate      └ KeyValueHandle, WindowHandle ─▶ stores ─▶ changelogs
//! ```
//!
//! A processor is made once for each task by its supplier, which takes the stores that the processor needs out of
//! [`Stores`]; it holds them as typed fields and looks nothing up by name for a record.

mod context;
mod entries;
mod fixed_key;
mod handle;
mod key_value;
mod stores;
mod window;

pub use context::{ProcessingContext, ProcessorContext};
pub use entries::{KeyValueEntries, WindowEntries, WindowsOfKey};
pub(crate) use fixed_key::FixedKey;
pub use fixed_key::{FixedKeyProcessor, FixedKeyProcessorContext, FixedKeyRecord};
pub(crate) use handle::Current;
pub use handle::{Plain, Timestamped, ValueForm};
pub use key_value::{KeyValueHandle, TimestampedKeyValueHandle};
pub(crate) use stores::Connected;
pub use stores::Stores;
pub use window::{TimestampedWindowHandle, WindowHandle};

use crate::Result;
use crate::record::{Data, Record, Timestamp};
use crate::task::TimerId;

/// An operator that a user writes: takes records one by one, may keep state, set timers and forward any records.
///
/// ```
/// use stream_core::dsl::StoreBuilder;
/// use stream_core::processor::{KeyValueHandle, Processor, ProcessorContext};
/// use stream_core::record::Record;
/// use stream_core::{Result, StreamsBuilder};
///
/// /// Forwards a record when its value is another than the last one of its key.
/// struct Changes {
///     last: KeyValueHandle<String, String>,
/// }
///
/// impl Processor<String, String> for Changes {
///     type KeyOut = String;
///     type ValueOut = String;
///
///     fn process(
///         &mut self,
///         record: Record<String, String>,
///         ctx: &mut ProcessorContext<'_, String, String>,
///     ) -> Result<()> {
///         if self.last.get(&record.key)?.as_ref() == Some(&record.value) {
///             return Ok(());
///         }
///         self.last.put(&record.key, record.value.clone())?;
///         ctx.forward(record)
///     }
/// }
///
/// let builder = StreamsBuilder::new();
/// builder.add_store(StoreBuilder::key_value::<String, String>("last"));
/// let readings = builder.stream::<String, String>("readings");
/// readings.process(|stores| Changes { last: stores.key_value("last") }, ["last"]).to("changes");
/// # builder.build().expect("a valid topology");
/// ```
///
/// An error or a panic stops the task, and says which operator and which record it was.
pub trait Processor<K, V> {
    /// Keys of what it forwards.
    type KeyOut: Data;
    /// Values of what it forwards.
    type ValueOut: Data;

    /// The task starts and its stores are restored: the place to set timers.
    ///
    /// # Errors
    /// An error stops the task.
    fn init(&mut self, _ctx: &mut ProcessorContext<'_, Self::KeyOut, Self::ValueOut>) -> Result<()> {
        Ok(())
    }

    /// Takes one record.
    ///
    /// # Errors
    /// An error stops the task.
    fn process(
        &mut self,
        record: Record<K, V>,
        ctx: &mut ProcessorContext<'_, Self::KeyOut, Self::ValueOut>,
    ) -> Result<()>;

    /// A timer that was set by [`schedule`](ProcessingContext::schedule) is due; `at` is the stream time, or the
    /// wall clock, as of now.
    ///
    /// # Errors
    /// An error stops the task.
    fn punctuate(
        &mut self,
        _timer: TimerId,
        _at: Timestamp,
        _ctx: &mut ProcessorContext<'_, Self::KeyOut, Self::ValueOut>,
    ) -> Result<()> {
        Ok(())
    }

    /// The task closes. Stores are closed after this.
    fn close(&mut self) {}
}
