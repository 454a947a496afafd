//! Mistakes of a topology: each is found by `build`, with the lines that made it.

use std::time::Duration;

use stream_core::dsl::{Grouped, Materialized, Named, Produced, TimeWindows};
use stream_core::{Kind, StreamsBuilder};

use super::harness::mistake;

fn check(describe: impl FnOnce(&StreamsBuilder), expected: &[&str]) {
    let error = mistake(describe);
    assert_eq!(error.kind(), Kind::Invalid);
    let text = error.to_string();
    for part in expected.iter().chain(&["mistakes.rs:"]) {
        assert!(text.contains(part), "{part:?} in {text:?}");
    }
}

#[test]
fn a_window_without_a_size() {
    let describe = |builder: &StreamsBuilder| {
        let windows = TimeWindows::of_size_with_no_grace(Duration::ZERO);
        builder.stream::<String, String>("in").window::<String>(windows).count();
    };
    check(describe, &["less than a millisecond"]);
}

#[test]
fn windows_that_are_kept_for_less_than_they_last() {
    let describe = |builder: &StreamsBuilder| {
        let windows = TimeWindows::of_size_and_grace(Duration::from_secs(10), Duration::from_secs(5));
        let kept = Materialized::as_store("counts").retention(Duration::from_secs(14));
        builder.stream::<String, String>("in").window::<String>(windows).count_with(kept);
    };
    check(describe, &["\"counts\"", "14000 ms", "15000 ms"]);
}

#[test]
fn two_operators_of_one_name() {
    let describe = |builder: &StreamsBuilder| {
        let stream = builder.stream::<String, String>("in");
        stream.named("twice").filter(|_, _| true);
        stream.named("twice").filter(|_, _| true);
    };
    check(describe, &["two operators are named \"twice\""]);
}

#[test]
fn two_stores_of_one_name() {
    let describe = |builder: &StreamsBuilder| {
        let group = builder.stream::<String, String>("in").group_by_key::<String>();
        group.count_with(Materialized::as_store("counts"));
        group.count_with(Materialized::as_store("counts"));
    };
    check(describe, &["two stores are named \"counts\""]);
}

#[test]
fn a_name_that_no_topic_could_have() {
    let describe = |builder: &StreamsBuilder| {
        builder.stream::<String, String>("in").named(Named::new("a b")).filter(|_, _| true);
    };
    check(describe, &["\"a b\"", "ASCII letters"]);
}

#[test]
fn sources_that_share_some_topics() {
    let describe = |builder: &StreamsBuilder| {
        builder.stream::<String, String>(["a", "b"]).to("out");
        builder.stream::<String, String>(["b", "c"]).to("out");
    };
    check(describe, &["(a, b)", "(b, c)", "read some topics both"]);
}

#[test]
fn one_topic_as_two_types() {
    let describe = |builder: &StreamsBuilder| {
        builder.stream::<String, String>("in").to("out");
        builder.stream::<i64, String>("in").to("out");
    };
    check(describe, &["String", "i64", "read it with the same types"]);
}

/// A type without a codec of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Amount(i64);

#[test]
fn a_codec_that_nothing_names() {
    let describe = |builder: &StreamsBuilder| {
        let amounts = builder.stream::<String, i64>("in").map_values(|_, cents| Amount(cents));
        amounts.group_by_key_with::<String>(Grouped::inherited()).count();
    };
    check(describe, &["Amount", "Grouped::with_codecs"]);
    let describe = |builder: &StreamsBuilder| {
        let amounts = builder.stream::<String, i64>("in").map_values(|_, cents| Amount(cents));
        amounts.to_with("out", Produced::inherited());
    };
    check(describe, &["Amount", "Produced::with_codecs"]);
}

#[test]
fn one_aggregate_of_a_type_without_a_codec() {
    let describe = |builder: &StreamsBuilder| {
        let group = builder.stream::<String, i64>("in").group_by_key::<String>();
        group.aggregate_with(|| Amount(0), |_, cents, sum| Amount(sum.0 + cents), Materialized::inherited());
    };
    check(describe, &["Amount", "Materialized::with_value_codec"]);
}
