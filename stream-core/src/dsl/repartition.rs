//! A way through a topic of the application's own, so that records of one key meet in one task.
//!
//! ```text
//! parent ─▶ filter of null keys ─▶ sink ─▶ topic ─▶ source ─▶ what needs the partitioning
//! ```

use std::panic::Location;
use std::sync::Arc;

use state_store::{CodecRef, DefaultCodec};

use crate::dsl::{KStream, NewNode, Nullable, PlanCell, Repartitioned, add, any_codec};
use crate::node::Out;
use crate::node::sink::{Sink, StreamPartitioner, Target};
use crate::node::source::Source;
use crate::node::stateless::Stateless;
use crate::plan::{AnyCodecs, NodeId, Op, SinkTopic, TopicRef};
use crate::record::{Data, Record};

impl<K: Data, V: Data> KStream<'_, K, V> {
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
}

const SUFFIX: &str = "-repartition";

/// Names of a repartition's nodes and its topic.
pub(crate) struct RepartitionNames {
    topic: String,
    sink: String,
    filter: String,
    source: String,
}

impl RepartitionNames {
    /// The names for a topic of this prefix. Three indices are used up whether they are needed or not.
    pub(crate) fn new(plan: &PlanCell, prefix: &str) -> Self {
        let names = &mut plan.borrow_mut().names;
        let (sink, filter, source) =
            (names.generate("KSTREAM-SINK-"), names.generate("KSTREAM-FILTER-"), names.generate("KSTREAM-SOURCE-"));
        let topic = if prefix.ends_with(SUFFIX) { prefix.to_owned() } else { format!("{prefix}{SUFFIX}") };
        if is_generated(prefix) {
            Self { topic, sink, filter, source }
        } else {
            let (sink, filter, source) =
                (format!("{topic}-sink"), format!("{topic}-filter"), format!("{topic}-source"));
            Self { topic, sink, filter, source }
        }
    }
}

/// Whether a name is `KSTREAM…-` and ten digits, as generated ones are.
fn is_generated(name: &str) -> bool {
    let digits = name.len().checked_sub(10).and_then(|at| name.split_at_checked(at));
    digits.is_some_and(|(prefix, digits)| {
        prefix.starts_with("KSTREAM") && prefix.ends_with('-') && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// What a repartition writes and reads. `K` goes in, `G` comes out: the same key, not null.
pub(crate) struct Repartition<K, V> {
    pub(crate) names: RepartitionNames,
    pub(crate) keys: CodecRef<K>,
    pub(crate) values: CodecRef<V>,
    /// A number of partitions named by the user.
    pub(crate) partitions: Option<i32>,
    pub(crate) partitioner: Option<Arc<StreamPartitioner<K, V>>>,
    pub(crate) origin: &'static Location<'static>,
}

impl<K: Data, V: Data> Repartition<K, V> {
    /// Adds the nodes below `parent`, which carries `K`; the source reads the keys with `read`.
    pub(crate) fn add<G: Data>(self, plan: &PlanCell, parent: NodeId, read: CodecRef<G>) -> NodeId {
        let Self { names, keys, values, partitions, partitioner, origin } = self;
        let filter = add_filter::<K, V>(plan, parent, names.filter, keys.clone(), origin);
        let topic = TopicRef { name: names.topic, internal: true };
        let (sink_topic, sink_keys, sink_values) = (topic.clone(), keys, values.clone());
        let sink = NewNode {
            op: Op::Sink(SinkTopic::Repartition { topic: topic.clone(), partitions }),
            name: names.sink,
            parents: vec![filter],
            codecs: AnyCodecs::default(),
            repartition_required: false,
            origin,
            wire: Box::new(move |task| {
                let name = sink_topic.resolve(task.context().application_id());
                let (number, partitions) = task.context().topic(&name)?;
                let target = Target::Topic(number, partitions);
                let mut sink = Sink::new(sink_keys.clone(), sink_values.clone(), target);
                sink.partitioner = partitioner.clone();
                task.install::<K, V>(sink);
                Ok(())
            }),
        };
        add::<K, V>(plan, sink);
        let codecs = AnyCodecs { key: Some(any_codec(&read)), value: Some(any_codec(&values)) };
        let source = NewNode {
            op: Op::Source(vec![topic]),
            name: names.source,
            parents: Vec::new(),
            codecs,
            repartition_required: false,
            origin,
            wire: Box::new(move |task| {
                let outlet = task.outlet::<G, V>();
                let (keys, values) = (read.clone(), values.clone());
                task.install_source(Source { keys, values, extractor: None, outlet });
                Ok(())
            }),
        };
        add::<G, V>(plan, source)
    }
}

/// The filter of null keys. Where a left join downstream takes them, the plan lets them through.
fn add_filter<K: Data, V: Data>(
    plan: &PlanCell,
    parent: NodeId,
    name: String,
    keys: CodecRef<K>,
    origin: &'static Location<'static>,
) -> NodeId {
    let filter = NewNode {
        op: Op::NullKeyFilter { relaxed: false },
        name,
        parents: vec![parent],
        codecs: AnyCodecs::default(),
        repartition_required: false,
        origin,
        wire: Box::new(move |task| {
            let relaxed = task.plan_node().op == Op::NullKeyFilter { relaxed: true };
            let (keys, outlet) = (keys.clone(), task.outlet::<K, V>());
            let f = Arc::new(move |key: &K| relaxed || !keys.is_null(key));
            let step = |keep: &_, record: Record<K, V>, out: &mut Out<'_, K, V>| pass(keep, record, out);
            task.install::<K, V>(Stateless { f, step, outlet });
            Ok(())
        }),
    };
    add::<K, V>(plan, filter)
}

fn pass<K: Data, V: Data>(
    keep: &impl Fn(&K) -> bool,
    record: Record<K, V>,
    out: &mut Out<'_, K, V>,
) -> crate::Result<()> {
    if keep(&record.key) { out.forward(record) } else { Ok(()) }
}

/// A repartition of a stream of `K`, null or not, out of which come keys `G` that are not null.
pub(crate) fn to_present_keys<K: Nullable<G>, G: Data, V: Data>(
    plan: &PlanCell,
    parent: NodeId,
    names: RepartitionNames,
    keys: CodecRef<G>,
    values: CodecRef<V>,
    origin: &'static Location<'static>,
) -> NodeId {
    let written = K::codec(keys.clone());
    let repartition = Repartition { names, keys: written, values, partitions: None, partitioner: None, origin };
    repartition.add::<G>(plan, parent, keys)
}
