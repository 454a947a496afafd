//! Typed ends of a test driver: a topic to pipe into, a topic to read from.

use std::time::Duration;

use state_store::{CodecRef, DefaultCodec};

use crate::record::{Headers, Record, Timestamp};
use crate::testing::TopologyTestDriver;
use crate::time::millis;
use crate::{Error, Result};

/// A topic that a test pipes records into.
pub struct TestInputTopic<K, V> {
    topic: String,
    keys: CodecRef<K>,
    values: CodecRef<V>,
    time: Timestamp,
}

impl<K: DefaultCodec, V: DefaultCodec> TestInputTopic<K, V> {
    /// The topic with the types' own codecs; its time starts at 0.
    pub fn new(topic: impl Into<String>) -> Self {
        Self::with_codecs(topic, K::codec(), V::codec())
    }
}

impl<K: 'static, V: 'static> TestInputTopic<K, V> {
    /// The topic with these codecs.
    pub fn with_codecs(topic: impl Into<String>, keys: CodecRef<K>, values: CodecRef<V>) -> Self {
        Self { topic: topic.into(), keys, values, time: Timestamp(0) }
    }

    /// Pipes a record at the topic's time.
    ///
    /// # Errors
    /// What an operator says.
    pub fn pipe(&self, driver: &mut TopologyTestDriver, key: &K, value: &V) -> Result<()> {
        self.pipe_at(driver, key, value, self.time)
    }

    /// Pipes a record at `timestamp`.
    ///
    /// # Errors
    /// What an operator says.
    pub fn pipe_at(&self, driver: &mut TopologyTestDriver, key: &K, value: &V, timestamp: Timestamp) -> Result<()> {
        let key = encode(&self.keys, key)?;
        let value = encode(&self.values, value)?;
        driver.pipe(&self.topic, key.as_deref(), value.as_deref(), timestamp, &Headers::EMPTY)
    }

    /// Moves the topic's time.
    pub fn advance_time(&mut self, by: Duration) {
        self.time = Timestamp(self.time.millis() + millis(by));
    }
}

fn encode<T: 'static>(codec: &CodecRef<T>, value: &T) -> Result<Option<Vec<u8>>> {
    if codec.is_null(value) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    codec.encode(value, &mut bytes)?;
    Ok(Some(bytes))
}

/// A topic that a test reads from.
pub struct TestOutputTopic<K, V> {
    topic: String,
    keys: CodecRef<K>,
    values: CodecRef<V>,
}

impl<K: DefaultCodec, V: DefaultCodec> TestOutputTopic<K, V> {
    /// The topic with the types' own codecs.
    pub fn new(topic: impl Into<String>) -> Self {
        Self::with_codecs(topic, K::codec(), V::codec())
    }
}

impl<K: 'static, V: 'static> TestOutputTopic<K, V> {
    /// The topic with these codecs.
    pub fn with_codecs(topic: impl Into<String>, keys: CodecRef<K>, values: CodecRef<V>) -> Self {
        Self { topic: topic.into(), keys, values }
    }

    /// The records sent to the topic since it was last read.
    ///
    /// # Errors
    /// `Kind::Record` where one does not decode.
    pub fn read_records(&self, driver: &mut TopologyTestDriver) -> Result<Vec<Record<K, V>>> {
        let sent = driver.take_output(&self.topic).into_iter();
        sent.map(|record| {
            let key = decode(&self.keys, record.key.as_deref())?;
            let value = decode(&self.values, record.value.as_deref())?;
            Ok(Record { key, value, timestamp: record.timestamp, headers: record.headers })
        })
        .collect()
    }

    /// Keys and values of the records sent to the topic since it was last read.
    ///
    /// # Errors
    /// `Kind::Record` where one does not decode.
    pub fn read_key_values(&self, driver: &mut TopologyTestDriver) -> Result<Vec<(K, V)>> {
        Ok(self.read_records(driver)?.into_iter().map(|record| (record.key, record.value)).collect())
    }
}

fn decode<T: 'static>(codec: &CodecRef<T>, bytes: Option<&[u8]>) -> Result<T> {
    match bytes {
        Some(bytes) => Ok(codec.decode(bytes)?),
        None => codec
            .null()
            .ok_or_else(|| Error::new(crate::Kind::Record, "a null where the type has none: read it as Option<_>")),
    }
}
