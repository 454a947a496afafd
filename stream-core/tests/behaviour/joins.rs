//! The stream-table join, and tables of streams.

use stream_core::dsl::{Joined, KTable, Materialized};
use stream_core::{Kind, StreamsBuilder};

use crate::harness::{pipe, read, run, start};

type Text = String;

fn both(_key: &Text, value: Text, row: &Text) -> Text {
    format!("{value}+{row}")
}

#[test]
fn an_inner_join_meets_the_tables_value_as_of_now() {
    let builder = StreamsBuilder::new();
    let table = builder.table::<Text, Text>("t");
    let stream = builder.stream::<Option<Text>, Option<Text>>("in");
    stream.join(table, both).to("out");
    let mut driver = start(builder);
    pipe(&mut driver, "in", "a=early@1").expect("piped");
    pipe(&mut driver, "t", "a=T@9").expect("piped");
    let out = run(&mut driver, "in", &["a=1@2", "-=lost@3", "a=-@4", "b=none@5"], "out");
    assert_eq!(out, ["a=1+T@2"]);
    assert_eq!(driver.dropped(), 2, "a record without a match is not counted");
    pipe(&mut driver, "t", "a=-@10").expect("piped");
    assert!(run(&mut driver, "in", &["a=2@11"], "out").is_empty());
    assert_eq!(read(&mut driver, "app-t-STATE-STORE-0000000000-changelog"), ["a=T@9", "a=-@10"]);
}

#[test]
fn a_left_join_takes_what_has_no_key_or_no_match() {
    let builder = StreamsBuilder::new();
    let table = builder.table::<Text, Text>("t");
    let stream = builder.stream::<Option<Text>, Option<Text>>("in");
    let joined = stream.left_join(table, |_key, value: Text, row: Option<&Text>| format!("{value}+{row:?}"));
    joined.to("out");
    let mut driver = start(builder);
    pipe(&mut driver, "t", "a=T@9").expect("piped");
    let out = run(&mut driver, "in", &["a=1@2", "-=2@3", "a=-@4", "b=3@5"], "out");
    assert_eq!(out, ["a=1+Some(\"T\")@2", "-=2+None@3", "b=3+None@5"]);
    assert_eq!(driver.dropped(), 1);
}

#[test]
fn a_join_reads_through_tables_that_are_not_kept() {
    let builder = StreamsBuilder::new();
    let table = builder.table::<Text, Text>("t").filter(|_, value| value.len() > 1);
    let lengths: KTable<'_, Text, i64> = table.map_values(|_, value: Text| value.len() as i64);
    let stream = builder.stream::<Text, Text>("in");
    stream.join(lengths, |_, value: Text, length| format!("{value}{length}")).to("out");
    let mut driver = start(builder);
    for record in ["a=x@1", "b=xx@2", "c=xxx@3"] {
        pipe(&mut driver, "t", record).expect("piped");
    }
    assert_eq!(run(&mut driver, "in", &["a=?@4", "b=?@5", "c=?@6"], "out"), ["b=?2@5", "c=?3@6"]);
}

#[test]
fn joins_of_a_rekeyed_stream_share_a_repartition_unless_they_are_named() {
    let builder = StreamsBuilder::new();
    let table = builder.table::<Text, Text>("t");
    let rekeyed = builder.stream::<Text, Text>("in").select_key(|_, value| value.clone());
    rekeyed.join(table, both).to("out");
    rekeyed.join(table, both).to("out2");
    rekeyed.join_with(table, both, Joined::as_name("own")).to("out3");
    let mut driver = start(builder);
    pipe(&mut driver, "t", "x=T@1").expect("piped");
    assert_eq!(run(&mut driver, "in", &["a=x@2"], "out"), ["x=x+T@2"]);
    assert_eq!(read(&mut driver, "out2"), ["x=x+T@2"]);
    assert_eq!(read(&mut driver, "out3"), ["x=x+T@2"]);
    assert_eq!(read(&mut driver, "app-KSTREAM-KEY-SELECT-0000000004-repartition"), ["x=x@2"]);
    assert_eq!(read(&mut driver, "app-own-repartition"), ["x=x@2"]);
}

#[test]
fn null_keys_cross_a_repartition_in_front_of_a_left_join_alone() {
    let rekeyed = |value: &Text| (value != "none").then(|| value.clone());
    let builder = StreamsBuilder::new();
    let table = builder.table::<Text, Text>("t");
    let stream = builder.stream::<Text, Text>("in").select_key(move |_, value| rekeyed(value));
    let joined = stream.left_join::<Text, Text, _, _>(table, |_, value, row| format!("{value}+{}", row.is_some()));
    joined.to("left");
    let mut driver = start(builder);
    assert_eq!(run(&mut driver, "in", &["a=x@1", "a=none@2"], "left"), ["x=x+false@1", "-=none+false@2"]);
    let builder = StreamsBuilder::new();
    let table = builder.table::<Text, Text>("t");
    let stream = builder.stream::<Text, Text>("in").select_key(move |_, value| rekeyed(value));
    stream.join::<Text, Text, _, _>(table, both).to("inner");
    let mut driver = start(builder);
    assert!(run(&mut driver, "in", &["a=none@2"], "inner").is_empty());
    assert_eq!(driver.dropped(), 0, "the filter in front of a repartition does not count");
}

#[test]
fn a_table_of_a_stream_deletes_on_null_and_drops_what_has_no_key() {
    let builder = StreamsBuilder::new();
    let stream = builder.stream::<Option<Text>, Option<Text>>("in");
    let table: KTable<'_, Text, Text> = stream.to_table_with(Materialized::as_store("latest"));
    table.to("out");
    let mut driver = start(builder);
    assert_eq!(run(&mut driver, "in", &["a=1@1", "-=2@2", "a=-@3"], "out"), ["a=1@1", "a=-@3"]);
    assert_eq!(driver.dropped(), 1);
    assert_eq!(read(&mut driver, "app-latest-changelog"), ["a=1@1", "a=-@3"]);
}

#[test]
fn a_table_of_a_rekeyed_stream_is_repartitioned_under_its_own_name() {
    let builder = StreamsBuilder::new();
    let stream = builder.stream::<Text, Text>("in").select_key(|_, value| value.clone());
    stream.to_table::<Text, Text>().to("out");
    let mut driver = start(builder);
    assert_eq!(run(&mut driver, "in", &["a=x@1"], "out"), ["x=x@1"]);
    assert_eq!(read(&mut driver, "app-KSTREAM-TOTABLE-0000000002-repartition"), ["x=x@1"]);
    assert!(driver.take_produced().is_empty(), "nothing reads the table, so it has no changelog");
}

#[test]
fn a_table_of_another_builder_is_refused() {
    let (builder, other) = (StreamsBuilder::new(), StreamsBuilder::new());
    other.stream::<Text, Text>("x").to("y");
    let table = other.table::<Text, Text>("t");
    builder.stream::<Text, Text>("in").join(table, both).to("out");
    let error = builder.build().err().expect("refused");
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().contains("another builder") && error.message().contains("joins.rs"), "{error}");
}
