//! Where tables come from: a topic, or a stream.

use std::panic::Location;
use std::sync::Arc;

use state_store::DefaultCodec;

use crate::Result;
use crate::dsl::codecs::{missing, missing_codec};
use crate::dsl::ktable::table_rows;
use crate::dsl::repartition::{RepartitionNames, to_present_keys};
use crate::dsl::views::source_view;
use crate::dsl::{Consumed, KStream, KTable, Materialized, NewNode, Nullable, PlanCell, add, any_codec, typed_codec};
use crate::node::nulls::Nulls;
use crate::node::source::{Source, TimestampExtractor};
use crate::node::table::Table;
use crate::plan::{AnyCodecs, NodeId, Op, StorePlan, TablePlan, TableRows, TopicRef};
use crate::record::{Change, Data, Record, Timestamp};

/// Adds the source of a table's topic and the table.
pub(crate) fn table_of_topic<'b, K: Data, V: Data>(
    plan: &'b PlanCell,
    topic: String,
    consumed: Consumed<K, V>,
    materialized: &Materialized<K, V>,
    origin: &'static Location<'static>,
) -> KTable<'b, K, V> {
    let (keys, values) = (consumed.keys, consumed.values);
    let store_name = materialized.store_name(plan, &format!("{topic}-"), origin);
    let source_name = consumed.name.as_ref().map(|name| format!("{name}-source"));
    let source_name = plan.borrow_mut().operator_name(source_name, "KSTREAM-SOURCE-", origin);
    let name = plan.borrow_mut().operator_name(consumed.name, "KTABLE-SOURCE-", origin);
    let (source_keys, source_values) = (Option::<K>::codec(keys.clone()), Option::<V>::codec(values.clone()));
    let extractor = consumed.extractor.map(|extractor| {
        let extractor: Arc<dyn TimestampExtractor<Option<K>, Option<V>>> = Arc::new(OfRows(extractor));
        extractor
    });
    let source = add::<Option<K>, Option<V>>(
        plan,
        NewNode {
            op: Op::Source(vec![TopicRef { name: topic, internal: false }]),
            name: source_name,
            parents: Vec::new(),
            codecs: AnyCodecs::default(),
            repartition_required: false,
            origin,
            wire: Box::new(move |task| {
                let outlet = task.outlet::<Option<K>, Option<V>>();
                let (keys, values) = (source_keys.clone(), source_values.clone());
                task.install_source(Source { keys, values, extractor: extractor.clone(), outlet });
                Ok(())
            }),
        },
    );
    let store = materialized.key_value_store(store_name, keys.clone(), values.clone(), origin);
    let codecs = AnyCodecs { key: Some(any_codec(&keys)), value: Some(any_codec(&values)) };
    let keep = if materialized.name.is_some() { Keep::Always } else { Keep::WhereRead };
    let node = add_table::<K, V, Option<K>, Option<V>>(plan, source, name, codecs, (store, keep), origin);
    KTable::at(plan, node)
}

impl<'b, KN: Data, VN: Data> KStream<'b, KN, VN> {
    /// Makes a table of the stream: a record without a key is dropped, one without a value deletes its key. Where the
    /// key was changed before, the stream is repartitioned.
    ///
    /// A stream of `Option<V>` makes a table of `V`, which has to be named where it does not follow.
    ///
    /// ```
    /// use stream_core::StreamsBuilder;
    /// use stream_core::dsl::KTable;
    ///
    /// let builder = StreamsBuilder::new();
    /// let readings = builder.stream::<String, Option<i64>>("readings");
    /// let latest: KTable<'_, String, i64> = readings.to_table();
    /// latest.filter(|_sensor, value| *value > 100).to("high");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn to_table<K: Data + DefaultCodec, V: Data + DefaultCodec>(self) -> KTable<'b, K, V>
    where
        KN: Nullable<K>,
        VN: Nullable<V>,
    {
        self.to_table_with(Materialized::default())
    }

    /// Makes a table of the stream, kept in a store where `materialized` names one, or something reads it.
    #[track_caller]
    pub fn to_table_with<K: Data, V: Data>(self, materialized: Materialized<K, V>) -> KTable<'b, K, V>
    where
        KN: Nullable<K>,
        VN: Nullable<V>,
    {
        let origin = Location::caller();
        let name = self.next_name(None, "KSTREAM-TOTABLE-", origin);
        let store = materialized.store_name(self.plan, "KSTREAM-TOTABLE-", origin);
        let AnyCodecs { key, value } = self.plan.borrow().node(self.node).codecs.clone();
        let keys = materialized.key_codec(typed_codec::<KN>(key.as_ref()).map(KN::inner_codec));
        let values = materialized.value_codec(typed_codec::<VN>(value.as_ref()).map(VN::inner_codec));
        if keys.is_none() {
            missing_codec::<K>(self.plan, "key", "Materialized::with_codecs", origin);
        }
        if values.is_none() {
            missing_codec::<V>(self.plan, "value", "Materialized::with_codecs", origin);
        }
        let (keys, values) = (keys.unwrap_or_else(missing), values.unwrap_or_else(missing));
        let codecs = AnyCodecs { key: Some(any_codec(&keys)), value: Some(any_codec(&values)) };
        let keep = if materialized.name.is_some() { Keep::Always } else { Keep::WhereRead };
        let rows = (materialized.key_value_store(store, keys.clone(), values.clone(), origin), keep);
        let required = self.plan.borrow().node(self.node).repartition_required;
        let node = if required {
            let names = RepartitionNames::new(self.plan, &name);
            let source = to_present_keys::<KN, K, VN>(self.plan, self.node, names, keys, VN::codec(values), origin);
            add_table::<K, V, K, VN>(self.plan, source, name, codecs, rows, origin)
        } else {
            add_table::<K, V, KN, VN>(self.plan, self.node, name, codecs, rows, origin)
        };
        KTable::at(self.plan, node)
    }
}

/// When a table has rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// From the start: its store has a name.
    Always,
    /// Once something reads it.
    WhereRead,
}

/// Adds a table below `parent`.
fn add_table<K: Data, V: Data, KN: Nullable<K>, VN: Nullable<V>>(
    plan: &PlanCell,
    parent: NodeId,
    name: String,
    codecs: AnyCodecs,
    (store, keep): (StorePlan, Keep),
    origin: &'static Location<'static>,
) -> NodeId {
    let (keys, values) = (typed_codec::<K>(codecs.key.as_ref()), typed_codec::<V>(codecs.value.as_ref()));
    let node = add::<K, Change<V>>(
        plan,
        NewNode {
            op: Op::Table,
            name,
            parents: vec![parent],
            codecs,
            repartition_required: false,
            origin,
            wire: Box::new(move |task| {
                let (rows, _) = table_rows::<K, V>(task)?;
                let (keys, values) = (Nulls::of_known(keys.clone()), Nulls::of_known(values.clone()));
                let outlet = task.outlet();
                task.install::<KN, VN>(Table::<K, V> { rows, keys, values, outlet });
                Ok(())
            }),
        },
    );
    let mut plan = plan.borrow_mut();
    let view = source_view::<K, V>(node);
    match keep {
        Keep::Always => {
            let store = plan.add_store(store);
            plan.keep_table(node, store, None, view);
        }
        Keep::WhereRead => {
            let rows = TableRows::Reserved(Box::new(store));
            plan.node_mut(node).table = Some(TablePlan { rows, parent: None, send_old_values: false, view });
        }
    }
    node
}

/// The user's extractor of a table's topic. It is asked about rows; a record that has no key or no value keeps the
/// log's timestamp.
struct OfRows<K, V>(Arc<dyn TimestampExtractor<K, V>>);

impl<K: Data, V: Data> TimestampExtractor<Option<K>, Option<V>> for OfRows<K, V> {
    fn extract(&self, record: &Record<Option<K>, Option<V>>, partition_time: Timestamp) -> Result<Timestamp> {
        let (Some(key), Some(value)) = (record.key.clone(), record.value.clone()) else { return Ok(record.timestamp) };
        let row = Record { key, value, timestamp: record.timestamp, headers: record.headers.clone() };
        self.0.extract(&row, partition_time)
    }
}
