//! Statements on tables, and the join of a stream with one.

use stream_core::Result;
use stream_core::dsl::{Joined, KStream, KTable};

use crate::oracle::aggregators::{self, Function3};
use crate::oracle::case::Statement;
use crate::oracle::datum::Datum;
use crate::oracle::functions;
use crate::oracle::interpret::{Interpreter, with_keys};
use crate::oracle::kinds::{KeyKind, Kind};
use crate::oracle::node::{ByKey, Node, StaticKey, Value};
use crate::oracle::refused;
use crate::oracle::sources::materialized;
use crate::oracle::streams::mapped_kind;

/// Executes an operator on a table.
///
/// # Errors
/// What cannot be read; what the DSL refuses shows when the topology is built.
pub(crate) fn execute(interpreter: &mut Interpreter<'_>, statement: &Statement) -> Result<()> {
    let (table, kind) = interpreter.table(statement, "from")?;
    with_keys!(table, table => {
        let table = match statement.text("name") {
            Some(name) => table.named(name),
            None => table,
        };
        match statement.op() {
            "to_stream" => to_stream(interpreter, statement, table, kind),
            "table_map_values" => map_values(interpreter, statement, table, kind),
            _ => filter(interpreter, statement, table, kind),
        }
    })
}

type Rows<'b, K> = KTable<'b, K, Datum>;

fn filter<'b, K: StaticKey>(
    interpreter: &mut Interpreter<'b>,
    statement: &Statement,
    table: Rows<'b, K>,
    kind: Kind,
) -> Result<()> {
    let keep = functions::predicate(statement.required("pred")).ok_or_else(unknown)?;
    let test = move |key: &K, value: &Datum| keep(&key.datum(), value);
    let kept = statement.object("store").map(|_| materialized(interpreter, statement, kind.key, kind.value));
    let out = match (statement.op(), kept) {
        ("table_filter", None) => table.filter(test),
        ("table_filter", Some(kept)) => table.filter_with(test, kept),
        (_, None) => table.filter_not(test),
        (_, Some(kept)) => table.filter_not_with(test, kept),
    };
    interpreter.keep(statement.text("id"), K::table(out), kind);
    Ok(())
}

fn map_values<'b, K: StaticKey>(
    interpreter: &mut Interpreter<'b>,
    statement: &Statement,
    table: Rows<'b, K>,
    kind: Kind,
) -> Result<()> {
    let f = functions::mapper(statement.required("fn")).ok_or_else(unknown)?;
    let with_key = statement.flag("with_key");
    let map = move |key: &K, value: Datum| {
        let key = if with_key { key.datum() } else { Datum::Null };
        f(&key, &value).into_option()
    };
    let kind = kind.with_value(mapped_kind(statement.required("fn"), kind.value));
    let out = match statement.object("store") {
        None => table.map_values(map),
        Some(_) => table.map_values_with(map, materialized(interpreter, statement, kind.key, kind.value)),
    };
    interpreter.keep(statement.text("id"), K::table(out), kind);
    Ok(())
}

/// The changes as a stream; with a selector, under other keys.
fn to_stream<'b, K: StaticKey>(
    interpreter: &mut Interpreter<'b>,
    statement: &Statement,
    table: Rows<'b, K>,
    kind: Kind,
) -> Result<()> {
    let Some(selector) = statement.text("key") else {
        interpreter.keep(statement.text("id"), K::stream(table.to_stream()), kind);
        return Ok(());
    };
    if functions::selector_keeps_kind(selector) {
        rekeyed::<K, K>(interpreter, statement, table, kind)
    } else {
        rekeyed::<K, Datum>(interpreter, statement, table, kind.with_key(KeyKind::STR))
    }
}

fn rekeyed<'b, K: StaticKey, L: StaticKey>(
    interpreter: &mut Interpreter<'b>,
    statement: &Statement,
    table: Rows<'b, K>,
    kind: Kind,
) -> Result<()> {
    let select = functions::selector(statement.required("key")).ok_or_else(unknown)?;
    let key = move |key: &K, value: &Value| L::from_datum(select(&key.datum(), &Datum::of(value.clone())));
    interpreter.keep(statement.text("id"), L::stream(table.to_stream_with_key(key)), kind);
    Ok(())
}

/// Executes the join of a stream with a table.
///
/// # Errors
/// What cannot be read; what the DSL refuses shows when the topology is built.
pub(crate) fn join(interpreter: &mut Interpreter<'_>, statement: &Statement) -> Result<()> {
    let (stream, kind) = interpreter.stream(statement, "left")?;
    let (table, _) = interpreter.table(statement, "right")?;
    let join = Join { statement, kind, joiner: aggregators::joiner(statement.required("joiner")).ok_or_else(unknown)? };
    let joined = match (stream, table) {
        (ByKey::Plain(stream), ByKey::Plain(table)) => join.run(stream, table),
        (ByKey::Windowed(stream), ByKey::Windowed(table)) => join.run(stream, table),
        _ => return Err(refused("a stream of plain keys does not join a table of windowed ones, nor the reverse")),
    };
    let kind = kind.with_value(aggregators::joiner_kind(statement.required("joiner")));
    interpreter.keep(statement.text("id"), joined, kind);
    Ok(())
}

/// A join as its statement says it.
struct Join<'s> {
    statement: &'s Statement,
    kind: Kind,
    joiner: Function3,
}

impl Join<'_> {
    fn run<'b, K: StaticKey>(self, stream: KStream<'b, K, Value>, table: Rows<'b, K>) -> Node<'b> {
        let Self { statement, kind, joiner } = self;
        let stream = match statement.text("name") {
            Some(name) => stream.named(name),
            None => stream,
        };
        let options = Joined::with_codecs(K::codec(kind.key), kind.value.optional());
        let with_key = statement.flag("with_key");
        let join = move |key: &K, value: Datum, row: &Datum| {
            let key = if with_key { key.datum() } else { Datum::Null };
            joiner(&key, &value, row).into_option()
        };
        K::stream(match statement.text("kind") {
            Some("left") => stream.left_join_with(
                table,
                move |key, value, row: Option<&Datum>| join(key, value, row.unwrap_or(&Datum::Null)),
                options,
            ),
            _ => stream.join_with(table, join, options),
        })
    }
}

fn unknown() -> stream_core::Error {
    refused("a statement has a function that is not known")
}
