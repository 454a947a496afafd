//! Statements that aggregate a grouped stream, with and without windows.

use stream_core::Result;
use stream_core::dsl::{Counter, KGroupedStream, Materialized, TimeWindows};

use crate::oracle::aggregators::{self, Function3, Reducer};
use crate::oracle::case::{Fields, Statement, number, text};
use crate::oracle::codecs::Plain;
use crate::oracle::datum::Datum;
use crate::oracle::interpret::{Interpreter, with_keys};
use crate::oracle::keys::Key;
use crate::oracle::kinds::KeyKind;
use crate::oracle::node::{ByKey, Node, StaticKey, Value};
use crate::oracle::refused;
use crate::oracle::sources::{materialized, millis};

/// Executes an aggregation.
///
/// # Errors
/// What cannot be read; what the DSL refuses shows when the topology is built.
pub(crate) fn execute(interpreter: &mut Interpreter<'_>, statement: &Statement) -> Result<()> {
    let (grouped, kind) = interpreter.grouped(statement, "from")?;
    let (how, value) = How::of(statement, kind.value)?;
    let kind = kind.with_value(value);
    let Some(window) = statement.object("window") else {
        let table = with_keys!(grouped, grouped => {
            let kept = materialized(interpreter, statement, kind.key, value);
            how.over(named(grouped, statement), kept)
        });
        interpreter.keep(statement.text("id"), table, kind);
        return Ok(());
    };
    let ByKey::Plain(grouped) = grouped else { return Err(refused("windowed keys are not windowed again")) };
    let kept = materialized(interpreter, statement, KeyKind::STR, value);
    let table = how.over_windows(named(grouped, statement), windows(window), kept);
    let size_ms = number(window, "size").unwrap_or_default();
    interpreter.keep(statement.text("id"), table, kind.with_key(KeyKind::TimeWindowed(size_ms)));
    Ok(())
}

fn named<'b, K: StaticKey>(
    grouped: KGroupedStream<'b, K, Value>,
    statement: &Statement,
) -> KGroupedStream<'b, K, Value> {
    match statement.text("name") {
        Some(name) => grouped.named(name),
        None => grouped,
    }
}

fn windows(window: &Fields) -> TimeWindows {
    let size = millis(number(window, "size").unwrap_or_default());
    let windows = match number(window, "grace") {
        Some(grace) => TimeWindows::of_size_and_grace(size, millis(grace)),
        None => TimeWindows::of_size_with_no_grace(size),
    };
    match text(window, "type") {
        Some("hopping") => windows.advance_by(millis(number(window, "advance").unwrap_or_default())),
        _ => windows,
    }
}

/// An aggregation.
enum How {
    Count,
    Reduce(Reducer),
    Aggregate { initial: Datum, aggregator: Function3 },
}

impl How {
    /// The aggregation of a statement over values of `kind`, and the kind of its result.
    fn of(statement: &Statement, kind: Plain) -> Result<(Self, Plain)> {
        let unknown = || refused("an aggregation has a function that is not known");
        Ok(match statement.op() {
            "count" => (Self::Count, Plain::Long),
            "reduce" => {
                let reducer = aggregators::reducer(statement.required("fn"), kind).ok_or_else(unknown)?;
                (Self::Reduce(reducer), kind)
            }
            _ => {
                let (initial, kind) = aggregators::initial(statement.required("init")).ok_or_else(unknown)?;
                let aggregator = aggregators::aggregator(statement.required("agg")).ok_or_else(unknown)?;
                (Self::Aggregate { initial, aggregator }, kind)
            }
        })
    }
}

impl How {
    fn over<'b, K: StaticKey>(self, grouped: KGroupedStream<'b, K, Value>, kept: Materialized<K, Datum>) -> Node<'b> {
        K::table(match self {
            Self::Count => grouped.count_as(kept),
            Self::Reduce(reducer) => grouped.reduce_with(reduced(reducer), kept),
            Self::Aggregate { initial, aggregator } => {
                grouped.aggregate_with(move || initial.clone().into_option(), aggregated(aggregator), kept)
            }
        })
    }

    fn over_windows<'b>(
        self,
        grouped: KGroupedStream<'b, Datum, Value>,
        windows: TimeWindows,
        kept: Materialized<Datum, Datum>,
    ) -> Node<'b> {
        let windowed = grouped.windowed_by(windows);
        StaticKey::table(match self {
            Self::Count => windowed.count_as(kept),
            Self::Reduce(reducer) => windowed.reduce_with(reduced(reducer), kept),
            Self::Aggregate { initial, aggregator } => {
                windowed.aggregate_with(move || initial.clone().into_option(), aggregated(aggregator), kept)
            }
        })
    }
}

fn reduced(reducer: Reducer) -> impl Fn(Value, Value) -> Value + Send + Sync + 'static {
    move |old, new| reducer(&Datum::of(old), &Datum::of(new)).into_option()
}

fn aggregated<K: Key>(aggregator: Function3) -> impl Fn(&K, &Value, Value) -> Value + Send + Sync + 'static {
    move |key, value, so_far| aggregator(&key.datum(), &Datum::of(value.clone()), &Datum::of(so_far)).into_option()
}

/// Counts are numbers of the case files.
impl Counter for Datum {
    fn zero() -> Self {
        Self::Long(0)
    }

    fn plus_one(self) -> Self {
        Self::Long(self.number() + 1)
    }
}
