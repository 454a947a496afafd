//! Options of operators: `Consumed`, `Produced`, `Named`.

use std::sync::Arc;

use state_store::{CodecRef, DefaultCodec};

use crate::node::sink::StreamPartitioner;
use crate::node::source::TimestampExtractor;

/// A name for an operator, in place of a generated one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named(pub(crate) String);

impl Named {
    /// The name `name`: ASCII letters, digits, `.`, `_` and `-`, at most 249; checked when the topology is built.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl From<&str> for Named {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Named {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

/// How a topic is read: codecs, timestamp extractor, name.
pub struct Consumed<K, V> {
    pub(crate) keys: CodecRef<K>,
    pub(crate) values: CodecRef<V>,
    pub(crate) extractor: Option<Arc<dyn TimestampExtractor<K, V>>>,
    pub(crate) name: Option<String>,
}

impl<K, V> Consumed<K, V> {
    /// Reads with these codecs.
    pub fn with_codecs(keys: CodecRef<K>, values: CodecRef<V>) -> Self {
        Self { keys, values, extractor: None, name: None }
    }

    /// Takes event time by `extractor` instead of the record's own timestamp.
    #[must_use]
    pub fn timestamp_extractor(mut self, extractor: impl TimestampExtractor<K, V>) -> Self {
        self.extractor = Some(Arc::new(extractor));
        self
    }

    /// Names the source.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.name = Some(name.into().0);
        self
    }
}

/// The types' own codecs.
impl<K: DefaultCodec, V: DefaultCodec> Default for Consumed<K, V> {
    fn default() -> Self {
        Self::with_codecs(K::codec(), V::codec())
    }
}

/// How a topic is written: codecs, partitioner, name.
pub struct Produced<K, V> {
    pub(crate) keys: CodecRef<K>,
    pub(crate) values: CodecRef<V>,
    pub(crate) partitioner: Option<Arc<StreamPartitioner<K, V>>>,
    pub(crate) name: Option<String>,
}

impl<K, V> Produced<K, V> {
    /// Writes with these codecs.
    pub fn with_codecs(keys: CodecRef<K>, values: CodecRef<V>) -> Self {
        Self { keys, values, partitioner: None, name: None }
    }

    /// Chooses partitions by `choose`: key, value, number of partitions; `None` leaves a record to the default.
    #[must_use]
    pub fn partitioner(mut self, choose: impl Fn(&K, &V, i32) -> Option<i32> + Send + Sync + 'static) -> Self {
        self.partitioner = Some(Arc::new(choose));
        self
    }

    /// Names the sink.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.name = Some(name.into().0);
        self
    }
}

/// The types' own codecs.
impl<K: DefaultCodec, V: DefaultCodec> Default for Produced<K, V> {
    fn default() -> Self {
        Self::with_codecs(K::codec(), V::codec())
    }
}
