//! Options of operators: `Consumed`, `Produced`, `Grouped`, `Joined`, `Repartitioned`, `Named`.

use std::sync::Arc;

use state_store::{CodecRef, DefaultCodec};

use crate::dsl::codecs::Codecs;
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
///
/// A codec is, in this order: the one named here, the one that the stream carries, the type's own.
pub struct Produced<K, V> {
    pub(crate) keys: Codecs<K>,
    pub(crate) values: Codecs<V>,
    pub(crate) partitioner: Option<Arc<StreamPartitioner<K, V>>>,
    pub(crate) name: Option<String>,
}

impl<K, V> Produced<K, V> {
    /// Writes with these codecs.
    pub fn with_codecs(keys: CodecRef<K>, values: CodecRef<V>) -> Self {
        Self { keys: Codecs::named(keys), values: Codecs::named(values), partitioner: None, name: None }
    }

    /// Writes with the codecs that the stream carries, for types that have none of their own.
    #[must_use]
    pub fn inherited() -> Self {
        Self { keys: Codecs::inherited(), values: Codecs::inherited(), partitioner: None, name: None }
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

/// The codecs that the stream carries, or the types' own.
impl<K: DefaultCodec, V: DefaultCodec> Default for Produced<K, V> {
    fn default() -> Self {
        Self { keys: Codecs::own(), values: Codecs::own(), partitioner: None, name: None }
    }
}

/// How a stream is grouped: codecs of keys and values, and a name for the repartition topic that this may need.
///
/// A codec is, in this order: the one named here, the one that the stream carries, the type's own.
pub struct Grouped<K, V> {
    pub(crate) keys: Codecs<K>,
    pub(crate) values: Codecs<V>,
    pub(crate) name: Option<String>,
}

impl<K, V> Grouped<K, V> {
    /// Groups with these codecs.
    pub fn with_codecs(keys: CodecRef<K>, values: CodecRef<V>) -> Self {
        Self { keys: Codecs::named(keys), values: Codecs::named(values), name: None }
    }

    /// Groups with the codecs that the stream carries, for types that have none of their own.
    #[must_use]
    pub fn inherited() -> Self {
        Self { keys: Codecs::inherited(), values: Codecs::inherited(), name: None }
    }

    /// Names the repartition topic, `<application>-<name>-repartition`. All aggregations of the group share it.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.name = Some(name.into().0);
        self
    }
}

impl<K: DefaultCodec, V: DefaultCodec> Grouped<K, V> {
    /// Groups through a repartition topic of this name, where one is needed.
    pub fn as_name(name: impl Into<Named>) -> Self {
        Self::default().named(name)
    }
}

/// The codecs that the stream carries, or the types' own.
impl<K: DefaultCodec, V: DefaultCodec> Default for Grouped<K, V> {
    fn default() -> Self {
        Self { keys: Codecs::own(), values: Codecs::own(), name: None }
    }
}

/// Options of a stream-table join: the stream's codecs, which are used where it has to be repartitioned, and a name.
pub struct Joined<K, V> {
    pub(crate) keys: Codecs<K>,
    pub(crate) values: Codecs<V>,
    pub(crate) name: Option<String>,
}

impl<K, V> Joined<K, V> {
    /// Repartitions with these codecs.
    pub fn with_codecs(keys: CodecRef<K>, values: CodecRef<V>) -> Self {
        Self { keys: Codecs::named(keys), values: Codecs::named(values), name: None }
    }

    /// Repartitions with the codecs that the stream carries.
    #[must_use]
    pub fn inherited() -> Self {
        Self { keys: Codecs::inherited(), values: Codecs::inherited(), name: None }
    }

    /// Names the join and, where there is one, its repartition topic.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.name = Some(name.into().0);
        self
    }
}

impl<K: DefaultCodec, V: DefaultCodec> Joined<K, V> {
    /// A join of this name.
    pub fn as_name(name: impl Into<Named>) -> Self {
        Self::default().named(name)
    }
}

/// The codecs that the stream carries, or the types' own.
impl<K: DefaultCodec, V: DefaultCodec> Default for Joined<K, V> {
    fn default() -> Self {
        Self { keys: Codecs::own(), values: Codecs::own(), name: None }
    }
}

/// How a stream is repartitioned: codecs, topic name, number of partitions, partitioner.
///
/// A codec is, in this order: the one named here, the one that the stream carries, the type's own.
pub struct Repartitioned<K, V> {
    pub(crate) keys: Codecs<K>,
    pub(crate) values: Codecs<V>,
    pub(crate) name: Option<String>,
    pub(crate) partitions: Option<i32>,
    pub(crate) partitioner: Option<Arc<StreamPartitioner<K, V>>>,
}

impl<K, V> Repartitioned<K, V> {
    fn new(keys: Codecs<K>, values: Codecs<V>) -> Self {
        Self { keys, values, name: None, partitions: None, partitioner: None }
    }

    /// Writes and reads with these codecs.
    pub fn with_codecs(keys: CodecRef<K>, values: CodecRef<V>) -> Self {
        Self::new(Codecs::named(keys), Codecs::named(values))
    }

    /// Writes and reads with the codecs that the stream carries, for types that have none of their own.
    #[must_use]
    pub fn inherited() -> Self {
        Self::new(Codecs::inherited(), Codecs::inherited())
    }

    /// Names the topic, `<application>-<name>-repartition`.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.name = Some(name.into().0);
        self
    }

    /// How many partitions the topic has; without it, as many as what is read upstream.
    #[must_use]
    pub fn partitions(mut self, partitions: i32) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// Chooses partitions by `choose`: key, value, number of partitions; `None` leaves a record to the default.
    #[must_use]
    pub fn partitioner(mut self, choose: impl Fn(&K, &V, i32) -> Option<i32> + Send + Sync + 'static) -> Self {
        self.partitioner = Some(Arc::new(choose));
        self
    }
}

impl<K: DefaultCodec, V: DefaultCodec> Repartitioned<K, V> {
    /// Through a topic of this name.
    pub fn as_name(name: impl Into<Named>) -> Self {
        Self::default().named(name)
    }
}

/// The codecs that the stream carries, or the types' own.
impl<K: DefaultCodec, V: DefaultCodec> Default for Repartitioned<K, V> {
    fn default() -> Self {
        Self::new(Codecs::own(), Codecs::own())
    }
}
