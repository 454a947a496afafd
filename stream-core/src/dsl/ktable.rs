//! Tables: the latest value of each key, and the operators on them.

use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use state_store::{CodecRef, DefaultCodec, KeyValueStore};

use crate::Result;
use crate::dsl::codecs::missing_codec;
use crate::dsl::views::key_value_view;
use crate::dsl::{KStream, Materialized, Named, NewNode, Nullable, PlanCell, Produced, add, any_codec, typed_codec};
use crate::node::Out;
use crate::node::stateless::Stateless;
use crate::node::table::{Rows, ViewRef};
use crate::node::table_step::{ComputedView, Nothing, OldValuesSent, TableStep};
use crate::plan::{AnyCodecs, NodeId, Op, PendingName, StorePlan, TablePlan, TableRows};
use crate::record::{Change, Data, Record};
use crate::task::builder::TaskBuilder;

/// A table: a stream of changes, of which the last of each key is its value.
///
/// A handle is `Copy`, as a [`KStream`](crate::dsl::KStream) is. Between operators a table's update is a
/// [`Change`](crate::record::Change): what is new, and what was before where an operator downstream needs it.
pub struct KTable<'b, K, V> {
    pub(crate) plan: &'b PlanCell,
    pub(crate) node: NodeId,
    /// The name for the next operator, kept by the plan.
    pub(crate) pending: Option<PendingName>,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for KTable<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for KTable<'_, K, V> {}

impl<'b, K: Data, V: Data> KTable<'b, K, V> {
    pub(crate) fn at(plan: &'b PlanCell, node: NodeId) -> Self {
        Self { plan, node, pending: None, types: PhantomData }
    }

    /// Names the next operator: `table.named("adults").filter(..)`.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.pending = Some(self.plan.borrow_mut().keep_name(name.into().0));
        self
    }

    /// Keeps the rows for which `keep` is true; a row that no longer passes is deleted downstream.
    ///
    /// ```
    /// use stream_core::StreamsBuilder;
    ///
    /// let builder = StreamsBuilder::new();
    /// let ages = builder.table::<String, i64>("ages");
    /// ages.filter(|_name, age| *age >= 18).to("adults");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn filter(self, keep: impl Fn(&K, &V) -> bool + Send + Sync + 'static) -> Self {
        self.step(Step::FILTER, None, move |key, value| keep(key, &value).then_some(value))
    }

    /// [`filter`](Self::filter) whose rows are kept, where `materialized` names a store.
    #[track_caller]
    pub fn filter_with(
        self,
        keep: impl Fn(&K, &V) -> bool + Send + Sync + 'static,
        materialized: Materialized<K, V>,
    ) -> Self {
        self.step(Step::FILTER, Some(materialized), move |key, value| keep(key, &value).then_some(value))
    }

    /// Keeps the rows for which `drop` is false.
    #[track_caller]
    pub fn filter_not(self, drop: impl Fn(&K, &V) -> bool + Send + Sync + 'static) -> Self {
        self.filter(move |key, value| !drop(key, value))
    }

    /// [`filter_not`](Self::filter_not) whose rows are kept, where `materialized` names a store.
    #[track_caller]
    pub fn filter_not_with(
        self,
        drop: impl Fn(&K, &V) -> bool + Send + Sync + 'static,
        materialized: Materialized<K, V>,
    ) -> Self {
        self.filter_with(move |key, value| !drop(key, value), materialized)
    }

    /// Replaces the value of each row. `f` may give `Option<W>`, of which `None` deletes the row; it is not asked about
    /// deletions.
    ///
    /// ```
    /// use stream_core::StreamsBuilder;
    ///
    /// let builder = StreamsBuilder::new();
    /// let names = builder.table::<i64, String>("names");
    /// names.map_values(|_id, name| name.to_uppercase()).to("loud-names");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn map_values<W: Data, N: Nullable<W>>(
        self,
        f: impl Fn(&K, V) -> N + Send + Sync + 'static,
    ) -> KTable<'b, K, W> {
        self.step(Step::MAP_VALUES, None, move |key, value| f(key, value).into_option())
    }

    /// [`map_values`](Self::map_values) whose rows are kept, where `materialized` names a store.
    #[track_caller]
    pub fn map_values_with<W: Data, N: Nullable<W>>(
        self,
        f: impl Fn(&K, V) -> N + Send + Sync + 'static,
        materialized: Materialized<K, W>,
    ) -> KTable<'b, K, W> {
        self.step(Step::MAP_VALUES, Some(materialized), move |key, value| f(key, value).into_option())
    }

    /// The table's changes as a stream: the new value of each, `None` where the row is deleted.
    ///
    /// ```
    /// use stream_core::StreamsBuilder;
    ///
    /// let builder = StreamsBuilder::new();
    /// let ages = builder.table::<String, i64>("ages");
    /// ages.to_stream().filter(|_name, age| age.is_none()).to("gone");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn to_stream(self) -> KStream<'b, K, Option<V>> {
        let origin = Location::caller();
        let name = self.next_name("KTABLE-TOSTREAM-", origin);
        let AnyCodecs { key, value } = self.plan.borrow().node(self.node).codecs.clone();
        let value = typed_codec::<V>(value.as_ref()).map(|codec| any_codec(&Option::<V>::codec(codec)));
        let node = add::<K, Option<V>>(
            self.plan,
            NewNode {
                op: Op::ToStream,
                name,
                parents: vec![self.node],
                codecs: AnyCodecs { key, value },
                repartition_required: false,
                origin,
                wire: Box::new(|task| {
                    let outlet = task.outlet::<K, Option<V>>();
                    task.install::<K, Change<V>>(Stateless { f: Arc::new(()), step: newest::<K, V>, outlet });
                    Ok(())
                }),
            },
        );
        KStream::at(self.plan, node)
    }

    /// The table's changes as a stream with another key.
    #[track_caller]
    pub fn to_stream_with_key<L: Data>(
        self,
        key: impl Fn(&K, &Option<V>) -> L + Send + Sync + 'static,
    ) -> KStream<'b, L, Option<V>> {
        self.to_stream().select_key(key)
    }

    /// Writes the table's changes to `topic`; a deleted row is a null value.
    #[track_caller]
    pub fn to(self, topic: impl Into<String>)
    where
        K: DefaultCodec,
        Option<V>: DefaultCodec,
    {
        self.to_with(topic, Produced::default());
    }

    /// Writes the table's changes to `topic`. A name given by [`named`](Self::named) is the sink's.
    #[track_caller]
    pub fn to_with(self, topic: impl Into<String>, produced: Produced<K, Option<V>>) {
        let (pending, unnamed) = (self.pending, Self { pending: None, ..self });
        let mut stream = unnamed.to_stream();
        stream.pending = pending;
        stream.to_with(topic, produced);
    }

    /// The name that the user gave by [`named`](Self::named), checked, or the next generated one.
    pub(crate) fn next_name(&self, prefix: &str, origin: &'static Location<'static>) -> String {
        let mut plan = self.plan.borrow_mut();
        let user = self.pending.map(|pending| plan.kept_name(pending));
        plan.operator_name(user, prefix, origin)
    }

    /// `filter` and `map_values`: a row is what `compute` makes of the parent's, `None` where there is none.
    #[track_caller]
    fn step<W: Data>(
        self,
        step: Step,
        materialized: Option<Materialized<K, W>>,
        compute: impl Fn(&K, V) -> Option<W> + Send + Sync + 'static,
    ) -> KTable<'b, K, W> {
        let origin = Location::caller();
        let (codecs, store) = self.step_codecs(&step, materialized, origin);
        let name = self.next_name(step.prefix, origin);
        let (parent, compute, view) = (self.node, Arc::new(compute), self.node);
        let computed = Arc::clone(&compute);
        let nothing = step.nothing;
        let node = add::<K, Change<W>>(
            self.plan,
            NewNode {
                op: step.op,
                name,
                parents: vec![parent],
                codecs,
                repartition_required: false,
                origin,
                wire: Box::new(move |task| {
                    let (rows, old_values) = table_rows::<K, W>(task)?;
                    let (compute, outlet) = (Arc::clone(&compute), task.outlet());
                    task.install::<K, Change<V>>(TableStep { compute, rows, old_values, nothing, outlet });
                    Ok(())
                }),
            },
        );
        let mut plan = self.plan.borrow_mut();
        match store {
            Some(store) => {
                let store = plan.add_store(store);
                plan.keep_table(node, store, Some(parent), key_value_view::<K, W>(node, store));
            }
            None => {
                let view = Box::new(move |task: &mut TaskBuilder<'_>| {
                    let parent = task.view::<K, V>(view)?;
                    let view: ViewRef<K, W> = Rc::new(ComputedView { parent, compute: Arc::clone(&computed) });
                    task.install_view(node, view);
                    Ok(())
                });
                let rows = TableRows::Computed;
                let table = TablePlan { rows, parent: Some(parent), send_old_values: false, view };
                plan.node_mut(node).table = Some(table);
            }
        }
        // Where old values are at hand, a filter uses them to tell what is no change.
        if nothing == Nothing::Stops && plan.enable_old_values(parent) {
            plan.enable_old_values(node);
        }
        drop(plan);
        KTable::at(self.plan, node)
    }

    /// The codecs of a step's rows, and the plan of its store where `materialized` names one.
    fn step_codecs<W: Data>(
        &self,
        step: &Step,
        materialized: Option<Materialized<K, W>>,
        origin: &'static Location<'static>,
    ) -> (AnyCodecs, Option<StorePlan>) {
        let AnyCodecs { key, value } = self.plan.borrow().node(self.node).codecs.clone();
        let value = value.filter(|_| step.keeps_value);
        let Some(materialized) = materialized else { return (AnyCodecs { key, value }, None) };
        let keys: Option<CodecRef<K>> = materialized.key_codec(typed_codec(key.as_ref()));
        let values: Option<CodecRef<W>> = materialized.value_codec(typed_codec(value.as_ref()));
        let codecs = AnyCodecs { key: keys.as_ref().map(any_codec), value: values.as_ref().map(any_codec) };
        let Some(name) = materialized.name.clone() else {
            // An index is used up for the store that is not made.
            self.plan.borrow_mut().names.generate(step.prefix);
            return (codecs, None);
        };
        let store = self.plan.borrow_mut().user_name(name, origin);
        match (keys, values) {
            (Some(keys), Some(values)) => (codecs, Some(materialized.key_value_store(store, keys, values, origin))),
            (None, _) => {
                missing_codec::<K>(self.plan, "key", "Materialized::with_codecs", origin);
                (codecs, None)
            }
            (_, None) => {
                missing_codec::<W>(self.plan, "value", "Materialized::with_value_codec", origin);
                (codecs, None)
            }
        }
    }
}

/// The step of `to_stream`.
fn newest<K: Data, V: Data>(_: &(), record: Record<K, Change<V>>, out: &mut Out<'_, K, Option<V>>) -> Result<()> {
    let Record { key, value: Change { new, .. }, timestamp, headers } = record;
    out.forward(Record { key, value: new, timestamp, headers })
}

/// What tells `filter` from `map_values`.
struct Step {
    op: Op,
    prefix: &'static str,
    keeps_value: bool,
    nothing: Nothing,
}

impl Step {
    const FILTER: Self =
        Self { op: Op::TableFilter, prefix: "KTABLE-FILTER-", keeps_value: true, nothing: Nothing::Stops };
    const MAP_VALUES: Self =
        Self { op: Op::TableMapValues, prefix: "KTABLE-MAPVALUES-", keeps_value: false, nothing: Nothing::Passes };
}

/// The rows of the table that is being wired, where it is kept, and whether its changes carry old values.
pub(crate) fn table_rows<K: Data, V: Data>(task: &mut TaskBuilder<'_>) -> Result<(Option<Rows<K, V>>, OldValuesSent)> {
    let table = task.plan_node().table.as_ref().expect("a table's node has its table");
    let old_values = if table.send_old_values { OldValuesSent::Yes } else { OldValuesSent::No };
    let rows = match task.table_store(task.node_id()) {
        Some(store) => Some(Rows::new(task.store::<KeyValueStore<K, V>>(store)?)),
        None => None,
    };
    Ok((rows, old_values))
}
