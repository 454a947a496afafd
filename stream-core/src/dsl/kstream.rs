//! Streams: the operators without state, and where a stream ends.

use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use state_store::CodecRef;

use crate::Result;
use crate::dsl::codecs::{Codecs, missing_codec, typed_codec};
use crate::dsl::{Named, NewNode, PlanCell, add};
use crate::node::Out;
use crate::node::stateless::Stateless;
use crate::plan::{AnyCodecs, NodeId, Op, PendingName};
use crate::record::{Data, Record};

/// An unbounded stream of records: a position in the plan of one [`StreamsBuilder`](crate::StreamsBuilder).
///
/// A handle is `Copy`: using a stream twice is fan-out. No handle outlives the builder's `build`.
pub struct KStream<'b, K, V> {
    pub(crate) plan: &'b PlanCell,
    pub(crate) node: NodeId,
    /// The name for the next operator, kept by the plan.
    pub(crate) pending: Option<PendingName>,
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

    /// Drops the records for which `drop` is true.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// let events = builder.stream::<String, String>("events");
    /// events.filter_not(|_, event| event.contains("heartbeat")).to("actions");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn filter_not(self, drop: impl Fn(&K, &V) -> bool + Send + Sync + 'static) -> Self {
        self.filter(move |key, value| !drop(key, value))
    }

    /// Replaces key and value of each record. Operators by key that follow repartition the stream.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// let orders = builder.stream::<String, i64>("orders");
    /// orders.map(|customer, amount| (amount / 100, customer)).to("customers-by-amount");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn map<K2: Data, V2: Data>(self, f: impl Fn(K, V) -> (K2, V2) + Send + Sync + 'static) -> KStream<'b, K2, V2> {
        let operator = Operator { op: Op::Map, prefix: "KSTREAM-MAP-", keeps: Keeps::Nothing };
        self.stateless(operator, f, |f, record, out| {
            let Record { key, value, timestamp, headers } = record;
            let (key, value) = f(key, value);
            out.forward(Record { key, value, timestamp, headers })
        })
    }

    /// Replaces each record by any number of others. Operators by key that follow repartition the stream.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// let lines = builder.stream::<String, String>("lines");
    /// let words = lines.flat_map(|_, line| line.split(' ').map(|word| (word.to_owned(), 1)).collect::<Vec<_>>());
    /// words.to("words");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn flat_map<K2: Data, V2: Data, I: IntoIterator<Item = (K2, V2)>>(
        self,
        f: impl Fn(K, V) -> I + Send + Sync + 'static,
    ) -> KStream<'b, K2, V2> {
        let operator = Operator { op: Op::FlatMap, prefix: "KSTREAM-FLATMAP-", keeps: Keeps::Nothing };
        self.stateless(operator, f, |f, record, out| {
            let Record { key, value, timestamp, headers } = record;
            f(key, value)
                .into_iter()
                .try_for_each(|(key, value)| out.forward(Record { key, value, timestamp, headers: headers.clone() }))
        })
    }

    /// Replaces each value by any number of others; the key, and so the partitioning, is unchanged.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// let lines = builder.stream::<String, String>("lines");
    /// lines.flat_map_values(|_, line| line.split(' ').map(str::to_owned).collect::<Vec<_>>()).to("words");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn flat_map_values<W: Data, I: IntoIterator<Item = W>>(
        self,
        f: impl Fn(&K, V) -> I + Send + Sync + 'static,
    ) -> KStream<'b, K, W> {
        let operator = Operator { op: Op::FlatMapValues, prefix: "KSTREAM-FLATMAPVALUES-", keeps: Keeps::Key };
        self.stateless(operator, f, |f, record, out| {
            let Record { key, value, timestamp, headers } = record;
            f(&key, value).into_iter().try_for_each(|value| {
                out.forward(Record { key: key.clone(), value, timestamp, headers: headers.clone() })
            })
        })
    }

    /// Gives each record another key. Operators by key that follow repartition the stream.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// let names = builder.stream::<i64, String>("names");
    /// names.select_key(|_, name| name.chars().next()).map(|initial, name| (initial.map(String::from), name)).to("by-initial");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn select_key<K2: Data>(self, key: impl Fn(&K, &V) -> K2 + Send + Sync + 'static) -> KStream<'b, K2, V> {
        let operator = Operator { op: Op::SelectKey, prefix: "KSTREAM-KEY-SELECT-", keeps: Keeps::Value };
        self.stateless(operator, key, |key, record, out| {
            let selected = key(&record.key, &record.value);
            out.forward(record.with_key(selected))
        })
    }

    /// Looks at each record on its way.
    #[track_caller]
    pub fn peek(self, look: impl Fn(&K, &V) + Send + Sync + 'static) -> Self {
        let operator = Operator { op: Op::Peek, prefix: "KSTREAM-PEEK-", keeps: Keeps::KeyAndValue };
        self.stateless(operator, look, |look, record, out| {
            look(&record.key, &record.value);
            out.forward(record)
        })
    }

    /// Does something with each record. Nothing can follow.
    #[track_caller]
    pub fn foreach(self, act: impl Fn(&K, &V) + Send + Sync + 'static) {
        let operator = Operator { op: Op::Foreach, prefix: "KSTREAM-FOREACH-", keeps: Keeps::KeyAndValue };
        self.stateless::<_, K, V>(operator, act, |act, record, _| {
            act(&record.key, &record.value);
            Ok(())
        });
    }

    /// The records of this stream and of `other`, in no order between the two.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// let clicks = builder.stream::<String, String>("clicks");
    /// let views = builder.stream::<String, String>("views");
    /// clicks.merge(views).to("events");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn merge(self, other: Self) -> Self {
        let origin = Location::caller();
        let name = self.next_name(None, "KSTREAM-MERGE-", origin);
        let repartition_required = {
            let plan = self.plan.borrow();
            plan.node(self.node).repartition_required || plan.node(other.node).repartition_required
        };
        let merged = NewNode {
            op: Op::Merge,
            name,
            parents: vec![self.node, other.node],
            codecs: AnyCodecs::default(),
            repartition_required,
            origin,
            wire: Box::new(|task| {
                let outlet = task.outlet::<K, V>();
                let step = |_: &(), record: Record<K, V>, out: &mut Out<'_, K, V>| out.forward(record);
                task.install::<K, V>(Stateless { f: Arc::new(()), step, outlet });
                Ok(())
            }),
        };
        KStream::at(self.plan, add::<K, V>(self.plan, merged))
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
}

/// What a stateless operator says of itself.
pub(crate) struct Operator {
    pub(crate) op: Op,
    pub(crate) prefix: &'static str,
    pub(crate) keeps: Keeps,
}
