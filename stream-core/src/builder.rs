//! `StreamsBuilder`: where a topology begins, and where it is built.

use std::panic::Location;
use std::sync::Arc;

use state_store::DefaultCodec;

use crate::Result;
use crate::dsl::{
    Consumed, KStream, KTable, Materialized, NewNode, PlanCell, StoreBuilder, add, any_codec, table_of_topic,
};
use crate::node::source::Source;
use crate::plan::{AnyCodecs, Op, TopicRef, Topology, TypeTag};
use crate::record::{Data, Record};

/// Describes a topology, operator by operator.
#[derive(Default)]
pub struct StreamsBuilder {
    plan: PlanCell,
}

/// Topics to read: one, or several as one stream.
pub trait IntoTopics {
    /// The topics' names.
    fn into_topics(self) -> Vec<String>;
}

impl IntoTopics for &str {
    fn into_topics(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl IntoTopics for String {
    fn into_topics(self) -> Vec<String> {
        vec![self]
    }
}

impl<S: Into<String>> IntoTopics for Vec<S> {
    fn into_topics(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<S: Into<String>, const N: usize> IntoTopics for [S; N] {
    fn into_topics(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl StreamsBuilder {
    /// An empty topology.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads topics with the types' own codecs.
    #[track_caller]
    pub fn stream<K: Data + DefaultCodec, V: Data + DefaultCodec>(&self, topics: impl IntoTopics) -> KStream<'_, K, V> {
        self.stream_with(topics, Consumed::default())
    }

    /// Reads topics as `consumed` says. Streams of the same topics share one source: the first one's codecs and
    /// timestamp extractor are used.
    #[track_caller]
    pub fn stream_with<K: Data, V: Data>(
        &self,
        topics: impl IntoTopics,
        consumed: Consumed<K, V>,
    ) -> KStream<'_, K, V> {
        let origin = Location::caller();
        let topics: Vec<_> = topics.into_topics().into_iter().map(|name| TopicRef { name, internal: false }).collect();
        let name = self.plan.borrow_mut().operator_name(consumed.name.clone(), "KSTREAM-SOURCE-", origin);
        let output = TypeTag::of::<Record<K, V>>();
        let shared = self.plan.borrow_mut().shared_source(&topics, output, origin);
        if let Some(source) = shared {
            return KStream::at(&self.plan, source);
        }
        let codecs = AnyCodecs { key: Some(any_codec(&consumed.keys)), value: Some(any_codec(&consumed.values)) };
        let node = add::<K, V>(
            &self.plan,
            NewNode {
                op: Op::Source(topics),
                name,
                parents: Vec::new(),
                codecs,
                repartition_required: false,
                origin,
                wire: Box::new(move |task| {
                    let outlet = task.outlet::<K, V>();
                    task.install_source(Source {
                        keys: Arc::clone(&consumed.keys),
                        values: Arc::clone(&consumed.values),
                        extractor: consumed.extractor.clone(),
                        outlet,
                    });
                    Ok(())
                }),
            },
        );
        self.plan.borrow_mut().share_source(node);
        KStream::at(&self.plan, node)
    }

    /// Reads a topic as a table, with the types' own codecs: a record without a key is dropped, one without a value
    /// deletes its key.
    ///
    /// ```
    /// use stream_core::StreamsBuilder;
    /// use stream_core::dsl::KTable;
    ///
    /// let builder = StreamsBuilder::new();
    /// let names: KTable<'_, i64, String> = builder.table("names");
    /// names.filter(|_id, name| !name.is_empty()).to("named");
    /// # builder.build().expect("a valid topology");
    /// ```
    ///
    /// The table is kept in a store only where something reads it.
    #[track_caller]
    pub fn table<K: Data + DefaultCodec, V: Data + DefaultCodec>(&self, topic: impl Into<String>) -> KTable<'_, K, V> {
        self.table_with(topic, Consumed::default(), Materialized::default())
    }

    /// Reads a topic as a table. It is kept in a store where `materialized` names one, or something reads it. The codecs
    /// are those of `consumed`.
    #[track_caller]
    pub fn table_with<K: Data, V: Data>(
        &self,
        topic: impl Into<String>,
        consumed: Consumed<K, V>,
        materialized: Materialized<K, V>,
    ) -> KTable<'_, K, V> {
        table_of_topic(&self.plan, topic.into(), consumed, &materialized, Location::caller())
    }

    /// Adds a store for processors, which then use it by name.
    pub fn add_store(&self, store: StoreBuilder) {
        store.add_to(&mut self.plan.borrow_mut());
    }

    /// The finished topology.
    ///
    /// # Errors
    /// `Kind::Invalid` for the first mistake, with the line that made it.
    pub fn build(self) -> Result<Topology> {
        Ok(Topology { plan: self.plan.into_inner().build()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_up_and_repartitions_are_not_there_yet() {
        let builder = StreamsBuilder::new();
        let stream = builder.stream::<String, String>("in");
        stream.filter(|_, value| !value.is_empty()).named("trimmed").map_values(|_, v| v.trim().to_owned()).to("out");
        let topology = builder.build().expect("a valid topology");
        let names: Vec<_> = topology.plan.nodes.iter().map(|node| node.name.as_str()).collect();
        let expected = ["KSTREAM-SOURCE-0000000000", "KSTREAM-FILTER-0000000001", "trimmed", "KSTREAM-SINK-0000000003"];
        assert_eq!(names, expected);
        assert_eq!(topology.plan.subtopologies.len(), 1);
    }
}
