//! Which cases can run: those that use only operators and options that the DSL has.
//!
//! What is not listed makes a case wait, so a case is never run with an option left out.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::oracle::aggregators::{aggregator, initial, joiner, reducer};
use crate::oracle::case::{Case, Fields, Statement, flag, text};
use crate::oracle::codecs::Plain;
use crate::oracle::functions::{flat_map, flat_map_values, mapper, predicate, selector, topic_extractor};
use crate::oracle::processors;

/// The operators with the options that each has, inputs included.
const OPERATORS: &[(&str, &[&str])] = &[
    ("stream", &["topic", "topics", "ts", "offset_reset", "name", "key_type", "value_type"]),
    ("table", &["topic", "store", "ts", "offset_reset", "name", "key_type", "value_type"]),
    ("filter", &["from", "pred", "name"]),
    ("filter_not", &["from", "pred", "name"]),
    ("map", &["from", "key", "value", "name"]),
    ("map_values", &["from", "fn", "with_key", "name"]),
    ("flat_map", &["from", "fn", "name"]),
    ("flat_map_values", &["from", "fn", "with_key", "name"]),
    ("select_key", &["from", "key", "name"]),
    ("peek", &["from", "name"]),
    ("foreach", &["from", "name"]),
    ("print", &["from", "name"]),
    ("merge", &["from", "with", "name"]),
    ("split", &["from", "branches", "default", "name"]),
    ("repartition", &["from", "partitions", "name"]),
    ("group_by_key", &["from", "name"]),
    ("group_by", &["from", "key", "name"]),
    ("count", &["from", "window", "emit", "store", "name"]),
    ("reduce", &["from", "fn", "window", "emit", "store", "name"]),
    ("aggregate", &["from", "init", "agg", "window", "emit", "store", "name"]),
    ("to_table", &["from", "store", "name"]),
    ("to_stream", &["from", "key", "name"]),
    ("to", &["from", "topic", "name"]),
    ("to_dynamic", &["from", "extractor", "name"]),
    ("table_filter", &["from", "pred", "store", "name"]),
    ("table_filter_not", &["from", "pred", "store", "name"]),
    ("table_map_values", &["from", "fn", "with_key", "store", "name"]),
    ("stream_table_join", &["left", "right", "kind", "joiner", "with_key", "name"]),
    ("process", &["from", "processor", "stores", "name"]),
    ("process_values", &["from", "processor", "stores", "name"]),
    ("add_store", STORE_BUILDER),
];

const STORE_BUILDER: &[&str] = &[
    "name",
    "type",
    "in_memory",
    "value_type",
    "attach",
    "logging",
    "log_config",
    "caching",
    "window_ms",
    "retention_ms",
    "retain_duplicates",
];

const STORE_OPTIONS: &[&str] = &["name", "type", "logging", "log_config", "caching", "retention_ms"];

const WINDOWS: &[(&str, &[&str])] =
    &[("tumbling", &["type", "size", "grace"]), ("hopping", &["type", "size", "advance", "grace"])];

/// What the case waits for; empty if it can run.
pub fn missing(case: &Case) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    if let Some(Value::Object(config)) = &case.config {
        missing.extend(config.keys().map(|name| format!("config {name}")));
    }
    // A grouped table is read by operators that are named as those over a grouped stream.
    for statement in &case.topology {
        match OPERATORS.iter().find(|(name, _)| *name == statement.op()) {
            None => {
                missing.insert(format!("op {}", statement.op()));
            }
            Some((op, options)) => {
                let unknown = statement.fields().keys().filter(|name| !["id", "op"].contains(&name.as_str()));
                let unknown = unknown.filter(|name| !options.contains(&name.as_str()));
                missing.extend(unknown.map(|name| format!("{op} with {name}")));
                missing.extend(missing_options(statement));
                missing.extend(missing_functions(statement));
            }
        }
    }
    missing
}

/// Values of options that are not there yet.
fn missing_options(statement: &Statement) -> Vec<String> {
    let mut missing = Vec::new();
    if let Some(window) = statement.object("window") {
        let kind = text(window, "type").unwrap_or_default();
        match WINDOWS.iter().find(|(name, _)| *name == kind) {
            None => missing.push(format!("window {kind}")),
            Some((_, options)) => missing.extend(unlisted(window, options).map(|name| format!("window with {name}"))),
        }
    }
    if let Some(store) = statement.object("store") {
        missing.extend(unlisted(store, STORE_OPTIONS).map(|name| format!("store with {name}")));
        if let Some(kind) = text(store, "type").filter(|kind| !["rocksdb", "in_memory"].contains(kind)) {
            missing.push(format!("store type {}", kind.split(':').next().unwrap_or(kind)));
        }
    }
    if statement.text("emit").is_some_and(|emit| emit != "on_update") {
        missing.push("emit on close".to_owned());
    }
    if statement.op() == "add_store" {
        let kind = statement.text("type").unwrap_or("kv");
        if !["kv", "ts_kv", "window", "ts_window"].contains(&kind) {
            missing.push(format!("add_store {kind}"));
        }
    }
    let extractors = ["record", "value_ts", "log_and_skip", "partition_time", "fail"];
    if let Some(extractor) = statement.text("ts").filter(|ts| !extractors.contains(ts)) {
        missing.push(format!("ts {extractor}"));
    }
    if statement.op() == "stream_table_join" && statement.text("kind") == Some("outer") {
        missing.push("stream_table_join outer".to_owned());
    }
    if statement.texts("stores").iter().any(|store| store.starts_with('!')) {
        missing.push("global stores in processors".to_owned());
    }
    if statement.object("store").is_some_and(|store| flag(store, "caching")) && statement.op().starts_with("table_") {
        missing.push("caching on table operators".to_owned());
    }
    missing
}

fn unlisted<'a>(fields: &'a Fields, listed: &'a [&str]) -> impl Iterator<Item = &'a String> {
    fields.keys().filter(|name| !listed.contains(&name.as_str()))
}

/// Names of functions that are not known.
fn missing_functions(statement: &Statement) -> Vec<String> {
    let op = statement.op();
    let mut unknown = Vec::new();
    let mut check = |field: &str, known: &dyn Fn(&str) -> bool| {
        if let Some(name) = statement.text(field).filter(|name| !known(name)) {
            unknown.push(format!("function {name}"));
        }
    };
    check("pred", &|name| predicate(name).is_some());
    check("key", &|name| selector(name).is_some());
    check("value", &|name| mapper(name).is_some());
    check("extractor", &|name| topic_extractor(name).is_some());
    check("joiner", &|name| joiner(name).is_some());
    check("init", &|name| initial(name).is_some());
    check("agg", &|name| aggregator(name).is_some());
    check("processor", &processors::is_known);
    check("fn", &|name| match op {
        "map_values" | "table_map_values" => mapper(name).is_some(),
        "flat_map" => flat_map(name).is_some(),
        "flat_map_values" => flat_map_values(name).is_some(),
        "reduce" => reducer(name, Plain::Str).is_some(),
        _ => false,
    });
    let branches = statement.list("branches").iter().filter_map(|branch| branch.get("pred")?.as_str());
    unknown.extend(branches.filter(|name| predicate(name).is_none()).map(|name| format!("function {name}")));
    unknown
}
