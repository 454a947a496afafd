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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn results(value: Value) -> Results {
        serde_json::from_value(value).expect("results of a case")
    }

    fn plain() -> Value {
        json!({
            "describe": "Topologies:\n\n",
            "internal_topics": [],
            "stores": { "s": { "type": "kv", "entries": [{ "key": "a", "value": "x", "ts": 1 }] } },
            "dropped": 0,
            "outputs": [{ "step": 0, "topic": "out", "key": "a", "value": "x", "ts": 1 }],
            "changelogs": { "app-s-changelog": [[0, "61", "78", 1]] },
        })
    }

    #[test]
    fn whatever_differs_is_found() {
        assert_eq!(first_difference(&results(plain()), &results(plain())), None);
        for (pointer, other) in [
            ("/describe", json!("Topologies:\n")),
            ("/internal_topics", json!([{ "name": "app-s-changelog" }])),
            ("/stores/s/entries/0/ts", json!(2)),
            ("/stores/s/type", json!("window")),
            ("/dropped", json!(1)),
            ("/outputs/0/key", Value::Null),
            ("/outputs/0/headers", json!([["h", "1"]])),
            ("/outputs/0/step", json!(1)),
            ("/changelogs/app-s-changelog/0/2", Value::Null),
            ("/changelogs/app-s-changelog/1", json!([0, "61", null, 1])),
            ("/repartitions", json!({ "app-r-repartition": [[0, "61", "78", 1]] })),
            ("/error", json!({ "phase": "step", "step": 0 })),
        ] {
            let mut observed = plain();
            set(&mut observed, pointer, other);
            assert!(first_difference(&results(plain()), &results(observed)).is_some(), "{pointer}");
        }
    }

    fn set(value: &mut Value, pointer: &str, other: Value) {
        if let Some(place) = value.pointer_mut(pointer) {
            *place = other;
            return;
        }
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        match value.pointer_mut(parent).expect("a parent") {
            Value::Array(list) => list.push(other),
            place => place[name] = other,
        }
    }

    #[test]
    fn an_error_comes_in_its_phase_and_step_or_is_found_before_the_first_record() {
        let failed = |phase: &str, step: i64| results(json!({ "error": { "phase": phase, "step": step } }));
        assert_eq!(first_difference(&failed("step", 3), &failed("step", 3)), None);
        assert!(first_difference(&failed("step", 3), &failed("step", 2)).is_some());
        assert!(first_difference(&failed("step", 3), &failed("build", -1)).is_some());
        assert_eq!(first_difference(&failed("step", 0), &failed("build", -1)), None);
        assert!(first_difference(&failed("build", -1), &failed("init", -1)).is_some());
        assert!(first_difference(&failed("step", 3), &results(plain())).is_some());
    }
}
