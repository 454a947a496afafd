//! Groups and their aggregations without windows.

use std::sync::Arc;

use state_store::{Codec, CodecRef, DefaultCodec};
use stream_core::StreamsBuilder;
use stream_core::dsl::{Consumed, Grouped, KStream, KTable, Materialized, Repartitioned};

use super::harness::{check, check_dropped, run, show};

fn texts(builder: &StreamsBuilder) -> KStream<'_, String, String> {
    builder.stream("in")
}

/// Writes a table of numbers as text.
fn numbers_to(table: KTable<'_, String, i64>, topic: &str) {
    table.to_stream().map_values(|_, number| number.map(|number| number.to_string())).to(topic);
}

#[test]
fn words_are_counted_through_a_repartition() {
    let describe = |builder: &StreamsBuilder| {
        let words = texts(builder).flat_map_values(|_, line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        numbers_to(words.group_by(|_, word| word.clone()).count(), "out");
    };
    let expected = ["out a=1@5", "out b=1@5", "out a=2@5", "out b=2@5"];
    check(describe, &["in 1=a b a@5", "in 2=b@3"], &expected);
}

#[test]
fn a_caching_store_gives_one_update_a_key_and_commit_and_the_other_gives_all() {
    let describe = |builder: &StreamsBuilder| {
        let letters = texts(builder).flat_map_values(|_, value| value.chars().map(String::from).collect::<Vec<_>>());
        let group = letters.group_by_key::<String>();
        numbers_to(group.count(), "cached");
        numbers_to(group.count_with(Materialized::default().without_caching()), "all");
    };
    check(describe, &["in a=xyz@1"], &["all a=1@1", "all a=2@1", "all a=3@1", "cached a=3@1"]);
}

#[test]
fn a_reduction_begins_with_the_first_value() {
    let describe = |builder: &StreamsBuilder| {
        texts(builder).group_by_key::<String>().reduce::<String>(|so_far, value| so_far + "+" + &value).to("out");
    };
    check(describe, &["in a=x@5", "in b=y@6", "in a=z@4"], &["out a=x@5", "out b=y@6", "out a=x+z@5"]);
}

#[test]
fn an_aggregate_that_becomes_null_is_deleted_and_begins_anew() {
    let describe = |builder: &StreamsBuilder| {
        let table = texts(builder).group_by_key::<String>().aggregate::<String, _>(
            || Some("i".to_owned()),
            |_, value, so_far| (value != "stop").then(|| so_far.unwrap_or_default() + value),
        );
        table.to("out");
    };
    let input = ["in a=x@1", "in a=stop@9", "in a=y@2", "in b=stop@3"];
    // Nothing was there for `b`, so nothing leaves the cache.
    check(describe, &input, &["out a=ix@1", "out a=null@9", "out a=iy@2"]);
}

#[test]
fn null_keys_and_values_are_dropped_and_counted() {
    let describe = |builder: &StreamsBuilder| {
        let stream = builder.stream::<Option<String>, Option<String>>("in");
        numbers_to(stream.group_by_key_with(Grouped::<String, _>::default()).count(), "out");
    };
    check_dropped(describe, &["in null=x@1", "in a=null@2", "in a=x@3"], &["out a=1@3"], 2);
}

#[test]
fn null_keys_in_front_of_a_repartition_are_filtered_and_not_counted() {
    let describe = |builder: &StreamsBuilder| {
        let stream = builder.stream::<String, String>("in");
        let group = stream.group_by::<String, Option<String>>(|_, value| (value != "-").then(|| value.clone()));
        numbers_to(group.count(), "out");
    };
    check(describe, &["in a=-@1", "in a=x@2"], &["out x=1@2"]);
}

#[test]
fn the_old_value_of_an_aggregation_that_begins_is_its_initial_one() {
    // Kafka Streams 4.3.1 deletes `k` here, since its old value 0 has passed the filter.
    let input = ["in k=v@0", "in k=v@1"];
    let describe = |store: fn(Materialized<String, i64>) -> Materialized<String, i64>| {
        move |builder: &StreamsBuilder| {
            let counts = texts(builder).group_by_key::<String>().count_with(store(Materialized::as_store("s")));
            numbers_to(counts.filter(|_, count| *count == 0), "out");
        }
    };
    check(describe(Materialized::without_caching), &input, &["out k=null@0"]);
    check(describe(|store| store), &input, &[]);
}

#[test]
fn aggregations_of_one_group_are_apart() {
    let describe = |builder: &StreamsBuilder| {
        let group = texts(builder).group_by_key::<String>();
        numbers_to(group.count(), "counts");
        numbers_to(group.aggregate(|| 0i64, |_, value, sum| sum + value.len() as i64), "lengths");
    };
    let expected = ["counts a=1@1", "lengths a=2@1", "counts a=2@2", "lengths a=3@2"];
    check(describe, &["in a=xx@1", "in a=y@2"], &expected);
}

/// Text written backwards: a codec that shows where it was used.
struct Backwards;

impl Codec<String> for Backwards {
    fn encode(&self, value: &String, out: &mut Vec<u8>) -> state_store::Result<()> {
        out.extend(value.bytes().rev());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> state_store::Result<String> {
        Ok(String::from_utf8_lossy(bytes).chars().rev().collect())
    }
}

#[test]
fn codecs_of_the_source_go_on_to_repartitions_stores_and_sinks() {
    let describe = |builder: &StreamsBuilder| {
        let consumed =
            Consumed::with_codecs(<String as DefaultCodec>::codec(), Arc::new(Backwards) as CodecRef<String>);
        let stream = builder.stream_with("in", consumed).filter(|_, _| true);
        let group = stream.group_by_with(|_, value: &String| value.clone(), Grouped::as_name("g"));
        group.reduce_with(|_, value| value, Materialized::<String, String>::as_store("s"));
        stream.repartition_with(Repartitioned::as_name("r")).to("out");
        stream.map_values(|_, value| value).to("plain");
    };
    let outcome = run(describe, &["in k=ab@1"]).expect("the record is processed");
    let mut shown: Vec<_> = outcome.records.iter().map(show).collect();
    shown.sort();
    // The key that `group_by` selects has the codec of its type, the value the one of the source.
    let expected = [
        "app-g-repartition ba=ab@1",
        "app-r-repartition k=ab@1",
        "app-s-changelog ba=ab@1",
        "out k=ab@1",
        "plain k=ba@1",
    ];
    assert_eq!(shown, expected);
}
