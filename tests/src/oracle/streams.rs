//! Statements on streams: the operators without state, branches, groups, sinks, processors.

use stream_core::Result;
use stream_core::dsl::{Grouped as GroupedOptions, KStream, Materialized, Printed, Produced, Repartitioned, StoreUse};

use crate::oracle::case::{Statement, number};
use crate::oracle::codecs::Plain;
use crate::oracle::datum::Datum;
use crate::oracle::functions::{self, Function2};
use crate::oracle::interpret::{Interpreter, with_keys};
use crate::oracle::keys::Key;
use crate::oracle::kinds::{KeyKind, Kind};
use crate::oracle::node::{ByKey, Node, StaticKey, Value};
use crate::oracle::processors::{Named, Program, kind_out};
use crate::oracle::refused;
use crate::oracle::sources::materialized;

/// Executes an operator on a stream.
///
/// # Errors
/// What cannot be read or done; what the DSL refuses shows when the topology is built.
pub(crate) fn execute(interpreter: &mut Interpreter<'_>, statement: &Statement) -> Result<()> {
    let (stream, kind) = interpreter.stream(statement, "from")?;
    if statement.op() == "merge" {
        let (with, _) = interpreter.stream(statement, "with")?;
        let merged = match (stream, with) {
            (ByKey::Plain(a), ByKey::Plain(b)) => StaticKey::stream(named(a, statement).merge(b)),
            (ByKey::Windowed(a), ByKey::Windowed(b)) => StaticKey::stream(named(a, statement).merge(b)),
            _ => return Err(refused("streams of plain and of windowed keys do not merge")),
        };
        interpreter.keep(statement.text("id"), merged, kind);
        return Ok(());
    }
    with_keys!(stream, stream => {
        let at = At { stream: named(stream, statement), kind, statement };
        match statement.op() {
            "to" | "to_dynamic" | "foreach" | "print" => at.end(interpreter),
            "group_by_key" | "group_by" | "repartition" | "to_table" => at.repartition(interpreter),
            "split" => at.split(interpreter),
            "process" | "process_values" => at.process(interpreter),
            "map" | "flat_map" | "select_key" => at.with_other_key(interpreter),
            _ => at.with_same_key(interpreter),
        }
    })
}

fn named<'b, K: StaticKey>(stream: KStream<'b, K, Value>, statement: &Statement) -> KStream<'b, K, Value> {
    match statement.text("name") {
        Some(name) => stream.named(name),
        None => stream,
    }
}

/// A stream at the statement that reads it.
struct At<'b, 's, K> {
    stream: KStream<'b, K, Value>,
    kind: Kind,
    statement: &'s Statement,
}

/// The function that a field of a statement names.
fn function<F>(statement: &Statement, field: &str, table: fn(&str) -> Option<F>) -> Result<F> {
    let name = statement.required(field);
    table(name).ok_or_else(|| refused(&format!("no function is known as {name:?}")))
}

/// What a mapper makes of values of `kind`.
pub(crate) fn mapped_kind(mapper: &str, kind: Plain) -> Plain {
    if functions::mapper_makes_longs(mapper) {
        Plain::Long
    } else if functions::mapper_keeps_kind(mapper) {
        kind
    } else {
        Plain::Str
    }
}

impl<'b, K: StaticKey> At<'b, '_, K> {
    fn keep(&self, interpreter: &mut Interpreter<'b>, node: Node<'b>, kind: Kind) {
        interpreter.keep(self.statement.text("id"), node, kind);
    }

    /// Filters, mappers of values, peeks.
    fn with_same_key(self, interpreter: &mut Interpreter<'b>) -> Result<()> {
        let Self { stream, mut kind, statement } = self;
        let out = match statement.op() {
            op @ ("filter" | "filter_not") => {
                let keep = function(statement, "pred", functions::predicate)?;
                let test = move |key: &K, value: &Value| keep(&key.datum(), &Datum::of(value.clone()));
                if op == "filter" { stream.filter(test) } else { stream.filter_not(test) }
            }
            "map_values" => {
                let f = function(statement, "fn", functions::mapper)?;
                kind = kind.with_value(mapped_kind(statement.required("fn"), kind.value));
                let with_key = statement.flag("with_key");
                stream.map_values(move |key: &K, value: Value| {
                    let key = if with_key { key.datum() } else { Datum::Null };
                    f(&key, &Datum::of(value)).into_option()
                })
            }
            "flat_map_values" => {
                let f = function(statement, "fn", functions::flat_map_values)?;
                kind = kind.with_value(Plain::Str);
                let with_key = statement.flag("with_key");
                stream.flat_map_values(move |key: &K, value: Value| {
                    let key = if with_key { key.datum() } else { Datum::Null };
                    f(&key, &Datum::of(value)).into_iter().map(Datum::into_option).collect::<Vec<_>>()
                })
            }
            "peek" => stream.peek(|_, _| {}),
            op => return Err(refused(&format!("no operator is known as {op:?}"))),
        };
        interpreter.keep(statement.text("id"), K::stream(out), kind);
        Ok(())
    }

    /// Operators that make new keys: of the same kind where the selector keeps it, else plain ones.
    fn with_other_key(self, interpreter: &mut Interpreter<'b>) -> Result<()> {
        let selector = self.statement.text("key").unwrap_or_default();
        if self.statement.op() == "flat_map" {
            let f = function(self.statement, "fn", functions::flat_map)?;
            let flat = self.stream.flat_map(move |key: K, value: Value| {
                let pairs = f(&key.datum(), &Datum::of(value)).into_iter();
                pairs.map(|(key, value)| (key, value.into_option())).collect::<Vec<_>>()
            });
            interpreter.keep(self.statement.text("id"), Datum::stream(flat), Kind::STR);
            return Ok(());
        }
        if functions::selector_keeps_kind(selector) {
            let key = self.kind.key;
            self.with_key::<K>(interpreter, key)
        } else {
            self.with_key::<Datum>(interpreter, KeyKind::STR)
        }
    }

    fn with_key<L: StaticKey>(self, interpreter: &mut Interpreter<'b>, key: KeyKind) -> Result<()> {
        let Self { stream, kind, statement } = self;
        let select = function(statement, "key", functions::selector)?;
        let (out, kind) = match statement.op() {
            "select_key" => (stream.select_key(selected::<K, L>(select)), kind.with_key(key)),
            _ => {
                let f = function(statement, "value", functions::mapper)?;
                let out = stream.map(move |key: K, value: Value| {
                    let (key, value) = (key.datum(), Datum::of(value));
                    (L::from_datum(select(&key, &value)), f(&key, &value).into_option())
                });
                (out, Kind { key, value: mapped_kind(statement.required("value"), kind.value) })
            }
        };
        interpreter.keep(statement.text("id"), L::stream(out), kind);
        Ok(())
    }

    /// Branches, in order, and what is left.
    fn split(self, interpreter: &mut Interpreter<'b>) -> Result<()> {
        let Self { stream, kind, statement } = self;
        let mut split = stream.split();
        for branch in statement.list("branches") {
            let text = |name: &str| branch.get(name).and_then(serde_json::Value::as_str);
            let keep = functions::predicate(text("pred").unwrap_or_default());
            let keep = keep.ok_or_else(|| refused("a branch has a predicate that is not known"))?;
            let test = move |key: &K, value: &Value| keep(&key.datum(), &Datum::of(value.clone()));
            let out = match text("name") {
                Some(name) => split.branch_named(name, test),
                None => split.branch(test),
            };
            interpreter.keep(text("id"), K::stream(out), kind);
        }
        if let Some(rest) = statement.object("default") {
            let text = |name: &str| rest.get(name).and_then(serde_json::Value::as_str);
            let out = match text("name") {
                Some(name) => split.default_branch_named(name),
                None => split.default_branch(),
            };
            interpreter.keep(text("id"), K::stream(out), kind);
        }
        Ok(())
    }

    /// Sinks and other ends.
    fn end(self, interpreter: &mut Interpreter<'b>) -> Result<()> {
        let Self { stream, kind, statement } = self;
        let produced = || Produced::with_codecs(K::codec(kind.key), kind.value.optional());
        match statement.op() {
            "to" => {
                stream.to_with(statement.required("topic"), produced());
                interpreter.keep_sink(statement.required("topic"), kind);
            }
            "to_dynamic" => {
                let choose = function(statement, "extractor", functions::topic_extractor)?;
                let extractor = statement.required("extractor");
                let topic = move |key: &K, value: &Value| choose(&key.datum(), &Datum::of(value.clone()));
                stream.to_chosen_as(extractor, topic, produced());
                interpreter.keep_chosen_sink(extractor, kind);
            }
            "foreach" => stream.foreach(|_, _| {}),
            _ => stream.print(Printed::to_sink(|_| {})),
        }
        Ok(())
    }

    /// Repartitions and what may need one.
    fn repartition(self, interpreter: &mut Interpreter<'b>) -> Result<()> {
        let Self { stream, kind, statement } = self;
        match statement.op() {
            "repartition" => {
                let mut options = Repartitioned::with_codecs(K::codec(kind.key), kind.value.optional());
                if let Some(partitions) = number(statement.fields(), "partitions") {
                    options = options.partitions(i32::try_from(partitions).unwrap_or(i32::MAX));
                }
                let out = stream.repartition_with(options);
                self.keep(interpreter, K::stream(out), kind);
            }
            "to_table" => {
                let kept: Materialized<K, Datum> = materialized(interpreter, statement, kind.key, kind.value);
                let out = stream.to_table_with(kept);
                self.keep(interpreter, K::table(out), kind);
            }
            "group_by_key" => {
                let out = stream.group_by_key_with(grouped::<K>(statement, kind));
                self.keep(interpreter, K::grouped(out), kind);
            }
            _ if functions::selector_keeps_kind(statement.required("key")) => {
                self.group_by::<K>(interpreter, kind.key)?;
            }
            _ => self.group_by::<Datum>(interpreter, KeyKind::STR)?,
        }
        Ok(())
    }

    fn group_by<L: StaticKey>(self, interpreter: &mut Interpreter<'b>, key: KeyKind) -> Result<()> {
        let select = function(self.statement, "key", functions::selector)?;
        let kind = self.kind.with_key(key);
        let options = grouped::<L>(self.statement, kind);
        let out = self.stream.group_by_with(selected::<K, L>(select), options);
        self.keep(interpreter, L::grouped(out), kind);
        Ok(())
    }

    fn process(self, interpreter: &mut Interpreter<'b>) -> Result<()> {
        let Self { stream, kind, statement } = self;
        let names = statement.texts("stores");
        let program = Program::new(statement.required("processor"), interpreter.store_forms(&names));
        let uses: Vec<StoreUse> = names
            .iter()
            .map(|name| match interpreter.attachable.get(name) {
                Some(store) => StoreUse::Attach(store.clone()),
                None => StoreUse::Connect(name.clone()),
            })
            .collect();
        let out = if statement.op() == "process" {
            stream.process(move |stores| -> Named<K> { program.make(stores) }, uses)
        } else {
            stream.process_values(move |stores| -> Named<K> { program.make(stores) }, uses)
        };
        let kind = kind.with_value(kind_out(statement.required("processor"), kind.value));
        interpreter.keep(statement.text("id"), K::stream(out), kind);
        Ok(())
    }
}

/// How a stream of `kind` is grouped: the statement's name is that of the repartition.
fn grouped<K: StaticKey>(statement: &Statement, kind: Kind) -> GroupedOptions<K, Value> {
    let options = GroupedOptions::with_codecs(K::codec(kind.key), kind.value.optional());
    match statement.text("name") {
        Some(name) => options.named(name),
        None => options,
    }
}

fn selected<K: Key, L: Key>(select: Function2) -> impl Fn(&K, &Value) -> L + Send + Sync + 'static {
    move |key, value| L::from_datum(select(&key.datum(), &Datum::of(value.clone())))
}
