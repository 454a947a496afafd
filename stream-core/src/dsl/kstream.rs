//! Streams: the operators without state, and where a stream ends.

use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use state_store::DefaultCodec;

use crate::Result;
use crate::dsl::{Named, NewNode, PlanCell, Produced, add};
use crate::node::Out;
use crate::node::sink::{Sink, Target};
use crate::node::stateless::Stateless;
use crate::plan::{AnyCodecs, NodeId, Op, PendingName, SinkTopic, TopicRef};
use crate::record::{Data, Record};

/// An unbounded stream of records: a position in the plan of one [`StreamsBuilder`](crate::StreamsBuilder).
///
/// A handle is `Copy`: using a stream twice is fan-out. No handle outlives the builder's `build`.
pub struct KStream<'b, K, V> {
    pub(crate) plan: &'b PlanCell,
    pub(crate) node: NodeId,
    /// The name for the next operator, kept by the plan.
    pending: Option<PendingName>,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for KStream<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for KStream<'_, K, V> {}

/// What an operator does to the codecs and the partitioning of its stream.
#[derive(Clone, Copy)]
pub(crate) enum Keeps {
    /// Key and value are as before.
    KeyAndValue,
    /// The key is as before.
    Key,
    /// The value is as before; the key is another, so the partitioning is gone.
    Value,
    /// Neither.
    Nothing,
}

impl<'b, K: Data, V: Data> KStream<'b, K, V> {
    pub(crate) fn at(plan: &'b PlanCell, node: NodeId) -> Self {
        Self { plan, node, pending: None, types: PhantomData }
    }

    /// Names the next operator: `stream.named("evens").filter(..)`.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.pending = Some(self.plan.borrow_mut().keep_name(name.into().0));
        self
    }

    /// Keeps the records for which `keep` is true.
    #[track_caller]
    pub fn filter(self, keep: impl Fn(&K, &V) -> bool + Send + Sync + 'static) -> Self {
        let operator = Operator { op: Op::Filter, prefix: "KSTREAM-FILTER-", keeps: Keeps::KeyAndValue };
        self.stateless(
            operator,
            keep,
            |keep, record, out| {
                if keep(&record.key, &record.value) { out.forward(record) } else { Ok(()) }
            },
        )
    }

    /// Replaces each value; the key, and so the partitioning, is unchanged.
    #[track_caller]
    pub fn map_values<W: Data>(self, f: impl Fn(&K, V) -> W + Send + Sync + 'static) -> KStream<'b, K, W> {
        let operator = Operator { op: Op::MapValues, prefix: "KSTREAM-MAPVALUES-", keeps: Keeps::Key };
        self.stateless(operator, f, |f, record, out| {
            let Record { key, value, timestamp, headers } = record;
            let value = f(&key, value);
            out.forward(Record { key, value, timestamp, headers })
        })
    }

    /// Every stateless operator is this, with another step. `step` captures nothing, so it is inlined.
    #[track_caller]
    pub(crate) fn stateless<F, K2: Data, V2: Data>(
        self,
        operator: Operator,
        f: F,
        step: impl Fn(&F, Record<K, V>, &mut Out<'_, K2, V2>) -> Result<()> + Copy + Send + Sync + 'static,
    ) -> KStream<'b, K2, V2>
    where
        F: Send + Sync + 'static,
    {
        let origin = Location::caller();
        // One closure, shared by all tasks: no `Clone` is asked of users.
        let f = Arc::new(f);
        let name = self.next_name(None, operator.prefix, origin);
        let (codecs, required) = self.inherit(operator.keeps);
        let node = add::<K2, V2>(
            self.plan,
            NewNode {
                op: operator.op,
                name,
                parents: vec![self.node],
                codecs,
                repartition_required: required,
                origin,
                wire: Box::new(move |task| {
                    let outlet = task.outlet::<K2, V2>();
                    task.install::<K, V>(Stateless { f: Arc::clone(&f), step, outlet });
                    Ok(())
                }),
            },
        );
        KStream::at(self.plan, node)
    }

    /// The name that the user gave the operator (in its options, or by [`named`](Self::named)), checked, or the next
    /// generated one.
    pub(crate) fn next_name(&self, user: Option<String>, prefix: &str, origin: &'static Location<'static>) -> String {
        let mut plan = self.plan.borrow_mut();
        let user = user.or_else(|| self.pending.map(|pending| plan.kept_name(pending)));
        plan.operator_name(user, prefix, origin)
    }

    /// The name that the user gave the next operator by [`named`](Self::named).
    pub(crate) fn own_name(&self) -> Option<String> {
        self.pending.map(|pending| self.plan.borrow().kept_name(pending))
    }

    fn inherit(&self, keeps: Keeps) -> (AnyCodecs, bool) {
        let plan = self.plan.borrow();
        let parent = plan.node(self.node);
        let AnyCodecs { key, value } = parent.codecs.clone();
        let required = parent.repartition_required;
        match keeps {
            Keeps::KeyAndValue => (AnyCodecs { key, value }, required),
            Keeps::Key => (AnyCodecs { key, value: None }, required),
            Keeps::Value => (AnyCodecs { key: None, value }, true),
            Keeps::Nothing => (AnyCodecs::default(), true),
        }
    }

    /// Writes the stream to `topic` with the types' own codecs.
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
        let origin = Location::caller();
        let topic = topic.into();
        let name = self.next_name(produced.name, "KSTREAM-SINK-", origin);
        let (keys, values, partitioner) = (produced.keys, produced.values, produced.partitioner);
        let target = TopicRef { name: topic.clone(), internal: false };
        add::<K, V>(
            self.plan,
            NewNode {
                op: Op::Sink(SinkTopic::Topic(target)),
                name,
                parents: vec![self.node],
                codecs: AnyCodecs::default(),
                repartition_required: false,
                origin,
                wire: Box::new(move |task| {
                    let (number, partitions) = task.context().topic(&topic)?;
                    let mut sink = Sink::new(Arc::clone(&keys), Arc::clone(&values), Target::Topic(number, partitions));
                    sink.partitioner = partitioner.clone();
                    task.install::<K, V>(sink);
                    Ok(())
                }),
            },
        );
    }
}

/// What a stateless operator says of itself.
pub(crate) struct Operator {
    pub(crate) op: Op,
    pub(crate) prefix: &'static str,
    pub(crate) keeps: Keeps,
}
