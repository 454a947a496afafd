//! Where a stream ends in a topic.

use std::panic::Location;
use std::sync::Arc;

use hashbrown::HashMap;
use state_store::DefaultCodec;

use crate::dsl::{KStream, NewNode, Produced, add};
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
}

/// Which topic a sink writes to.
enum Chosen<K, V> {
    Fixed(TopicRef),
    PerRecord(Arc<TopicNameExtractor<K, V>>, String),
}
