//! Stream operators as a user sees them: a topology, records in, records out.

use std::time::Duration;

use state_store::codec::TimeWindowedCodec;
use state_store::{DefaultCodec, Timestamp, Windowed};
use stream_core::dsl::{Grouped, Materialized, Printed, Repartitioned, TimeWindows};
use stream_core::testing::{DriverSettings, TestInputTopic, TestOutputTopic, TopologyTestDriver};
use stream_core::{StreamsBuilder, Topology};

fn driver(topology: &Topology) -> TopologyTestDriver {
    TopologyTestDriver::new(topology, &DriverSettings::default()).expect("a driver")
}

/// Pipes `(key, value, time)` into `in` and gives what came to `out`.
fn run(topology: &Topology, records: &[(&str, &str, i64)]) -> Vec<(String, i64)> {
    let mut driver = driver(topology);
    let (input, output) = (TestInputTopic::<String, String>::new("in"), TestOutputTopic::<String, i64>::new("out"));
    for (key, value, time) in records {
        input.pipe_at(&mut driver, &(*key).to_owned(), &(*value).to_owned(), Timestamp(*time)).expect("piped");
    }
    output.read_key_values(&mut driver).expect("decodes")
}

fn owned<const N: usize>(expected: [(&str, i64); N]) -> Vec<(String, i64)> {
    expected.map(|(key, value)| (key.to_owned(), value)).to_vec()
}

#[test]
fn words_are_counted_through_a_repartition() {
    let builder = StreamsBuilder::new();
    let lines = builder.stream::<String, String>("in");
    let words = lines.flat_map_values(|_, line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    words.group_by(|_, word| word.clone()).count().to_stream().map_values(|_, n| n.unwrap_or(0)).to("out");
    let topology = builder.build().expect("a valid topology");
    assert_eq!(topology.describe().matches("Sub-topology").count(), 2);
    let counts = run(&topology, &[("1", "a b a", 0), ("2", "b", 1)]);
    assert_eq!(counts, owned([("a", 1), ("b", 1), ("a", 2), ("b", 2)]));
}

#[test]
fn a_window_takes_late_records_until_its_grace_is_over() {
    let builder = StreamsBuilder::new();
    let windows = TimeWindows::of_size_and_grace(Duration::from_millis(10), Duration::from_millis(5));
    builder.stream::<String, String>("in").window(windows).count_with(Materialized::as_store("counts")).to("out");
    let topology = builder.build().expect("a valid topology");
    let mut driver = driver(&topology);
    let input = TestInputTopic::<String, String>::new("in");
    let keys = std::sync::Arc::new(TimeWindowedCodec::new(<String as DefaultCodec>::codec(), 10));
    let output = TestOutputTopic::<Windowed<String>, i64>::with_codecs("out", keys, <i64 as DefaultCodec>::codec());
    for time in [3, 14, 9, 15, 9] {
        input.pipe_at(&mut driver, &"k".to_owned(), &"v".to_owned(), Timestamp(time)).expect("piped");
    }
    let counts = output.read_key_values(&mut driver).expect("decodes");
    let counts: Vec<_> = counts.into_iter().map(|(key, count)| (key.window.start.millis(), count)).collect();
    assert_eq!(counts, [(0, 1), (10, 1), (0, 2), (10, 2)]);
    assert_eq!(driver.dropped(), 1, "the last record came after the window had closed");
}

#[test]
fn a_split_sends_each_record_to_the_first_branch_that_it_meets() {
    let builder = StreamsBuilder::new();
    let mut split = builder.stream::<String, String>("in").split();
    split.branch(|_, value| value.len() > 2).map_values(|_, value| value.len() as i64).to("out");
    split.branch_named("short", |_, value| !value.is_empty()).map_values(|_, _| -1i64).to("out");
    split.default_branch().map_values(|_, _| 0i64).to("out");
    drop(split);
    let topology = builder.build().expect("a valid topology");
    let out = run(&topology, &[("a", "long", 0), ("b", "xy", 1), ("c", "", 2)]);
    assert_eq!(out, owned([("a", 4), ("b", -1), ("c", 0)]));
}

#[test]
fn null_keys_are_dropped_where_records_are_grouped() {
    let builder = StreamsBuilder::new();
    let stream = builder.stream::<Option<String>, String>("in");
    let counts = stream.group_by_key_with(Grouped::<String, String>::default()).count();
    counts.to("out");
    let topology = builder.build().expect("a valid topology");
    let mut driver = driver(&topology);
    let input = TestInputTopic::<Option<String>, String>::new("in");
    input.pipe(&mut driver, &None, &"x".to_owned()).expect("piped");
    input.pipe(&mut driver, &Some("k".to_owned()), &"x".to_owned()).expect("piped");
    let output = TestOutputTopic::<String, i64>::new("out");
    assert_eq!(output.read_key_values(&mut driver).expect("decodes"), owned([("k", 1)]));
    assert_eq!(driver.dropped(), 1);
}

#[test]
fn mistakes_name_the_line_that_made_them() {
    let builder = StreamsBuilder::new();
    let windows = TimeWindows::of_size_with_no_grace(Duration::ZERO);
    builder.stream::<String, String>("in").window(windows).count().to("out");
    let error = builder.build().err().expect("a window without a size is a mistake");
    assert!(error.to_string().contains("streams.rs"), "{error}");

    let builder = StreamsBuilder::new();
    builder.stream::<String, String>(["a", "b"]).to("out");
    builder.stream::<String, String>(["b", "c"]).to("out");
    let error = builder.build().err().expect("sources that overlap are a mistake");
    assert!(error.to_string().contains("read some topics both"), "{error}");
}

#[test]
fn a_stream_ends_in_a_topic_in_windows_or_in_lines() {
    let builder = StreamsBuilder::new();
    let stream = builder.stream::<String, String>("in");
    let windows = TimeWindows::of_size_with_no_grace(Duration::from_millis(10)).advance_by(Duration::from_millis(5));
    stream.filter(|_, value| value != "-").map_values(|_, value| value.len() as i64).window(windows).to("windows");
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let printed = std::sync::Arc::clone(&lines);
    stream.print(Printed::to_sink(move |line| printed.lock().expect("not poisoned").push(line.to_owned())));
    stream.repartition_with(Repartitioned::as_name("again").partitions(3)).map_values(|_, v| v.len() as i64).to("out");
    let topology = builder.build().expect("a valid topology");
    let mut driver = driver(&topology);
    let input = TestInputTopic::<String, String>::new("in");
    input.pipe_at(&mut driver, &"k".to_owned(), &"abc".to_owned(), Timestamp(7)).expect("piped");
    let windows: Vec<_> = driver.take_output("windows").into_iter().map(|record| record.key).collect();
    let key = |start: u8| Some([b"k", &[0; 7][..], &[start]].concat());
    assert_eq!(windows, [key(0), key(5)]);
    assert_eq!(*lines.lock().expect("not poisoned"), ["[KSTREAM-SOURCE-0000000000]: \"k\", \"abc\""]);
    assert_eq!(driver.take_output("out").len(), 1);
}
