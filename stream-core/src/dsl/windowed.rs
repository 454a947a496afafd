//! Grouped streams in windows of event time: `window(..)` and `windowed_by(..)`.

use std::panic::Location;
use std::sync::Arc;

use state_store::codec::TimeWindowedCodec;
use state_store::{CodecRef, DefaultCodec, WindowStore, Windowed};

use crate::dsl::codecs::Codecs;
use crate::dsl::counter::Counter;
use crate::dsl::fold::{Fold, counted, folded, reduced};
use crate::dsl::grouped::{AGGREGATE, COUNT, REDUCE, burn_store_name};
use crate::dsl::views::window_view;
use crate::dsl::{
    KGroupedStream, KStream, KTable, Materialized, Named, NewNode, Nullable, Produced, TimeWindows, add, any_codec,
};
use crate::node::nulls::Nulls;
use crate::node::window_aggregate::WindowAggregate;
use crate::node::window_assign::WindowAssign;
use crate::node::windows::WindowSpans;
use crate::plan::{AnyCodecs, Op};
use crate::record::{Change, Data, Timestamp};

/// A stream grouped by key and cut into windows.
///
/// Aggregations drop records without a key, and records that come too late for a window, and count them. A null value is
/// passed on to the aggregation.
pub struct TimeWindowedKStream<'b, K, V> {
    grouped: KGroupedStream<'b, K, V>,
    windows: TimeWindows,
}

impl<K, V> Clone for TimeWindowedKStream<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for TimeWindowedKStream<'_, K, V> {}

impl<'b, N: Data, V: Data> KStream<'b, N, V> {
    /// Groups by the key as it is and cuts the groups into windows: `group_by_key().windowed_by(windows)`.
    ///
    /// With an aggregation behind it, the stream becomes a table of windows; with [`to`](TimeWindowedKStream::to), each
    /// record is written once for every window that it falls into.
    ///
    /// ```
    /// use std::time::Duration;
    /// use stream_core::StreamsBuilder;
    /// use stream_core::dsl::TimeWindows;
    ///
    /// let builder = StreamsBuilder::new();
    /// let events = builder.stream::<String, String>("user-events");
    /// let hours = TimeWindows::of_size_and_grace(Duration::from_secs(3600), Duration::from_secs(300));
    /// events.filter(|_, event| event != "heartbeat").window(hours).count().to("events-per-hour");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn window<K: Data + DefaultCodec>(self, windows: TimeWindows) -> TimeWindowedKStream<'b, K, V>
    where
        N: Nullable<K>,
        V: DefaultCodec,
    {
        self.group_by_key().windowed_by(windows)
    }
}

impl<'b, K: Data, V: Data> TimeWindowedKStream<'b, K, V> {
    pub(crate) fn new(grouped: KGroupedStream<'b, K, V>, windows: TimeWindows) -> Self {
        Self { grouped, windows }
    }

    /// Names the next operator.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.grouped = self.grouped.named(name);
        self
    }

    /// Counts the records of each key and window.
    #[track_caller]
    pub fn count(self) -> KTable<'b, Windowed<K>, i64> {
        let materialized = Materialized::with_value_codec(<i64 as DefaultCodec>::codec());
        self.aggregated(COUNT, materialized, Codecs::inherited(), counted(), Location::caller())
    }

    /// Counts the records of each key and window, kept as `materialized` says.
    #[track_caller]
    pub fn count_with(self, materialized: Materialized<K, i64>) -> KTable<'b, Windowed<K>, i64> {
        self.count_as(materialized)
    }

    /// Counts the records of each key and window as another number than `i64`, kept as `materialized` says.
    #[track_caller]
    pub fn count_as<A: Counter>(self, materialized: Materialized<K, A>) -> KTable<'b, Windowed<K>, A> {
        burn_store_name(self.grouped.plan, &materialized);
        self.aggregated(COUNT, materialized, Codecs::inherited(), counted(), Location::caller())
    }

    /// Combines the values of each key and window by `f`, as [`KGroupedStream::reduce`] does.
    #[track_caller]
    pub fn reduce<A: Data + DefaultCodec>(
        self,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
    ) -> KTable<'b, Windowed<K>, A>
    where
        V: Nullable<A>,
    {
        let materialized = Materialized::of_codecs(Codecs::inherited(), Codecs::own());
        self.aggregated(REDUCE, materialized, self.grouped.reduced_codec(), reduced(f), Location::caller())
    }

    /// [`reduce`](Self::reduce), kept as `materialized` says.
    #[track_caller]
    pub fn reduce_with<A: Data>(
        self,
        f: impl Fn(V, V) -> V + Send + Sync + 'static,
        materialized: Materialized<K, A>,
    ) -> KTable<'b, Windowed<K>, A>
    where
        V: Nullable<A>,
    {
        self.aggregated(REDUCE, materialized, self.grouped.reduced_codec(), reduced(f), Location::caller())
    }

    /// Aggregates the values of each key and window, as [`KGroupedStream::aggregate`] does.
    #[track_caller]
    pub fn aggregate<A: Data + DefaultCodec, M: Nullable<A>>(
        self,
        init: impl Fn() -> M + Send + Sync + 'static,
        f: impl Fn(&K, &V, M) -> M + Send + Sync + 'static,
    ) -> KTable<'b, Windowed<K>, A> {
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
    ) -> KTable<'b, Windowed<K>, A> {
        self.aggregated(AGGREGATE, materialized, Codecs::inherited(), folded(init, f), Location::caller())
    }

    fn aggregated<A: Data>(
        self,
        prefix: &str,
        materialized: Materialized<K, A>,
        inherited: Codecs<A>,
        fold: Fold<impl Fn(&K, &V, Option<A>) -> Option<A> + Send + Sync + 'static, A>,
        origin: &'static Location<'static>,
    ) -> KTable<'b, Windowed<K>, A> {
        let plan = self.grouped.plan;
        let table = self.grouped.begin(prefix, &materialized, inherited, origin);
        let windows = self.spans(origin);
        let keys: CodecRef<Windowed<K>> = Arc::new(TimeWindowedCodec::new(table.keys.clone(), windows.size));
        let codecs = AnyCodecs { key: Some(any_codec(&keys)), value: Some(any_codec(&table.values)) };
        let store = materialized.window_store(plan, table.store, windows, table.keys, table.values, origin);
        let store = plan.borrow_mut().add_store(store);
        let Fold { step, begin } = fold;
        let (step, nulls, accept) = (Arc::new(step), self.grouped.key_codec(), table.accept);
        let node = NewNode {
            op: Op::WindowAggregate,
            name: table.name,
            parents: vec![table.parent],
            codecs,
            repartition_required: false,
            origin,
            wire: Box::new(move |task| {
                let step = Arc::clone(&step);
                let old = task.store_plan(store).send_old_values.then(|| Arc::clone(&begin));
                let store = task.store::<WindowStore<K, A>>(store)?;
                let outlet = task.outlet::<Windowed<K>, Change<A>>();
                let step = move |key: &K, value: &V, old| step(key, value, old);
                let (stream_time, drained) = (Timestamp::NONE, Vec::new());
                let keys = Nulls::of(nulls.clone());
                let node = WindowAggregate { store, keys, windows, step, old, outlet, stream_time, drained };
                task.install_as(node, accept);
                Ok(())
            }),
        };
        let node = add::<Windowed<K>, Change<A>>(plan, node);
        plan.borrow_mut().keep_table(node, store, None, window_view::<K, A>(node, store));
        KTable::at(plan, node)
    }

    /// Writes each record to `topic` once for every window it falls into, under its windowed key: no state. Late records
    /// are dropped as an aggregation would drop them; the partition is that of the key.
    #[track_caller]
    pub fn to(self, topic: impl Into<String>)
    where
        K: DefaultCodec,
        V: DefaultCodec,
    {
        self.to_with(topic, Produced::default());
    }

    /// Writes each record to `topic` once for every window it falls into. The codecs are those of the windowed key.
    #[track_caller]
    pub fn to_with(self, topic: impl Into<String>, produced: Produced<Windowed<K>, V>) {
        let origin = Location::caller();
        let plan = self.grouped.plan;
        let name = plan.borrow_mut().operator_name(self.grouped.pending_name(), "KSTREAM-WINDOW-", origin);
        let windows = self.spans(origin);
        let inner = self.grouped.key_codec();
        let keys: CodecRef<Windowed<K>> = Arc::new(TimeWindowedCodec::new(inner.clone(), windows.size));
        let (parent, accept) = self.grouped.stream();
        let node = NewNode {
            op: Op::WindowAssign,
            name,
            parents: vec![parent],
            codecs: AnyCodecs { key: Some(any_codec(&keys)), value: Some(any_codec(&self.grouped.value_codec())) },
            repartition_required: false,
            origin,
            wire: Box::new(move |task| {
                let outlet = task.outlet::<Windowed<K>, V>();
                let keys = Nulls::of(inner.clone());
                task.install_as(WindowAssign { keys, windows, outlet, stream_time: Timestamp::NONE }, accept);
                Ok(())
            }),
        };
        KStream::at(plan, add::<Windowed<K>, V>(plan, node)).to_with(topic, produced);
    }

    /// The windows in milliseconds; what is wrong with them is kept as a mistake of the topology.
    fn spans(&self, origin: &'static Location<'static>) -> WindowSpans {
        self.windows.measure().unwrap_or_else(|mistake| {
            self.grouped.plan.borrow_mut().mistake(mistake, origin);
            WindowSpans { size: 1, advance: 1, grace: 0 }
        })
    }
}
