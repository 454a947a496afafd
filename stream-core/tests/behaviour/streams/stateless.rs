//! Operators without state.

use std::sync::{Arc, Mutex};

use stream_core::StreamsBuilder;
use stream_core::dsl::{KStream, Printed, Repartitioned};

use super::harness::check;

fn texts<'b>(builder: &'b StreamsBuilder, topic: &str) -> KStream<'b, String, String> {
    builder.stream(topic)
}

#[test]
fn a_filter_keeps_what_meets_it_and_its_negation_the_rest() {
    let describe = |builder: &StreamsBuilder| {
        let stream = texts(builder, "in");
        stream.filter(|_, value| value.len() > 1).to("long");
        stream.filter_not(|_, value| value.len() > 1).to("short");
    };
    check(describe, &["in a=xx@3", "in b=y@1"], &["long a=xx@3", "short b=y@1"]);
}

#[test]
fn maps_replace_keys_or_values_and_keep_the_time() {
    let describe = |builder: &StreamsBuilder| {
        let stream = texts(builder, "in");
        stream.map(|key, value| (value, key)).to("swapped");
        stream.map_values(|key, value| key.clone() + &value).to("values");
        stream.select_key(|key, value| format!("{key}{value}")).to("keys");
    };
    check(describe, &["in a=x@7"], &["swapped x=a@7", "values a=ax@7", "keys ax=x@7"]);
}

#[test]
fn flat_maps_give_any_number_of_records_in_order() {
    let describe = |builder: &StreamsBuilder| {
        let stream = texts(builder, "in");
        stream.flat_map(|key, value| value.chars().map(|c| (c.to_string(), key.clone())).collect::<Vec<_>>()).to("out");
        stream.flat_map_values(|_, value| value.chars().map(String::from).collect::<Vec<_>>()).to("values");
    };
    let expected = ["out x=a@1", "out y=a@1", "values a=x@1", "values a=y@1"];
    check(describe, &["in a=xy@1", "in b=@2"], &expected);
}

#[test]
fn a_record_goes_through_everything_below_before_the_next() {
    let describe = |builder: &StreamsBuilder| {
        let letters =
            texts(builder, "in").flat_map_values(|_, value| value.chars().map(String::from).collect::<Vec<_>>());
        letters.to("first");
        letters.to("second");
    };
    check(describe, &["in a=xy@1"], &["first a=x@1", "second a=x@1", "first a=y@1", "second a=y@1"]);
}

#[test]
fn merged_streams_are_one() {
    let describe = |builder: &StreamsBuilder| {
        let left = texts(builder, "left").map_values(|_, value| value + "l");
        left.merge(texts(builder, "right")).to("out");
    };
    check(describe, &["left a=x@1", "right a=y@2"], &["out a=xl@1", "out a=y@2"]);
}

#[test]
fn a_stream_that_is_merged_with_itself_has_each_record_once() {
    let describe = |builder: &StreamsBuilder| {
        let stream = texts(builder, "in");
        stream.merge(stream).to("out");
    };
    check(describe, &["in a=x@1"], &["out a=x@1"]);
}

#[test]
fn a_split_sends_each_record_to_the_first_branch_that_it_meets() {
    let describe = |builder: &StreamsBuilder| {
        let mut split = texts(builder, "in").split();
        split.branch(|_, value| value.len() > 2).to("long");
        split.branch_named("any", |_, value| !value.is_empty()).to("short");
        split.default_branch().to("empty");
    };
    let expected = ["long a=xyz@0", "short b=xy@1", "empty c=@2"];
    check(describe, &["in a=xyz@0", "in b=xy@1", "in c=@2"], &expected);
}

#[test]
fn without_a_default_branch_the_rest_is_gone() {
    let describe = |builder: &StreamsBuilder| {
        let mut split = texts(builder, "in").split();
        split.branch(|_, value| value.len() > 2).to("long");
    };
    check(describe, &["in a=xyz@0", "in b=xy@1"], &["long a=xyz@0"]);
}

#[test]
fn each_record_may_choose_its_topic() {
    let describe = |builder: &StreamsBuilder| texts(builder, "in").to_chosen(|_, value| format!("out-{value}"));
    let expected = ["out-x a=x@1", "out-y a=y@2", "out-x b=x@3"];
    check(describe, &["in a=x@1", "in a=y@2", "in b=x@3"], &expected);
}

#[test]
fn records_are_looked_at_and_printed_on_their_way() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let describe = |builder: &StreamsBuilder| {
        let keep = |lines: &Arc<Mutex<Vec<String>>>| {
            let lines = Arc::clone(lines);
            move |line: &str| lines.lock().expect("not poisoned").push(line.to_owned())
        };
        let (peeked, done) = (keep(&lines), keep(&lines));
        let stream = texts(builder, "in").peek(move |key, value| peeked(&format!("peeked {key} {value}")));
        stream.print(Printed::to_sink(keep(&lines)));
        stream.print(Printed::to_sink(keep(&lines)).label("in").line(|key, value| format!("{key} is {value}")));
        stream.foreach(move |key, _| done(&format!("done with {key}")));
    };
    check(describe, &["in a=x@1"], &[]);
    let expected =
        ["peeked a x", "[KSTREAM-PEEK-0000000001]: \"a\", \"x\"", "[in]: a is x", "done with a"].map(str::to_owned);
    assert_eq!(*lines.lock().expect("not poisoned"), expected);
}

#[test]
fn a_repartition_passes_what_has_a_key_and_counts_nothing() {
    let describe = |builder: &StreamsBuilder| {
        let stream = builder.stream::<Option<String>, String>("in");
        stream.repartition_with(Repartitioned::as_name("again").partitions(3)).to("out");
    };
    check(describe, &["in a=x@1", "in null=y@2"], &["out a=x@1"]);
}
