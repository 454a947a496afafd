//! Where records leave: encode, choose the partition, send. Also the write half of a repartition.

use std::sync::Arc;

use hashbrown::HashMap;
use state_store::CodecRef;

use crate::Result;
use crate::log::{OutTopic, Outgoing};
use crate::node::{Node, Push};
use crate::partitioner::partition_for_key;
use crate::record::{Data, Headers, Record};
use crate::task::context::TaskContext;

/// Chooses the topic of each record.
pub type TopicNameExtractor<K, V> = dyn Fn(&K, &V) -> String + Send + Sync;

/// Chooses the partition of a record: key, value, number of partitions. `None` leaves it to the default partitioner.
pub type StreamPartitioner<K, V> = dyn Fn(&K, &V, i32) -> Option<i32> + Send + Sync;

/// Which topic a sink writes to.
pub(crate) enum Target<K, V> {
    /// Always the same.
    Topic(OutTopic, i32),
    /// One chosen for each record; topics met so far.
    PerRecord(Arc<TopicNameExtractor<K, V>>, HashMap<String, (OutTopic, i32)>),
}

/// A running sink.
pub(crate) struct Sink<K, V> {
    pub(crate) keys: CodecRef<K>,
    pub(crate) values: CodecRef<V>,
    pub(crate) target: Target<K, V>,
    pub(crate) partitioner: Option<Arc<StreamPartitioner<K, V>>>,
    /// Counts records without a key round the partitions, as a partitioner without a key may.
    pub(crate) keyless: i32,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

impl<K: Data, V: Data> Sink<K, V> {
    pub(crate) fn new(keys: CodecRef<K>, values: CodecRef<V>, target: Target<K, V>) -> Self {
        Self { keys, values, target, partitioner: None, keyless: 0, key: Vec::new(), value: Vec::new() }
    }

    fn topic(&mut self, record: &Record<K, V>, task: &mut TaskContext) -> Result<(OutTopic, i32)> {
        match &mut self.target {
            Target::Topic(topic, partitions) => Ok((*topic, *partitions)),
            Target::PerRecord(extract, met) => {
                let name = extract(&record.key, &record.value);
                if let Some(found) = met.get(&name) {
                    return Ok(*found);
                }
                let found = task.topic(&name)?;
                met.insert(name, found);
                Ok(found)
            }
        }
    }

    fn partition(&mut self, record: &Record<K, V>, partitions: i32, has_key: bool) -> i32 {
        let chosen = self.partitioner.as_ref().and_then(|choose| choose(&record.key, &record.value, partitions));
        match chosen {
            Some(partition) => partition,
            None if has_key => partition_for_key(self.keys.partition_bytes(&self.key), partitions),
            None => {
                self.keyless = (self.keyless + 1) % partitions.max(1);
                self.keyless
            }
        }
    }
}

impl<K: Data, V: Data> Push<K, V> for Sink<K, V> {
    fn push(&mut self, record: Record<K, V>, task: &mut TaskContext) -> Result<()> {
        let (topic, partitions) = self.topic(&record, task)?;
        let has_key = encode(&*self.keys, &record.key, &mut self.key)?;
        let has_value = encode(&*self.values, &record.value, &mut self.value)?;
        let partition = self.partition(&record, partitions, has_key);
        let headers: &Headers = &record.headers;
        task.send(Outgoing {
            topic,
            partition,
            key: has_key.then_some(&*self.key),
            value: has_value.then_some(&*self.value),
            timestamp: record.timestamp,
            headers,
        })
    }
}

impl<K, V> Node for Sink<K, V> {}

/// Writes the bytes of `value` to `out` (cleared first); `false` for null.
fn encode<T: 'static>(codec: &dyn state_store::Codec<T>, value: &T, out: &mut Vec<u8>) -> Result<bool> {
    out.clear();
    if codec.is_null(value) {
        return Ok(false);
    }
    codec.encode(value, out)?;
    Ok(true)
}
