//! `Topology::describe` gives Kafka Streams' own text: the files beside this one were written by Kafka Streams 4.3.1.

use std::time::Duration;

use stream_core::StreamsBuilder;
use stream_core::dsl::{Consumed, Grouped, Materialized, Named, Printed, Produced, Repartitioned, TimeWindows};

fn check(expected: &str, describe: impl FnOnce(&StreamsBuilder)) {
    let builder = StreamsBuilder::new();
    describe(&builder);
    let topology = builder.build().expect("a valid topology");
    assert_eq!(topology.describe().trim_end(), expected.trim_end());
}

#[test]
fn a_count_by_another_key_goes_through_a_repartition() {
    check(include_str!("group_by_count.txt"), |builder| {
        let stream = builder.stream::<String, String>("in");
        stream.group_by(|_, value| value.clone()).count().to("out");
    });
}

#[test]
fn a_count_in_hopping_windows_needs_none() {
    check(include_str!("hopping_count.txt"), |builder| {
        let windows =
            TimeWindows::of_size_with_no_grace(Duration::from_millis(10)).advance_by(Duration::from_millis(5));
        let windowed = builder.stream::<String, String>("in").group_by_key().windowed_by(windows);
        windowed.count_with(Materialized::as_store("wc")).to("out");
    });
}

#[test]
fn aggregations_of_a_named_group_share_its_repartition() {
    check(include_str!("shared_group.txt"), |builder| {
        let selected = builder.stream::<String, String>("in").select_key(|_, value| value.clone());
        let group = selected.group_by_key_with(Grouped::<String, String>::as_name("g"));
        group.count_with(Materialized::default());
        selected.peek(|_, _| {}).to("peeked");
        builder.stream::<String, String>("other").to("copied");
        group.reduce_with(|_, value| value, Materialized::<String, String>::default());
    });
}

#[test]
fn aggregations_of_an_unnamed_group_have_a_repartition_each() {
    check(include_str!("unnamed_group.txt"), |builder| {
        let selected = builder.stream::<String, String>("in").select_key(|_, value| value.clone());
        let group = selected.group_by_key::<String>();
        group.count_with(Materialized::default());
        group.count_with(Materialized::as_store("kept"));
        let windows =
            TimeWindows::of_size_with_no_grace(Duration::from_millis(10)).advance_by(Duration::from_millis(5));
        group.windowed_by(windows).named("third").count_with(Materialized::default());
    });
}

#[test]
fn a_stream_that_is_merged_with_itself_is_one_parent() {
    check(include_str!("self_merge.txt"), |builder| {
        let stream = builder.stream::<String, String>("in");
        stream.merge(stream).to("out");
    });
}

#[test]
fn streams_of_the_same_topic_share_a_source() {
    check(include_str!("same_topic.txt"), |builder| {
        let first = builder.stream::<String, String>("in");
        let second = builder.stream_with("in", Consumed::<String, String>::default().named("second"));
        let filtered = second.filter(|_, _| true);
        let mapped = first.map_values(|_, value| value);
        filtered.named("both").merge(mapped).to_with("out", Produced::default().named("end"));
    });
}

#[test]
fn branches_are_named_after_their_split() {
    check(include_str!("split.txt"), |builder| {
        let stream = builder.stream::<String, String>(["apple", "banana", "cherry"]);
        let mut split = stream.split();
        let first = split.branch(|_, value| value.contains('x'));
        split.branch_named("why", |_, value| value.contains('y'));
        let rest = split.default_branch();
        let mut split = first.named("sp-").split();
        let again = split.branch(|_, value| value.contains('x'));
        let why = split.branch_named(Named::new("why"), |_, value| value.contains('y'));
        let last = split.default_branch_named("rest");
        again.to("o1");
        why.print(Printed::to_sink(|_| {}));
        last.foreach(|_, _| {});
        rest.to_chosen_as("by_first:dyn-", |_, value| format!("dyn-{value}"), Produced::default());
    });
}

#[test]
fn repartitions_cut_a_topology_into_subtopologies() {
    check(include_str!("repartition.txt"), |builder| {
        let stream = builder.stream::<String, String>("in").repartition();
        let stream = stream.repartition_with(Repartitioned::as_name("again").partitions(3));
        let group = stream.map(|_, value| (value.clone(), value));
        let group = group.group_by_key_with(Grouped::<String, String>::as_name("grp"));
        let store = Materialized::<String, String>::as_store("st");
        group.aggregate_with(String::new, |_, value, so_far| so_far + value, store);
    });
}
