//! Where tables come from: a topic, or a stream.

use std::panic::Location;
use std::sync::Arc;

use crate::Result;
use crate::dsl::ktable::table_rows;
use crate::dsl::{Consumed, KTable, Materialized, NewNode, Nullable, PlanCell, add, any_codec};
use crate::node::source::{Source, TimestampExtractor};
use crate::node::table::Table;
use crate::plan::table::source_view;
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
    let store_name = store_name(plan, materialized, &format!("{topic}-"), origin);
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

/// The name of a store: the user's, checked, or the next generated one.
pub(crate) fn store_name<K, V>(
    plan: &PlanCell,
    materialized: &Materialized<K, V>,
    prefix: &str,
    origin: &'static Location<'static>,
) -> String {
    let mut plan = plan.borrow_mut();
    match &materialized.name {
        Some(name) => plan.user_name(name.clone(), origin),
        None => plan.names.generate(&format!("{prefix}STATE-STORE-")),
    }
}

/// When a table has rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// From the start: its store has a name.
    Always,
    /// Once something reads it.
    WhereRead,
}

/// Adds a table below `parent`.
pub(crate) fn add_table<K: Data, V: Data, KN: Nullable<K>, VN: Nullable<V>>(
    plan: &PlanCell,
    parent: NodeId,
    name: String,
    codecs: AnyCodecs,
    (store, keep): (StorePlan, Keep),
    origin: &'static Location<'static>,
) -> NodeId {
    let node = add::<K, Change<V>>(
        plan,
        NewNode {
            op: Op::Table,
            name,
            parents: vec![parent],
            codecs,
            repartition_required: false,
            origin,
            wire: Box::new(|task| {
                let (rows, _) = table_rows::<K, V>(task)?;
                let outlet = task.outlet();
                task.install::<KN, VN>(Table::<K, V> { rows, outlet });
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
