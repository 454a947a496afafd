//! Runs a case in the test driver and notes what it gives, in the form of the case files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use state_store::{Header, Headers, Timestamp};
use stream_core::testing::{DriverSettings, DriverState, Produced, TopologyTestDriver};
use stream_core::{Error, InternalTopicKind, Topology};

use crate::oracle::case::{Case, Failure, Input, Phase, Results, Step};
use crate::oracle::datum::{hex, unhex};
use crate::oracle::interpret::{self, Interpreted};
use crate::oracle::kinds::{KeyKind, Kind};
use crate::oracle::{contents, values};

/// Application id of every case.
const APPLICATION: &str = "app";

/// Where the state of a case is kept.
#[derive(Clone, Copy, Debug)]
pub enum State<'a> {
    /// In memory.
    Memory,
    /// In RocksDB, in this folder.
    Rocks(&'a Path),
}

/// Runs a case.
pub fn run(case: &Case, state: State<'_>) -> Results {
    let mut results = Results::default();
    let interpreted = match interpret::interpret(&case.topology) {
        Ok(interpreted) => interpreted,
        Err(error) => {
            results.error = Some(failure(Phase::Build, -1, &error));
            return results;
        }
    };
    results.describe = Some(interpreted.topology.describe());
    let settings = DriverSettings {
        application_id: APPLICATION.to_owned(),
        state: match state {
            State::Memory => DriverState::Memory,
            State::Rocks(folder) => DriverState::Rocks(folder.to_owned()),
        },
        ..DriverSettings::default()
    };
    match TopologyTestDriver::new(&interpreted.topology, &settings) {
        Err(error) => results.error = Some(failure(Phase::Init, -1, &error)),
        Ok(mut driver) => {
            let notes = Notes::new(&interpreted);
            results.internal_topics = Some(internal_topics(&interpreted.topology));
            notes.take(-1, driver.take_produced(), &mut results);
            results.error = steps(case, &mut driver, &notes, &mut results);
            if results.error.is_none() {
                results.dropped = Some(driver.dropped());
                results.stores = Some(contents::read(&mut driver, &interpreted));
            }
        }
    }
    results
}

fn failure(phase: Phase, step: i64, error: &Error) -> Failure {
    Failure { phase, step, message: Some(error.to_string()) }
}

/// Runs the steps; what stops one of them.
fn steps(case: &Case, driver: &mut TopologyTestDriver, notes: &Notes<'_>, results: &mut Results) -> Option<Failure> {
    for (step, number) in case.steps.iter().zip(0..) {
        let done = match step {
            Step::In(input) => pipe(driver, input),
            Step::AdvanceWall(millis) => driver.advance_wall_clock(Duration::from_millis(*millis)),
        };
        if let Err(error) = done {
            return Some(failure(Phase::Step, number, &error));
        }
        notes.take(number, driver.take_produced(), results);
    }
    None
}

fn pipe(driver: &mut TopologyTestDriver, input: &Input) -> stream_core::Result<()> {
    let bytes = |text: &Option<String>, in_hex: &Option<String>| match (text, in_hex) {
        (Some(text), _) => Some(text.as_bytes().to_vec()),
        (None, Some(digits)) => Some(unhex(digits)),
        (None, None) => None,
    };
    let (key, value) = (bytes(&input.key, &input.key_hex), bytes(&input.value, &input.value_hex));
    let headers = input.headers.iter().map(|(name, value)| Header {
        name: name.clone(),
        value: value.as_ref().map(|value| value.as_bytes().to_vec()),
    });
    let headers: Headers = headers.collect();
    driver.pipe(&input.topic, key.as_deref(), value.as_deref(), Timestamp(input.ts), &headers)
}

fn internal_topics(topology: &Topology) -> Vec<Value> {
    let mut topics = topology.internal_topics(APPLICATION);
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    let describe = |topic: &stream_core::InternalTopic| {
        let kind = match topic.kind {
            InternalTopicKind::Changelog => "changelog",
            InternalTopicKind::Repartition => "repartition",
        };
        let mut described = json!({ "name": topic.name, "type": kind, "config": topic.config });
        if let Some(partitions) = topic.partitions {
            described["partitions"] = json!(partitions);
        }
        described
    };
    topics.iter().map(describe).collect()
}

/// Tells changelogs, repartitions and outputs apart, and what kinds the outputs have.
struct Notes<'a> {
    interpreted: &'a Interpreted,
    changelogs: BTreeSet<String>,
    repartitions: BTreeSet<String>,
}

impl<'a> Notes<'a> {
    fn new(interpreted: &'a Interpreted) -> Self {
        let topics = interpreted.topology.internal_topics(APPLICATION);
        let named = |kind: InternalTopicKind| {
            topics.iter().filter(|topic| topic.kind == kind).map(|topic| topic.name.clone()).collect()
        };
        Self {
            interpreted,
            changelogs: named(InternalTopicKind::Changelog),
            repartitions: named(InternalTopicKind::Repartition),
        }
    }

    /// Notes what a step produced, topic by topic.
    fn take(&self, step: i64, produced: Vec<Produced>, results: &mut Results) {
        let mut topics: BTreeMap<String, Vec<Produced>> = BTreeMap::new();
        for record in produced {
            topics.entry(record.topic.clone()).or_default().push(record);
        }
        for (topic, records) in topics {
            let raw = records.iter().map(|record| raw(step, record));
            if self.repartitions.contains(&topic) {
                results.repartitions.entry(topic).or_default().extend(raw);
            } else if self.changelogs.contains(&topic) && !self.interpreted.writes_to(&topic) {
                results.changelogs.entry(topic).or_default().extend(raw);
            } else {
                let kind = self.interpreted.kind_of_topic(&topic);
                results.outputs.extend(records.iter().map(|record| typed(step, record, kind)));
            }
        }
    }
}

/// `[step, key, value, timestamp]`, and the headers where there are any; bytes as hexadecimal digits.
fn raw(step: i64, record: &Produced) -> Value {
    let digits = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(hex);
    let mut fields =
        vec![json!(step), json!(digits(&record.key)), json!(digits(&record.value)), json!(record.timestamp.millis())];
    if !record.headers.is_empty() {
        fields.push(record.headers.iter().map(|header| json!([header.name, digits(&header.value)])).collect());
    }
    Value::Array(fields)
}

/// A record of an output, its key and value read as `kind`.
fn typed(step: i64, record: &Produced, kind: Kind) -> Value {
    let mut fields = json!({
        "step": step,
        "topic": record.topic,
        "key": values::read(kind.key.read(record.key.as_deref())),
        "value": values::read(kind.value.read(record.value.as_deref())),
        "ts": record.timestamp.millis(),
    });
    if !record.headers.is_empty() {
        let text = |value: &Option<Vec<u8>>| value.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        fields["headers"] = record.headers.iter().map(|header| json!([header.name, text(&header.value)])).collect();
    }
    if let Some(bytes) = record.key.as_ref().filter(|_| kind.key != KeyKind::STR) {
        fields["key_hex"] = json!(hex(bytes));
    }
    if let Some(bytes) = record.value.as_ref().filter(|_| kind.value != crate::oracle::codecs::Plain::Str) {
        fields["value_hex"] = json!(hex(bytes));
    }
    fields
}
