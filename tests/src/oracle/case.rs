//! A case file: a topology, the steps of its input, and what Kafka Streams made of them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A case.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// Settings other than the fixed ones.
    pub config: Option<Value>,
    /// The statements, in the order in which they are executed.
    pub topology: Vec<Statement>,
    /// The input.
    pub steps: Vec<Step>,
    /// The results.
    pub expect: Results,
}

/// One statement of a topology: an operator with its inputs and options.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Statement {
    fields: Map<String, Value>,
}

/// A part of a statement: the statement itself, or one of its objects.
pub type Fields = Map<String, Value>;

impl Statement {
    /// The operator.
    pub fn op(&self) -> &str {
        text(&self.fields, "op").unwrap_or_default()
    }

    /// All its fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The field `name`, where it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        text(&self.fields, name)
    }

    /// The field `name`, or the empty text.
    pub fn required(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// Whether the field `name` is true.
    pub fn flag(&self, name: &str) -> bool {
        flag(&self.fields, name)
    }

    /// The field `name`, where it is an object.
    pub fn object(&self, name: &str) -> Option<&Fields> {
        self.fields.get(name).and_then(Value::as_object)
    }

    /// The elements of the field `name`, where it is a list.
    pub fn list(&self, name: &str) -> &[Value] {
        self.fields.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The texts of the list `name`.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// The field `name` of `fields`, where it is text.
pub fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

/// The field `name` of `fields`, where it is a number.
pub fn number(fields: &Fields, name: &str) -> Option<i64> {
    fields.get(name).and_then(Value::as_i64)
}

/// Whether the field `name` of `fields` is true.
pub fn flag(fields: &Fields, name: &str) -> bool {
    fields.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// The texts of the object `name` of `fields`.
pub fn texts_by_name(fields: &Fields, name: &str) -> Option<BTreeMap<String, String>> {
    let object = fields.get(name)?.as_object()?;
    Some(object.iter().map(|(name, value)| (name.clone(), as_text(value))).collect())
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One step of the input.
#[derive(Debug, Deserialize)]
pub enum Step {
    /// Pipes a record.
    #[serde(rename = "in")]
    In(Input),
    /// Moves the wall clock.
    #[serde(rename = "advance_wall_ms")]
    AdvanceWall(u64),
}

/// A record to pipe.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// Its topic.
    pub topic: String,
    /// Its key, as text.
    pub key: Option<String>,
    /// Its key, as bytes.
    pub key_hex: Option<String>,
    /// Its value, as text.
    pub value: Option<String>,
    /// Its value, as bytes.
    pub value_hex: Option<String>,
    /// Its timestamp.
    pub ts: i64,
    /// Its headers.
    #[serde(default)]
    pub headers: Vec<(String, Option<String>)>,
}

/// What a case gives, expected or observed.
#[derive(Debug, Default, Deserialize)]
pub struct Results {
    /// The topology as text; `None` where it was not built.
    pub describe: Option<String>,
    /// What stopped the case.
    pub error: Option<Failure>,
    /// The topics that the topology asks for; `None` where the task did not start.
    pub internal_topics: Option<Vec<Value>>,
    /// What the stores hold at the end; `None` after an error.
    pub stores: Option<BTreeMap<String, Value>>,
    /// Records that were dropped; `None` after an error.
    pub dropped: Option<u64>,
    /// Records of topics that are neither changelogs nor repartitions, topics of one step in the order of their names.
    #[serde(default)]
    pub outputs: Vec<Value>,
    /// Records of the changelogs, by topic.
    #[serde(default)]
    pub changelogs: BTreeMap<String, Vec<Value>>,
    /// Records of the repartitions, by topic.
    #[serde(default)]
    pub repartitions: BTreeMap<String, Vec<Value>>,
}

/// An error and when it happened.
#[derive(Debug, Deserialize)]
pub struct Failure {
    /// In which phase.
    pub phase: Phase,
    /// At which step, counted from 0; −1 before the first.
    pub step: i64,
    /// What it said.
    #[serde(default)]
    pub message: Option<String>,
}

/// The phases of a case.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The topology is built.
    Build,
    /// The task starts.
    Init,
    /// Records are processed.
    Step,
    /// The stores are read.
    Stores,
}
