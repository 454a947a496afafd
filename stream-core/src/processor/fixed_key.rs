//! Processors that cannot change keys, so that what comes after them needs no repartition.

use std::ops::{Deref, DerefMut};

use crate::Result;
use crate::processor::{ProcessingContext, Processor, ProcessorContext};
use crate::record::{Data, Headers, Record, Timestamp};
use crate::task::TimerId;

/// A [`Processor`] that forwards only records made from those it took: value, timestamp and headers may be others,
/// the key stays.
///
/// ```
/// use stream_core::processor::{FixedKeyProcessor, FixedKeyProcessorContext, FixedKeyRecord};
/// use stream_core::{Result, StreamsBuilder};
///
/// /// Adds a header to each record.
/// struct Stamp;
///
/// impl FixedKeyProcessor<String, String> for Stamp {
///     type ValueOut = String;
///
///     fn process(
///         &mut self,
///         mut record: FixedKeyRecord<String, String>,
///         ctx: &mut FixedKeyProcessorContext<'_, String, String>,
///     ) -> Result<()> {
///         record.headers.push("seen", Some(b"yes".to_vec()));
///         ctx.forward(record)
///     }
/// }
///
/// let builder = StreamsBuilder::new();
/// builder.stream::<String, String>("in").process_values(|_| Stamp, ()).to("out");
/// # builder.build().expect("a valid topology");
/// ```
pub trait FixedKeyProcessor<K: Data, V> {
    /// Values of what it forwards.
    type ValueOut: Data;

    /// The task starts and its stores are restored.
    ///
    /// # Errors
    /// An error stops the task.
    fn init(&mut self, _ctx: &mut FixedKeyProcessorContext<'_, K, Self::ValueOut>) -> Result<()> {
        Ok(())
    }

    /// Takes one record.
    ///
    /// # Errors
    /// An error stops the task.
    fn process(
        &mut self,
        record: FixedKeyRecord<K, V>,
        ctx: &mut FixedKeyProcessorContext<'_, K, Self::ValueOut>,
    ) -> Result<()>;

    /// A timer is due.
    ///
    /// # Errors
    /// An error stops the task.
    fn punctuate(
        &mut self,
        _timer: TimerId,
        _at: Timestamp,
        _ctx: &mut FixedKeyProcessorContext<'_, K, Self::ValueOut>,
    ) -> Result<()> {
        Ok(())
    }

    /// The task closes.
    fn close(&mut self) {}
}

/// A record whose key cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedKeyRecord<K, V> {
    key: K,
    /// The value.
    pub value: V,
    /// Event time.
    pub timestamp: Timestamp,
    /// Headers.
    pub headers: Headers,
}

impl<K, V> FixedKeyRecord<K, V> {
    /// The key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The same record with another value.
    pub fn with_value<W>(self, value: W) -> FixedKeyRecord<K, W> {
        FixedKeyRecord { key: self.key, value, timestamp: self.timestamp, headers: self.headers }
    }
}

/// What a [`FixedKeyProcessor`] works with: all of [`ProcessingContext`], and its outlet.
pub struct FixedKeyProcessorContext<'a, K, V> {
    context: ProcessorContext<'a, K, V>,
}

impl<K: Data, V: Data> FixedKeyProcessorContext<'_, K, V> {
    /// Passes a record to every operator downstream. They are done with it when this returns.
    ///
    /// # Errors
    /// What an operator downstream says; `Kind::Record` for a negative timestamp.
    #[inline]
    pub fn forward(&mut self, record: FixedKeyRecord<K, V>) -> Result<()> {
        self.context.forward(open(record))
    }

    /// Passes a record to the operator `child` alone, one of those directly downstream.
    ///
    /// # Errors
    /// What the operator says; `Kind::Invalid` where no operator downstream has that name.
    pub fn forward_to(&mut self, child: &str, record: FixedKeyRecord<K, V>) -> Result<()> {
        self.context.forward_to(child, open(record))
    }
}

fn open<K, V>(record: FixedKeyRecord<K, V>) -> Record<K, V> {
    let FixedKeyRecord { key, value, timestamp, headers } = record;
    Record { key, value, timestamp, headers }
}

impl<'a, K, V> Deref for FixedKeyProcessorContext<'a, K, V> {
    type Target = ProcessingContext<'a>;

    fn deref(&self) -> &ProcessingContext<'a> {
        &self.context
    }
}

impl<K, V> DerefMut for FixedKeyProcessorContext<'_, K, V> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.context
    }
}

/// A processor of fixed keys as an ordinary one: the same node runs both.
pub(crate) struct FixedKey<P>(pub(crate) P);

impl<K: Data, V, P: FixedKeyProcessor<K, V>> Processor<K, V> for FixedKey<P> {
    type KeyOut = K;
    type ValueOut = P::ValueOut;

    fn init(&mut self, ctx: &mut ProcessorContext<'_, K, P::ValueOut>) -> Result<()> {
        self.0.init(&mut FixedKeyProcessorContext { context: ctx.reborrow() })
    }

    #[inline]
    fn process(&mut self, record: Record<K, V>, ctx: &mut ProcessorContext<'_, K, P::ValueOut>) -> Result<()> {
        let Record { key, value, timestamp, headers } = record;
        let record = FixedKeyRecord { key, value, timestamp, headers };
        self.0.process(record, &mut FixedKeyProcessorContext { context: ctx.reborrow() })
    }

    fn punctuate(
        &mut self,
        timer: TimerId,
        at: Timestamp,
        ctx: &mut ProcessorContext<'_, K, P::ValueOut>,
    ) -> Result<()> {
        self.0.punctuate(timer, at, &mut FixedKeyProcessorContext { context: ctx.reborrow() })
    }

    fn close(&mut self) {
        self.0.close();
    }
}
