//! Tables: sources, filter, map_values, to_stream, and what is kept of them.

use state_store::{DefaultCodec, Stamped};
use stream_core::dsl::{Consumed, KTable, Materialized, StoreBuilder};
use stream_core::processor::{Processor, ProcessorContext, TimestampedKeyValueHandle};
use stream_core::record::{Record, Timestamp};
use stream_core::{Kind, Result, StreamsBuilder};

use crate::harness::{pipe, read, run, start};

type Text = String;

fn strings() -> Consumed<Text, Text> {
    Consumed::default()
}

#[test]
fn a_table_that_nothing_reads_has_no_store_and_passes_its_changes_on() {
    let builder = StreamsBuilder::new();
    builder.table::<Text, Text>("t").to("out");
    let mut driver = start(builder);
    let out = run(&mut driver, "t", &["a=1@1", "-=lost@2", "a=-@3", "b=-@4"], "out");
    assert_eq!(out, ["a=1@1", "a=-@3", "b=-@4"]);
    assert_eq!(driver.dropped(), 1);
    assert!(driver.take_produced().is_empty(), "no changelog");
}

#[test]
fn a_named_table_is_kept_and_logged_with_the_records_timestamp() {
    let builder = StreamsBuilder::new();
    let table = builder.table_with("t", strings(), Materialized::as_store("kept"));
    table.to("out");
    let mut driver = start(builder);
    let out = run(&mut driver, "t", &["a=1@10", "a=2@5", "b=3@7", "b=-@8"], "out");
    assert_eq!(out, ["a=1@10", "a=2@5", "b=3@7", "b=-@8"]);
    assert_eq!(read(&mut driver, "app-kept-changelog"), ["a=1@10", "a=2@5", "b=3@7", "b=-@8"]);
    let rows = driver.key_values::<Text, Text>("kept").expect("a store");
    let expected = Stamped { value: "2".to_owned(), timestamp: Timestamp(5) };
    assert_eq!(rows, [("a".to_owned(), expected)]);
}

#[test]
fn a_filter_of_an_unkept_table_sends_a_deletion_for_each_row_that_does_not_pass() {
    let builder = StreamsBuilder::new();
    builder.table::<Text, Text>("t").filter(|_, value| value.len() > 1).to("out");
    let mut driver = start(builder);
    let out = run(&mut driver, "t", &["a=x@1", "a=xx@2", "a=y@3", "a=-@4"], "out");
    assert_eq!(out, ["a=-@1", "a=xx@2", "a=-@3", "a=-@4"]);
}

#[test]
fn a_filter_of_a_kept_table_tells_what_is_no_change() {
    let builder = StreamsBuilder::new();
    let table = builder.table_with("t", strings(), Materialized::as_store("kept").without_caching());
    table.filter(|_, value| value.len() > 1).to("long");
    table.filter_not(|_, value| value.len() > 1).to("short");
    let mut driver = start(builder);
    let long = run(&mut driver, "t", &["a=x@1", "a=xx@2", "a=y@3", "a=-@4"], "long");
    assert_eq!(long, ["a=xx@2", "a=-@3"]);
    assert_eq!(read(&mut driver, "short"), ["a=x@1", "a=-@2", "a=y@3", "a=-@4"]);
}

#[test]
fn a_kept_filter_stores_what_passes() {
    let builder = StreamsBuilder::new();
    let table = builder.table_with("t", strings(), Materialized::as_store("kept"));
    table.filter_with(|_, value| value.len() > 1, Materialized::as_store("long")).to("out");
    let mut driver = start(builder);
    let out = run(&mut driver, "t", &["a=x@1", "a=xx@2", "b=yy@3", "a=y@4", "a=z@5"], "out");
    assert_eq!(out, ["a=xx@2", "b=yy@3", "a=-@4"]);
    assert_eq!(read(&mut driver, "app-long-changelog"), ["a=xx@2", "b=yy@3", "a=-@4"]);
    let rows = driver.key_values::<Text, Text>("long").expect("a store");
    assert_eq!(rows, [("b".to_owned(), Stamped { value: "yy".to_owned(), timestamp: Timestamp(3) })]);
}

#[test]
fn map_values_is_not_asked_about_deletions_and_may_delete() {
    let builder = StreamsBuilder::new();
    let table = builder.table::<Text, Text>("t");
    table.map_values::<i64, _>(|_, value| value.parse().ok()).to("out");
    let mut driver = start(builder);
    let out = run(&mut driver, "t", &["a=7@1", "a=x@2", "a=-@3"], "out");
    assert_eq!(out, ["a=7@1", "a=-@2", "a=-@3"]);
}

#[test]
fn a_kept_map_values_stores_its_own_values() {
    let builder = StreamsBuilder::new();
    let table = builder.table::<Text, Text>("t");
    table.map_values_with(|_, value: Text| value.len() as i64, Materialized::as_store("lengths")).to("out");
    let mut driver = start(builder);
    assert_eq!(run(&mut driver, "t", &["a=xyz@1", "a=-@2", "b=x@3"], "out"), ["a=3@1", "a=-@2", "b=1@3"]);
    assert_eq!(read(&mut driver, "app-lengths-changelog"), ["a=3@1", "a=-@2", "b=1@3"]);
}

#[test]
fn old_values_reach_a_filter_through_a_computed_table() {
    let builder = StreamsBuilder::new();
    let table = builder.table_with("t", strings(), Materialized::as_store("kept").without_caching());
    let lengths: KTable<'_, Text, i64> = table.map_values(|_, value: Text| value.len() as i64);
    lengths.filter(|_, length| *length > 1).to("out");
    let mut driver = start(builder);
    assert_eq!(run(&mut driver, "t", &["a=x@1", "a=xx@2", "a=y@3", "a=-@4"], "out"), ["a=2@2", "a=-@3"]);
}

#[test]
fn a_stream_of_a_table_may_take_another_key() {
    let builder = StreamsBuilder::new();
    let table = builder.table::<Text, Text>("t");
    table.to_stream_with_key(|key, value| format!("{key}{}", value.is_some())).to("out");
    let mut driver = start(builder);
    assert_eq!(run(&mut driver, "t", &["a=1@1", "a=-@2"], "out"), ["atrue=1@1", "afalse=-@2"]);
}

#[test]
fn names_and_indices_are_kafka_streams() {
    let builder = StreamsBuilder::new();
    let table = builder.table::<Text, Text>("t");
    let kept = table.filter_with(|_, _| true, Materialized::default());
    kept.named("m").map_values::<Text, _>(|_, value| value).to_stream().named("sink").to("out");
    let named = Consumed::<Text, Text>::default().named("users");
    builder.table_with("u", named, Materialized::<Text, Text>::as_store("us")).to("out2");
    let text = builder.build().expect("a valid topology").describe();
    for name in [
        "Source: KSTREAM-SOURCE-0000000001 (topics: [t])",
        "Processor: KTABLE-SOURCE-0000000002 (stores: [])",
        "Processor: KTABLE-FILTER-0000000004 (stores: [])",
        "Processor: m (stores: [])",
        "Processor: KTABLE-TOSTREAM-0000000006 (stores: [])",
        "Sink: sink (topic: out)",
        "Source: users-source (topics: [u])",
        "Processor: users (stores: [us])",
        "Processor: KTABLE-TOSTREAM-0000000010 (stores: [])",
    ] {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
}

#[test]
fn a_table_without_a_codec_is_refused_where_it_was_made() {
    struct Odd;
    let builder = StreamsBuilder::new();
    let odd = builder.stream::<Text, Text>("in").map(|_, value| (std::sync::Arc::new(Odd), value));
    odd.to_table_with(Materialized::with_value_codec(Text::codec()));
    let error = builder.build().err().expect("refused");
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().contains("tables.rs") && error.message().contains("for the key"), "{error}");
}

/// Forwards the row of each record's key.
struct Lookup(TimestampedKeyValueHandle<Text, Text>);

impl Processor<Text, Text> for Lookup {
    type KeyOut = Text;
    type ValueOut = Text;

    fn process(&mut self, record: Record<Text, Text>, ctx: &mut ProcessorContext<'_, Text, Text>) -> Result<()> {
        let row = self.0.get(&record.key)?;
        let found = row.map_or_else(|| "none".to_owned(), |row| format!("{}@{}", row.value, row.timestamp));
        ctx.forward(record.with_value(found))
    }
}

#[test]
fn a_processor_reads_a_tables_store_and_does_not_empty_its_cache() {
    let builder = StreamsBuilder::new();
    let reads = builder.stream::<Text, Text>("reads");
    let table = builder.table_with("t", strings(), Materialized::as_store("kept"));
    table.to("out");
    reads.process(|stores| Lookup(stores.timestamped_key_value("kept")), ["kept"]).to("found");
    builder.add_store(StoreBuilder::key_value::<Text, Text>("unused"));
    let mut driver = start(builder);
    assert_eq!(run(&mut driver, "t", &["a=1@5"], "out"), ["a=1@5"]);
    pipe(&mut driver, "reads", "a=?@6").expect("piped");
    pipe(&mut driver, "reads", "b=?@7").expect("piped");
    assert_eq!(read(&mut driver, "found"), ["a=1@5@6", "b=none@7"]);
}
