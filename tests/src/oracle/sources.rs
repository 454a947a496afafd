//! Statements that begin a topology: streams, tables, and stores for processors.

use std::time::Duration;

use state_store::CodecRef;
use stream_core::dsl::{Consumed, Materialized, StoreBuilder};
use stream_core::record::{Record, Timestamp};
use stream_core::{Error, Kind as ErrorKind, Result, TimestampExtractor};

use crate::oracle::case::{Fields, Statement, flag, number, text, texts_by_name};
use crate::oracle::codecs::Plain;
use crate::oracle::datum::Datum;
use crate::oracle::interpret::Interpreter;
use crate::oracle::kinds::{KeyKind, Kind};
use crate::oracle::node::{StaticKey, Value};
use crate::oracle::stores::StoreForm;

/// Executes a source.
///
/// # Errors
/// None: what the DSL refuses shows when the topology is built.
pub(crate) fn execute(interpreter: &mut Interpreter<'_>, statement: &Statement) -> Result<()> {
    let kind = Kind {
        key: KeyKind::Plain(Plain::named(statement.text("key_type"))),
        value: Plain::named(statement.text("value_type")),
    };
    match statement.op() {
        "stream" => {
            let topics = match statement.text("topic") {
                Some(topic) => vec![topic.to_owned()],
                None => statement.texts("topics"),
            };
            let stream = interpreter.builder.stream_with(topics, consumed(statement, kind.key, kind.value.optional()));
            interpreter.keep(statement.text("id"), StaticKey::stream(stream), kind);
        }
        "table" => {
            let topic = statement.required("topic").to_owned();
            let kept = materialized::<Datum>(interpreter, statement, kind.key, kind.value);
            let options = consumed(statement, kind.key, kind.value.codec());
            let table = interpreter.builder.table_with(topic, options, kept);
            interpreter.keep(statement.text("id"), StaticKey::table(table), kind);
        }
        _ => add_store(interpreter, statement),
    }
    Ok(())
}

/// How a topic is read. Where reading begins, `offset_reset`, shows only in a log.
fn consumed<V>(statement: &Statement, keys: KeyKind, values: CodecRef<V>) -> Consumed<Datum, V>
where
    StampInValue: TimestampExtractor<Datum, V>,
{
    let mut consumed = Consumed::with_codecs(StaticKey::codec(keys), values);
    if let Some(rule) = statement.text("ts").and_then(Negative::named) {
        consumed = consumed.timestamp_extractor(StampInValue(rule));
    }
    match statement.text("name") {
        Some(name) => consumed.named(name),
        None => consumed,
    }
}

/// Takes the time of `ts=NNN;rest`, and of everything else the record's own.
struct StampInValue(Negative);

/// What becomes of a negative time.
#[derive(Clone, Copy, Debug)]
enum Negative {
    Drop,
    PartitionTime,
    Fail,
}

impl Negative {
    fn named(name: &str) -> Option<Self> {
        match name {
            "value_ts" | "log_and_skip" => Some(Self::Drop),
            "partition_time" => Some(Self::PartitionTime),
            "fail" => Some(Self::Fail),
            _ => None,
        }
    }
}

impl TimestampExtractor<Datum, Value> for StampInValue {
    fn extract(&self, record: &Record<Datum, Value>, partition_time: Timestamp) -> Result<Timestamp> {
        self.time(record.value.as_ref(), record.timestamp, partition_time)
    }
}

impl TimestampExtractor<Datum, Datum> for StampInValue {
    fn extract(&self, record: &Record<Datum, Datum>, partition_time: Timestamp) -> Result<Timestamp> {
        self.time(Some(&record.value), record.timestamp, partition_time)
    }
}

impl StampInValue {
    fn time(&self, value: Option<&Datum>, own: Timestamp, partition_time: Timestamp) -> Result<Timestamp> {
        let stamped = stamp(value).unwrap_or(own);
        if stamped >= Timestamp(0) {
            return Ok(stamped);
        }
        match self.0 {
            Negative::Drop => Ok(stamped),
            Negative::PartitionTime if partition_time >= Timestamp(0) => Ok(partition_time),
            Negative::PartitionTime | Negative::Fail => {
                Err(Error::new(ErrorKind::Record, format!("the record has the negative timestamp {stamped}")))
            }
        }
    }
}

fn stamp(value: Option<&Datum>) -> Option<Timestamp> {
    let Some(Datum::Str(text)) = value else { return None };
    let (stamp, _) = text.strip_prefix("ts=")?.split_once(';')?;
    stamp.parse().ok().map(Timestamp)
}

/// How an operator keeps its state. Caching is off unless the case says otherwise.
pub(crate) fn materialized<K: StaticKey>(
    interpreter: &mut Interpreter<'_>,
    statement: &Statement,
    keys: KeyKind,
    values: Plain,
) -> Materialized<K, Datum> {
    let mut kept = Materialized::with_codecs(K::codec(keys), values.codec());
    let nothing = Fields::new();
    let store = statement.object("store").unwrap_or(&nothing);
    if let Some(name) = text(store, "name") {
        kept = kept.named(name);
        let form = match (statement.object("window").is_some(), keys) {
            (true, _) => StoreForm::StampedWindow,
            (false, KeyKind::Plain(_)) => StoreForm::StampedKeyValue,
            (false, KeyKind::TimeWindowed(_)) => StoreForm::StampedWindowedKeyValue,
        };
        interpreter.stores.insert(name.to_owned(), form);
    }
    if text(store, "type") == Some("in_memory") {
        kept = kept.in_memory();
    }
    if let Some(retention) = number(store, "retention_ms") {
        kept = kept.retention(millis(retention));
    }
    if let Some(settings) = texts_by_name(store, "log_config") {
        kept = kept.logging(settings);
    }
    if store.get("logging").is_some() && !flag(store, "logging") {
        kept = kept.without_logging();
    }
    if flag(store, "caching") { kept } else { kept.without_caching() }
}

/// A store for processors: added to the topology, or kept for those that bring it along.
fn add_store(interpreter: &mut Interpreter<'_>, statement: &Statement) {
    let name = statement.required("name");
    let (keys, values) = (Plain::Str.codec(), Plain::named(statement.text("value_type")).codec());
    let size = millis(number(statement.fields(), "window_ms").unwrap_or_default());
    let retention = millis(number(statement.fields(), "retention_ms").unwrap_or_default());
    let (mut store, form) = match statement.text("type").unwrap_or("kv") {
        "ts_kv" => (StoreBuilder::timestamped_key_value_with(name, keys, values), StoreForm::StampedKeyValue),
        "window" => (StoreBuilder::window_with(name, size, keys, values).retention(retention), StoreForm::Window),
        "ts_window" => (
            StoreBuilder::timestamped_window_with(name, size, keys, values).retention(retention),
            StoreForm::StampedWindow,
        ),
        _ => (StoreBuilder::key_value_with(name, keys, values), StoreForm::KeyValue),
    };
    if statement.flag("retain_duplicates") {
        store = store.retain_duplicates();
    }
    if statement.flag("in_memory") {
        store = store.in_memory();
    }
    if let Some(settings) = texts_by_name(statement.fields(), "log_config") {
        store = store.logging(settings);
    }
    if statement.fields().contains_key("logging") && !statement.flag("logging") {
        store = store.without_logging();
    }
    if statement.flag("caching") {
        store = store.with_caching();
    }
    interpreter.stores.insert(name.to_owned(), form);
    if statement.flag("attach") {
        interpreter.attachable.insert(name.to_owned(), store);
    } else {
        interpreter.builder.add_store(store);
    }
}

/// Milliseconds as a duration; a negative number is none.
pub(crate) fn millis(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or_default())
}
