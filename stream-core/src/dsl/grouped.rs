//! Grouped streams: records of one key meet in one task, to be aggregated.

use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use state_store::{CodecRef, DefaultCodec, KeyValueStore};

use crate::dsl::codecs::{Codecs, missing, missing_codec};
use crate::dsl::counter::Counter;
use crate::dsl::fold::{Fold, counted, folded, reduced};
use crate::dsl::repartition::{RepartitionNames, to_present_keys};
use crate::dsl::views::key_value_view;
use crate::dsl::{
    Grouped, KStream, KTable, Materialized, Named, NewNode, Nullable, PlanCell, TimeWindowedKStream, TimeWindows, add,
    any_codec, typed_codec,
};
use crate::node::aggregate::Aggregate;
use crate::node::nulls::Nulls;
use crate::plan::{AnyCodecs, Group, GroupId, NodeId, Op, PendingName};
use crate::record::{Change, Data};
use crate::task::builder::{Accept, present_keys, same_keys};

/// A stream grouped by its key.
///
/// Aggregations drop records without a key or without a value and count them.
pub struct KGroupedStream<'b, K, V> {
    pub(crate) plan: &'b PlanCell,
    group: GroupId,
    pending: Option<PendingName>,
    ways: Ways<K, V>,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for KGroupedStream<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for KGroupedStream<'_, K, V> {}

/// How keys that may be null in the stream become keys that are not: the stream's own type is known only where it is
/// grouped.
struct Ways<K, V> {
    repartition: AddRepartition<K, V>,
    direct: Accept<K, V>,
}

type AddRepartition<K, V> =
    fn(&PlanCell, NodeId, RepartitionNames, CodecRef<K>, CodecRef<V>, &'static Location<'static>) -> NodeId;

impl<K, V> Clone for Ways<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Ways<K, V> {}

impl<'b, N: Data, V: Data> KStream<'b, N, V> {
    /// Groups by the key as it is. Where it was changed before, the stream is repartitioned.
    ///
    /// A stream of `Option<K>` is grouped by `K`, which has to be named: `group_by_key::<String>()`.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// builder.stream::<String, String>("clicks").group_by_key().count().to("clicks-per-user");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn group_by_key<K: Data + DefaultCodec>(self) -> KGroupedStream<'b, K, V>
    where
        N: Nullable<K>,
        V: DefaultCodec,
    {
        self.group_by_key_with(Grouped::default())
    }

    /// Groups by the key as it is, as `grouped` says.
    #[track_caller]
    pub fn group_by_key_with<K: Data>(self, grouped: Grouped<K, V>) -> KGroupedStream<'b, K, V>
    where
        N: Nullable<K>,
    {
        let (node, required) = (self.node, self.plan.borrow().node(self.node).repartition_required);
        KGroupedStream::new::<N>(self.plan, node, required, grouped, Location::caller())
    }

    /// Groups by another key; the stream is repartitioned.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// let lines = builder.stream::<String, String>("lines");
    /// lines.group_by(|_, line| line.len() as i64).count().to("lines-per-length");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn group_by<K: Data + DefaultCodec, M: Nullable<K>>(
        self,
        key: impl Fn(&N, &V) -> M + Send + Sync + 'static,
    ) -> KGroupedStream<'b, K, V>
    where
        V: DefaultCodec,
    {
        self.group_by_with(key, Grouped::default())
    }

    /// Groups by another key, as `grouped` says. Its name is also that of the operator which selects the key.
    #[track_caller]
    pub fn group_by_with<K: Data, M: Nullable<K>>(
        self,
        key: impl Fn(&N, &V) -> M + Send + Sync + 'static,
        grouped: Grouped<K, V>,
    ) -> KGroupedStream<'b, K, V> {
        let origin = Location::caller();
        let stream = match &grouped.name {
            Some(name) => self.named(name.clone()),
            None => self,
        };
        let selected = stream.select_key(key);
        KGroupedStream::new::<M>(selected.plan, selected.node, true, grouped, origin)
    }
}

impl<'b, K: Data, V: Data> KGroupedStream<'b, K, V> {
    fn new<N: Nullable<K>>(
        plan: &'b PlanCell,
        node: NodeId,
        repartition_required: bool,
        grouped: Grouped<K, V>,
        origin: &'static Location<'static>,
    ) -> Self {
        let AnyCodecs { key, value } = plan.borrow().node(node).codecs.clone();
        let inherited = typed_codec::<N>(key.as_ref()).map(N::inner_codec);
        let keys = grouped.keys.choose(inherited);
        let values = grouped.values.choose(typed_codec(value.as_ref()));
        if keys.is_none() {
            missing_codec::<K>(plan, "key", "Grouped::with_codecs", origin);
        }
        if values.is_none() {
            missing_codec::<V>(plan, "value", "Grouped::with_codecs", origin);
        }
        let codecs = AnyCodecs { key: keys.as_ref().map(any_codec), value: values.as_ref().map(any_codec) };
        let topic = grouped.name.map(|name| plan.borrow_mut().user_name(name, origin));
        let group = Group { node, repartition_required, topic, repartitioned: None, codecs };
        let group = plan.borrow_mut().add_group(group);
        let ways = Ways { repartition: to_present_keys::<N, K, V>, direct: present_keys::<N, K, V> };
        Self { plan, group, pending: None, ways, types: PhantomData }
    }

    /// Names the next operator: `grouped.named("clicks").count()`.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.pending = Some(self.plan.borrow_mut().keep_name(name.into().0));
        self
    }

    /// Cuts the groups into windows of event time.
    pub fn windowed_by(self, windows: TimeWindows) -> TimeWindowedKStream<'b, K, V> {
        TimeWindowedKStream::new(self, windows)
    }

    /// Counts the records of each key.
    #[track_caller]
    pub fn count(self) -> KTable<'b, K, i64> {
        let materialized = Materialized::with_value_codec(<i64 as DefaultCodec>::codec());
        self.aggregated(COUNT, materialized, Codecs::inherited(), counted(), Location::caller())
    }

    /// Counts the records of each key, kept as `materialized` says.
    #[track_caller]
    pub fn count_with(self, materialized: Materialized<K, i64>) -> KTable<'b, K, i64> {
        self.count_as(materialized)
    }

    /// Counts the records of each key as another number than `i64`, kept as `materialized` says.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// use stream_core::dsl::Materialized;
    ///
    /// # let builder = StreamsBuilder::new();
    /// let clicks = builder.stream::<String, String>("clicks");
    /// clicks.group_by_key().count_as(Materialized::<String, u64>::as_store("clicks")).to("clicks-per-user");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn count_as<A: Counter>(self, materialized: Materialized<K, A>) -> KTable<'b, K, A> {
        burn_store_name(self.plan, &materialized);
        self.aggregated(COUNT, materialized, Codecs::inherited(), counted(), Location::caller())
    }

    /// Combines the values of each key by `f`, which takes what they came to so far and the next; the first stands as it
    /// is. Where `f` gives null, the key is deleted.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// let amounts = builder.stream::<String, i64>("amounts");
    /// amounts.group_by_key().reduce(|largest, amount| largest.max(amount)).to("largest");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn reduce<A: Data + DefaultCodec>(self, f: impl Fn(V, V) -> V + Send + Sync + 'static) -> KTable<'b, K, A>
    where
        V: Nullable<A>,
    {
        let materialized = Materialized::of_codecs(Codecs::inherited(), Codecs::own());
        self.aggregated(REDUCE, materialized, self.reduced_codec(), reduced(f), Location::caller())
    }

    /// [`reduce`](Self::reduce), kept as `materialized` says.
    #[track_caller]
    pub fn reduce_with<A: Data>(
        self,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
        materialized: Materialized<K, A>,
    ) -> KTable<'b, K, A>
    where
        V: Nullable<A>,
    {
        self.aggregated(REDUCE, materialized, self.reduced_codec(), reduced(f), Location::caller())
    }

    /// Aggregates the values of each key: `f` makes the next aggregate of key, value and the one so far, which begins as
    /// `init`. Where `f` gives `None` of an `Option<A>`, the key is deleted.
    ///
    /// ```
    /// # use stream_core::StreamsBuilder;
    /// # let builder = StreamsBuilder::new();
    /// let words = builder.stream::<String, String>("words");
    /// words.group_by_key().aggregate(|| 0i64, |_, word, total| total + word.len() as i64).to("letters");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn aggregate<A: Data + DefaultCodec, M: Nullable<A>>(
        self,
        init: impl Fn() -> M + Send + Sync + 'static,
        f: impl Fn(&K, &V, M) -> M + Send + Sync + 'static,
    ) -> KTable<'b, K, A> {
        let materialized = Materialized::of_codecs(Codecs::inherited(), Codecs::own());
        self.aggregated(AGGREGATE, materialized, Codecs::inherited(), folded(init, f), Location::caller())
    }

    /// [`aggregate`](Self::aggregate), kept as `materialized` says.
    #[track_caller]
    pub fn aggregate_with<A: Data, M: Nullable<A>>(
        self,
        init: impl Fn() -> M + Send + Sync + 'static,
        f: impl Fn(&K, &V, M) -> M + Send + Sync + 'static,
        materialized: Materialized<K, A>,
    ) -> KTable<'b, K, A> {
        self.aggregated(AGGREGATE, materialized, Codecs::inherited(), folded(init, f), Location::caller())
    }

    fn aggregated<A: Data>(
        self,
        prefix: &str,
        materialized: Materialized<K, A>,
        inherited: Codecs<A>,
        fold: Fold<impl Fn(&K, &V, Option<A>) -> Option<A> + Send + Sync + 'static, A>,
        origin: &'static Location<'static>,
    ) -> KTable<'b, K, A> {
        let table = self.begin(prefix, &materialized, inherited, origin);
        let store = materialized.key_value_store(table.store, table.keys.clone(), table.values.clone(), origin);
        let store = self.plan.borrow_mut().add_store(store);
        let Fold { step, begin } = fold;
        let (step, keys, values, accept) = (Arc::new(step), self.key_codec(), self.value_codec(), table.accept);
        let node = NewNode {
            op: Op::Aggregate,
            name: table.name,
            parents: vec![table.parent],
            codecs: AnyCodecs { key: Some(any_codec(&table.keys)), value: Some(any_codec(&table.values)) },
            repartition_required: false,
            origin,
            wire: Box::new(move |task| {
                let step = Arc::clone(&step);
                let (keys, values) = (Nulls::of(keys.clone()), Nulls::of(values.clone()));
                let old = task.store_plan(store).send_old_values.then(|| Arc::clone(&begin));
                let store = task.store::<KeyValueStore<K, A>>(store)?;
                let outlet = task.outlet::<K, Change<A>>();
                let step = move |key: &K, value: &V, old| step(key, value, old);
                task.install_as(Aggregate { store, keys, values, step, old, outlet, drained: Vec::new() }, accept);
                Ok(())
            }),
        };
        let node = add::<K, Change<A>>(self.plan, node);
        self.plan.borrow_mut().keep_table(node, store, None, key_value_view::<K, A>(node, store));
        KTable::at(self.plan, node)
    }

    /// What every aggregation begins with: names in Kafka Streams' order, codecs, and the repartition where it is needed.
    pub(crate) fn begin<A: Data>(
        &self,
        prefix: &str,
        materialized: &Materialized<K, A>,
        inherited: Codecs<A>,
        origin: &'static Location<'static>,
    ) -> NewTable<K, V, A> {
        let store = materialized.store_name(self.plan, prefix, origin);
        let name = {
            let mut plan = self.plan.borrow_mut();
            let user = self.pending.map(|pending| plan.kept_name(pending));
            plan.operator_name(user, prefix, origin)
        };
        let (parent, accept) = self.parent(&store, origin);
        let keys = materialized.key_codec(Some(self.key_codec()));
        let values = materialized.value_codec(inherited.choose(None));
        if values.is_none() {
            missing_codec::<A>(self.plan, "aggregate", "Materialized::with_value_codec", origin);
        }
        let keys = keys.unwrap_or_else(|| self.key_codec());
        NewTable { store, name, parent, accept, keys, values: values.unwrap_or_else(missing) }
    }

    /// Below which node an aggregation comes, and how it takes keys from there.
    fn parent(&self, store: &str, origin: &'static Location<'static>) -> (NodeId, Accept<K, V>) {
        let (node, required, topic, shared) = {
            let mut plan = self.plan.borrow_mut();
            let group = plan.group(self.group);
            (group.node, group.repartition_required, group.topic.clone(), group.repartitioned)
        };
        if !required {
            return (node, self.ways.direct);
        }
        // Names are used up even where a named group has its repartition already.
        let names = RepartitionNames::new(self.plan, topic.as_deref().unwrap_or(store));
        let source = match shared.filter(|_| topic.is_some()) {
            Some(source) => {
                self.plan.borrow_mut().move_repartition(source);
                source
            }
            None => (self.ways.repartition)(self.plan, node, names, self.key_codec(), self.value_codec(), origin),
        };
        self.plan.borrow_mut().group(self.group).repartitioned = Some(source);
        (source, same_keys::<K, V>)
    }

    pub(crate) fn key_codec(&self) -> CodecRef<K> {
        let codecs = self.plan.borrow_mut().group(self.group).codecs.clone();
        typed_codec(codecs.key.as_ref()).unwrap_or_else(missing)
    }

    pub(crate) fn value_codec(&self) -> CodecRef<V> {
        let codecs = self.plan.borrow_mut().group(self.group).codecs.clone();
        typed_codec(codecs.value.as_ref()).unwrap_or_else(missing)
    }

    pub(crate) fn reduced_codec<A: Data>(&self) -> Codecs<A>
    where
        V: Nullable<A>,
    {
        Codecs::named(V::inner_codec(self.value_codec()))
    }

    /// The stream that was grouped, and its type of keys where it is read.
    pub(crate) fn stream(&self) -> (NodeId, Accept<K, V>) {
        (self.plan.borrow_mut().group(self.group).node, self.ways.direct)
    }

    pub(crate) fn pending_name(&self) -> Option<String> {
        self.pending.map(|pending| self.plan.borrow().kept_name(pending))
    }
}

/// What an aggregation is made of.
pub(crate) struct NewTable<K, V, A> {
    pub(crate) store: String,
    pub(crate) name: String,
    pub(crate) parent: NodeId,
    pub(crate) accept: Accept<K, V>,
    pub(crate) keys: CodecRef<K>,
    pub(crate) values: CodecRef<A>,
}

pub(crate) const COUNT: &str = "KSTREAM-AGGREGATE-";
pub(crate) const AGGREGATE: &str = "KSTREAM-AGGREGATE-";
pub(crate) const REDUCE: &str = "KSTREAM-REDUCE-";

/// Kafka Streams uses up an index for a store name that it then does not use.
pub(crate) fn burn_store_name<K, A>(plan: &PlanCell, materialized: &Materialized<K, A>) {
    if materialized.name.is_none() {
        plan.borrow_mut().names.generate(COUNT);
    }
}
