//! Where records enter: bytes are decoded once, timestamps extracted once, nulls decided once.

use std::rc::Rc;
use std::sync::Arc;

use state_store::CodecRef;

use crate::node::Outlet;
use crate::record::{Data, RawRecord, Record, Timestamp};
use crate::task::context::TaskContext;
use crate::task::queues::Head;
use crate::{Error, Kind, Result};

/// Takes event time from a record.
pub trait TimestampExtractor<K, V>: Send + Sync + 'static {
    /// The event time of `record`, whose timestamp is the log's. `partition_time` is the highest event time taken from
    /// the partition so far, or [`Timestamp::NONE`]. A negative result drops the record, and it is counted.
    ///
    /// # Errors
    /// An error stops the task.
    fn extract(&self, record: &Record<K, V>, partition_time: Timestamp) -> Result<Timestamp>;
}

/// What a source needs to make records of bytes.
pub(crate) struct Source<K, V> {
    pub(crate) keys: CodecRef<K>,
    pub(crate) values: CodecRef<V>,
    /// `None`: the record's own timestamp, which must not be negative.
    pub(crate) extractor: Option<Arc<dyn TimestampExtractor<K, V>>>,
    pub(crate) outlet: Outlet<K, V>,
}

impl<K: Data, V: Data> Source<K, V> {
    fn decode(&self, raw: RawRecord<'_>, partition_time: Timestamp) -> Result<Record<K, V>> {
        let key = decode(&*self.keys, raw.key, "key")?;
        let value = decode(&*self.values, raw.value, "value")?;
        let mut record = Record { key, value, timestamp: raw.timestamp, headers: raw.headers.clone() };
        match &self.extractor {
            Some(extractor) => record.timestamp = extractor.extract(&record, partition_time)?,
            None if raw.timestamp.millis() < 0 => {
                let why =
                    format!("the record's timestamp {} is negative: name a timestamp extractor for it", raw.timestamp);
                return Err(Error::new(Kind::Fatal, why));
            }
            None => {}
        }
        Ok(record)
    }
}

fn decode<T: 'static>(codec: &dyn state_store::Codec<T>, bytes: Option<&[u8]>, what: &str) -> Result<T> {
    match bytes {
        Some(bytes) => {
            codec.decode(bytes).map_err(|error| Error::from(error.within(format_args!("the {what} does not decode"))))
        }
        None => codec.null().ok_or_else(|| {
            Error::new(Kind::Record, format!("the {what} is null, and its type has no null: read it as Option<_>"))
        }),
    }
}

/// The head of one partition queue: a source with the record that is next.
pub(crate) struct SourceHead<K, V> {
    source: Rc<Source<K, V>>,
    next: Option<Record<K, V>>,
}

impl<K, V> SourceHead<K, V> {
    pub(crate) fn new(source: Rc<Source<K, V>>) -> Self {
        Self { source, next: None }
    }
}

impl<K: Data, V: Data> Head for SourceHead<K, V> {
    fn load(&mut self, raw: RawRecord<'_>, partition_time: Timestamp) -> Result<Timestamp> {
        let record = self.source.decode(raw, partition_time)?;
        let timestamp = record.timestamp;
        self.next = Some(record);
        Ok(timestamp)
    }

    fn process(&mut self, task: &mut TaskContext) -> Result<()> {
        match self.next.take() {
            Some(record) => self.source.outlet.forward(record, task),
            None => Ok(()),
        }
    }
}
