//! Where a stream ends in a topic, and where it goes through one of the application's own.

use std::panic::Location;
use std::sync::Arc;

use hashbrown::HashMap;
use state_store::{CodecRef, DefaultCodec};

use crate::dsl::codecs::Codecs;
use crate::dsl::materialized::missing_codec;
use crate::dsl::repartition::{Repartition, RepartitionNames};
use crate::dsl::{KStream, NewNode, Produced, Repartitioned, add, typed_codec};
use crate::node::sink::{Sink, Target, TopicNameExtractor};
use crate::plan::{AnyCodecs, Op, SinkTopic, TopicRef};
use crate::record::Data;

impl<'b, K: Data, V: Data> KStream<'b, K, V> {
    /// Writes the stream to `topic`, which must exist, with the codecs that the stream carries or the types' own.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// builder.stream::<String, String>("in").map_values(|_, text| text.len() as i64).to("lengths");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn to(self, topic: impl Into<String>)
    where
        K: DefaultCodec,
        V: DefaultCodec,
    {
        self.to_with(topic, Produced::default());
    }

    /// Writes the stream to `topic`.
    #[track_caller]
    pub fn to_with(self, topic: impl Into<String>, produced: Produced<K, V>) {
        let topic = TopicRef { name: topic.into(), internal: false };
        self.sink(Chosen::Fixed(topic), produced, Location::caller());
    }

    /// Writes each record to the topic that `choose` names for it. The topics must exist.
    #[track_caller]
    pub fn to_chosen(self, choose: impl Fn(&K, &V) -> String + Send + Sync + 'static)
    where
        K: DefaultCodec,
        V: DefaultCodec,
    {
        self.to_chosen_with(choose, Produced::default());
    }

    /// Writes each record to the topic that `choose` names for it. The topics must exist.
    #[track_caller]
    pub fn to_chosen_with(self, choose: impl Fn(&K, &V) -> String + Send + Sync + 'static, produced: Produced<K, V>) {
        let shown = std::any::type_name_of_val(&choose).to_owned();
        self.sink(Chosen::PerRecord(Arc::new(choose), shown), produced, Location::caller());
    }

    /// [`to_chosen_with`](Self::to_chosen_with) with `shown` as the extractor's name in `Topology::describe`.
    #[track_caller]
    pub fn to_chosen_as(
        self,
        shown: impl Into<String>,
        choose: impl Fn(&K, &V) -> String + Send + Sync + 'static,
        produced: Produced<K, V>,
    ) {
        self.sink(Chosen::PerRecord(Arc::new(choose), shown.into()), produced, Location::caller());
    }

    fn sink(self, chosen: Chosen<K, V>, produced: Produced<K, V>, origin: &'static Location<'static>) {
        let name = self.next_name(produced.name, "KSTREAM-SINK-", origin);
        let Some((keys, values)) = self.codecs(&produced.keys, &produced.values, "Produced::with_codecs", origin)
        else {
            return;
        };
        let partitioner = produced.partitioner;
        let op = match &chosen {
            Chosen::Fixed(topic) => SinkTopic::Topic(topic.clone()),
            Chosen::PerRecord(_, shown) => SinkTopic::PerRecord(shown.clone()),
        };
        let sink = NewNode {
            op: Op::Sink(op),
            name,
            parents: vec![self.node],
            codecs: AnyCodecs::default(),
            repartition_required: false,
            origin,
            wire: Box::new(move |task| {
                let target = match &chosen {
                    Chosen::Fixed(topic) => {
                        let (number, partitions) = task.context().topic(&topic.name)?;
                        Target::Topic(number, partitions)
                    }
                    Chosen::PerRecord(choose, _) => Target::PerRecord(choose.clone(), HashMap::new()),
                };
                let mut sink = Sink::new(keys.clone(), values.clone(), target);
                sink.partitioner = partitioner.clone();
                task.install::<K, V>(sink);
                Ok(())
            }),
        };
        add::<K, V>(self.plan, sink);
    }

    /// Sends the stream through a topic of the application's own, so that records of one key meet in one task.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # use stream_core::dsl::Repartitioned;
    /// # let builder = StreamsBuilder::new();
    /// let orders = builder.stream::<String, i64>("orders").select_key(|_, amount| *amount);
    /// orders.repartition_with(Repartitioned::as_name("by-amount").partitions(8)).to("out");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn repartition(self) -> Self
    where
        K: DefaultCodec,
        V: DefaultCodec,
    {
        self.repartition_with(Repartitioned::default())
    }

    /// Sends the stream through a topic of the application's own, as `repartitioned` says.
    #[track_caller]
    pub fn repartition_with(self, repartitioned: Repartitioned<K, V>) -> Self {
        let origin = Location::caller();
        let Repartitioned { keys, values, name, partitions, partitioner } = repartitioned;
        let user = name.or_else(|| self.own_name());
        let prefix = match user {
            Some(name) => self.plan.borrow_mut().user_name(name, origin),
            None => self.plan.borrow_mut().names.generate("KSTREAM-REPARTITION-"),
        };
        let names = RepartitionNames::new(self.plan, &prefix);
        let codecs = self.codecs(&keys, &values, "Repartitioned::with_codecs", origin);
        let Some((keys, values)) = codecs else { return self };
        let read = keys.clone();
        let repartition = Repartition { names, keys, values, partitions, partitioner, origin };
        KStream::at(self.plan, repartition.add::<K>(self.plan, self.node, read))
    }

    /// The codecs of an operator on this stream; a missing one is kept as a mistake of the topology.
    pub(crate) fn codecs(
        &self,
        keys: &Codecs<K>,
        values: &Codecs<V>,
        option: &str,
        origin: &'static Location<'static>,
    ) -> Option<(CodecRef<K>, CodecRef<V>)> {
        let AnyCodecs { key, value } = self.plan.borrow().node(self.node).codecs.clone();
        let keys = keys.choose(typed_codec(key.as_ref()));
        let values = values.choose(typed_codec(value.as_ref()));
        if keys.is_none() {
            missing_codec::<K>(self.plan, "key", option, origin);
        }
        if values.is_none() {
            missing_codec::<V>(self.plan, "value", option, origin);
        }
        keys.zip(values)
    }
}

/// Which topic a sink writes to.
enum Chosen<K, V> {
    Fixed(TopicRef),
    PerRecord(Arc<TopicNameExtractor<K, V>>, String),
}
