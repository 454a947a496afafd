//! Executes the statements of a case, each one call of the DSL, so that generated names come out as Kafka Streams'.

use std::collections::BTreeMap;

use stream_core::dsl::StoreBuilder;
use stream_core::{Error, Result, StreamsBuilder, Topology};

use crate::oracle::case::Statement;
use crate::oracle::functions::Spec;
use crate::oracle::kinds::Kind;
use crate::oracle::node::{Grouped, Node, Stream, Table};
use crate::oracle::refused;
use crate::oracle::stores::StoreForm;
use crate::oracle::{groups, sources, streams, tables};

/// A topology with what its results are read by.
pub struct Interpreted {
    /// The topology.
    pub topology: Topology,
    /// Topics that are written to, or `prefix*` of those chosen for each record, with the kinds written there.
    sinks: Vec<(String, Kind)>,
    stores: BTreeMap<String, StoreForm>,
}

impl Interpreted {
    /// Whether the user's topology writes to `topic`.
    pub fn writes_to(&self, topic: &str) -> bool {
        self.sinks.iter().any(|(sink, _)| sink == topic)
    }

    /// What is written to `topic`.
    pub fn kind_of_topic(&self, topic: &str) -> Kind {
        let exact = self.sinks.iter().find(|(sink, _)| sink == topic);
        let chosen = || {
            let starts = |sink: &String| sink.strip_suffix('*').is_some_and(|prefix| topic.starts_with(prefix));
            self.sinks.iter().find(|(sink, _)| starts(sink))
        };
        exact.or_else(chosen).map_or(Kind::STR, |(_, kind)| *kind)
    }

    /// Whether the store `name` keeps timestamps: all do but some of those that processors have.
    pub fn has_timestamps(&self, name: &str) -> bool {
        !matches!(self.stores.get(name), Some(StoreForm::KeyValue | StoreForm::Window))
    }
}

/// Builds the topology of `statements`.
///
/// # Errors
/// What the DSL refuses.
pub fn interpret(statements: &[Statement]) -> Result<Interpreted> {
    let builder = StreamsBuilder::new();
    let mut interpreter = Interpreter {
        builder: &builder,
        nodes: BTreeMap::new(),
        sinks: Vec::new(),
        stores: BTreeMap::new(),
        attachable: BTreeMap::new(),
    };
    statements.iter().try_for_each(|statement| interpreter.execute(statement))?;
    let Interpreter { sinks, stores, .. } = interpreter;
    Ok(Interpreted { topology: builder.build()?, sinks, stores })
}

/// The statements executed so far.
pub struct Interpreter<'b> {
    pub(crate) builder: &'b StreamsBuilder,
    nodes: BTreeMap<String, (Node<'b>, Kind)>,
    sinks: Vec<(String, Kind)>,
    /// Stores by name, as processors see them.
    pub(crate) stores: BTreeMap<String, StoreForm>,
    /// Stores that processors bring along.
    pub(crate) attachable: BTreeMap<String, StoreBuilder>,
}

impl<'b> Interpreter<'b> {
    fn execute(&mut self, statement: &Statement) -> Result<()> {
        match statement.op() {
            "stream" | "table" | "add_store" => sources::execute(self, statement),
            "count" | "reduce" | "aggregate" => groups::execute(self, statement),
            "stream_table_join" => tables::join(self, statement),
            op if op.starts_with("table_") || op == "to_stream" => tables::execute(self, statement),
            _ => streams::execute(self, statement),
        }
    }

    /// Keeps what a statement, or a branch of one, made.
    pub(crate) fn keep(&mut self, id: Option<&str>, node: Node<'b>, kind: Kind) {
        if let Some(id) = id {
            self.nodes.insert(id.to_owned(), (node, kind));
        }
    }

    /// A topic, or `prefix*` of those chosen for each record, is written to.
    pub(crate) fn keep_sink(&mut self, topic: &str, kind: Kind) {
        if !self.sinks.iter().any(|(sink, _)| sink == topic) {
            self.sinks.push((topic.to_owned(), kind));
        }
    }

    /// Records are written to the topics that `extractor` chooses.
    pub(crate) fn keep_chosen_sink(&mut self, extractor: &str, kind: Kind) {
        self.keep_sink(&format!("{}*", Spec::parse(extractor).argument(0)), kind);
    }

    /// The stream that the field `name` of a statement names.
    pub(crate) fn stream(&self, statement: &Statement, name: &str) -> Result<(Stream<'b>, Kind)> {
        match self.nodes.get(statement.required(name)) {
            Some((Node::Stream(stream), kind)) => Ok((*stream, *kind)),
            _ => Err(self.no_such(statement, name, "stream")),
        }
    }

    /// The table that the field `name` of a statement names.
    pub(crate) fn table(&self, statement: &Statement, name: &str) -> Result<(Table<'b>, Kind)> {
        match self.nodes.get(statement.required(name)) {
            Some((Node::Table(table), kind)) => Ok((*table, *kind)),
            _ => Err(self.no_such(statement, name, "table")),
        }
    }

    /// The group that the field `name` of a statement names.
    pub(crate) fn grouped(&self, statement: &Statement, name: &str) -> Result<(Grouped<'b>, Kind)> {
        match self.nodes.get(statement.required(name)) {
            Some((Node::Grouped(grouped), kind)) => Ok((*grouped, *kind)),
            _ => Err(self.no_such(statement, name, "group")),
        }
    }

    fn no_such(&self, statement: &Statement, name: &str, what: &str) -> Error {
        refused(&format!("{} reads {:?}, which is no {what}", statement.op(), statement.required(name)))
    }

    /// The stores of a processor as it sees them, by the names in its statement.
    pub(crate) fn store_forms(&self, names: &[String]) -> Vec<(String, StoreForm)> {
        let form = |name: &String| self.stores.get(name).copied().unwrap_or(StoreForm::KeyValue);
        names.iter().map(|name| (name.clone(), form(name))).collect()
    }
}

/// Calls `$f` with the stream, table or group, whatever its keys are.
macro_rules! with_keys {
    ($node:expr, $inner:ident => $call:expr) => {
        match $node {
            $crate::oracle::node::ByKey::Plain($inner) => $call,
            $crate::oracle::node::ByKey::Windowed($inner) => $call,
        }
    };
}
pub(crate) use with_keys;
