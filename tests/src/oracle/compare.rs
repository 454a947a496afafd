//! Compares what a case gave with what Kafka Streams gave, as the case files' rules ask: everything exactly, but for the
//! texts of errors.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::oracle::case::{Failure, Phase, Results};

/// The first difference, or `None`.
pub fn first_difference(expected: &Results, observed: &Results) -> Option<String> {
    if let Some(difference) = failures(expected.error.as_ref(), observed.error.as_ref()) {
        return Some(difference);
    }
    if refused_earlier(expected.error.as_ref(), observed.error.as_ref()) {
        return None;
    }
    texts(expected.describe.as_deref(), observed.describe.as_deref())
        .or_else(|| lists("internal topic", expected.internal_topics.as_deref(), observed.internal_topics.as_deref()))
        .or_else(|| outputs(&expected.outputs, &observed.outputs))
        .or_else(|| topics("repartition", &expected.repartitions, &observed.repartitions))
        .or_else(|| topics("changelog", &expected.changelogs, &observed.changelogs))
        .or_else(|| stores(expected.stores.as_ref(), observed.stores.as_ref()))
        .or_else(|| {
            (expected.dropped != observed.dropped).then(|| unequal("dropped", &expected.dropped, &observed.dropped))
        })
}

fn unequal(what: &str, expected: &impl std::fmt::Debug, observed: &impl std::fmt::Debug) -> String {
    format!("{what}:\n  expected {expected:?}\n  observed {observed:?}")
}

/// An error must come in the same phase and at the same step, or earlier where [`refused_earlier`] says so.
fn failures(expected: Option<&Failure>, observed: Option<&Failure>) -> Option<String> {
    match (expected, observed) {
        (None, None) => None,
        (None, Some(observed)) => Some(format!("an error that is not expected: {observed:?}")),
        (Some(expected), None) => Some(format!("an error that does not come: {expected:?}")),
        (Some(expected), Some(observed)) => {
            let same = (expected.phase, expected.step) == (observed.phase, observed.step);
            let fine = same || refused_earlier(Some(expected), Some(observed));
            (!fine).then(|| unequal("error", expected, observed))
        }
    }
}

/// What Kafka Streams' dynamic typing finds at start or at the first record may be refused before that.
fn refused_earlier(expected: Option<&Failure>, observed: Option<&Failure>) -> bool {
    let (Some(expected), Some(observed)) = (expected, observed) else { return false };
    let late = expected.phase == Phase::Init || (expected.phase == Phase::Step && expected.step == 0);
    late && observed.phase < expected.phase
}

fn texts(expected: Option<&str>, observed: Option<&str>) -> Option<String> {
    if expected == observed {
        return None;
    }
    let (Some(expected), Some(observed)) = (expected, observed) else {
        return Some(unequal("describe", &expected, &observed));
    };
    let mut lines = expected.lines().zip(observed.lines()).zip(1..);
    let first = lines.find(|((expected, observed), _)| expected != observed);
    Some(match first {
        Some(((expected, observed), line)) => unequal(&format!("describe, line {line}"), &expected, &observed),
        None => unequal("describe, number of lines", &expected.lines().count(), &observed.lines().count()),
    })
}

fn lists(what: &str, expected: Option<&[Value]>, observed: Option<&[Value]>) -> Option<String> {
    let (Some(expected), Some(observed)) = (expected, observed) else {
        return (expected.is_some() != observed.is_some()).then(|| unequal(what, &expected, &observed));
    };
    let longer = expected.len().max(observed.len());
    let index = (0..longer).find(|index| expected.get(*index) != observed.get(*index))?;
    let show = |list: &[Value]| list.get(index).map_or_else(|| "nothing".to_owned(), Value::to_string);
    Some(format!("{what} {index}:\n  expected {}\n  observed {}", show(expected), show(observed)))
}

/// Records by topic: the order between topics is not recorded.
fn outputs(expected: &[Value], observed: &[Value]) -> Option<String> {
    topics("output", &by_topic(expected), &by_topic(observed))
}

fn by_topic(records: &[Value]) -> BTreeMap<String, Vec<Value>> {
    let mut topics: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for record in records {
        let topic = record.get("topic").and_then(Value::as_str).unwrap_or_default();
        topics.entry(topic.to_owned()).or_default().push(record.clone());
    }
    topics
}

fn topics(
    what: &str,
    expected: &BTreeMap<String, Vec<Value>>,
    observed: &BTreeMap<String, Vec<Value>>,
) -> Option<String> {
    let names: BTreeSet<_> = expected.keys().chain(observed.keys()).collect();
    names.into_iter().find_map(|name| {
        let of = |topics: &BTreeMap<String, Vec<Value>>| topics.get(name).cloned().unwrap_or_default();
        lists(&format!("{what} {name}, record"), Some(&of(expected)), Some(&of(observed)))
    })
}

fn stores(expected: Option<&BTreeMap<String, Value>>, observed: Option<&BTreeMap<String, Value>>) -> Option<String> {
    let (Some(expected), Some(observed)) = (expected, observed) else {
        return (expected.is_some() != observed.is_some()).then(|| unequal("stores", &expected, &observed));
    };
    if !expected.keys().eq(observed.keys()) {
        let names = |stores: &BTreeMap<String, Value>| stores.keys().cloned().collect::<Vec<_>>();
        return Some(unequal("names of stores", &names(expected), &names(observed)));
    }
    expected.iter().zip(observed.values()).find_map(|((name, expected), observed)| store(name, expected, observed))
}

fn store(name: &str, expected: &Value, observed: &Value) -> Option<String> {
    // A window of size 0 cannot be listed by Kafka Streams: no claim is made about its content.
    if expected.get("not_listed").is_some() || expected == observed {
        return None;
    }
    let entries = |store: &Value| store.get("entries").and_then(Value::as_array).cloned();
    lists(&format!("store {name}, entry"), entries(expected).as_deref(), entries(observed).as_deref())
        .or_else(|| Some(unequal(&format!("store {name}"), expected, observed)))
}
