//! Windows: which ones a record falls into, when they close, what becomes of them.

use std::time::Duration;

use state_store::Windowed;
use stream_core::StreamsBuilder;
use stream_core::dsl::{Grouped, KTable, Materialized, TimeWindows};

use super::harness::{check_dropped, run};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Writes a table of windows as text: `key[start`.
fn windows_to(table: KTable<'_, Windowed<String>, i64>, topic: &str) {
    let keyed = table.to_stream_with_key(|key, _| format!("{}[{}", key.key, key.window.start.millis()));
    keyed.map_values(|_, number| number.map(|number| number.to_string())).to(topic);
}

#[test]
fn a_window_takes_late_records_until_its_grace_is_over() {
    let describe = |builder: &StreamsBuilder| {
        let windows = TimeWindows::of_size_and_grace(ms(10), ms(5));
        windows_to(builder.stream::<String, String>("in").window::<String>(windows).count(), "out");
    };
    let input = ["in k=v@3", "in k=v@14", "in k=v@9", "in k=v@15", "in k=v@9"];
    let expected = ["out k[0=1@3", "out k[10=1@14", "out k[0=2@9", "out k[10=2@15"];
    check_dropped(describe, &input, &expected, 1);
}

#[test]
fn a_record_may_be_late_for_one_hopping_window_and_not_for_the_next() {
    let describe = |builder: &StreamsBuilder| {
        let windows = TimeWindows::of_size_with_no_grace(ms(10)).advance_by(ms(5));
        windows_to(builder.stream::<String, String>("in").window::<String>(windows).count(), "out");
    };
    let input = ["in k=v@7", "in k=v@12", "in k=v@8"];
    let expected = ["out k[0=1@7", "out k[5=1@7", "out k[5=2@12", "out k[10=1@12", "out k[5=3@12"];
    check_dropped(describe, &input, &expected, 1);
}

#[test]
fn a_null_value_goes_to_the_aggregation_and_a_null_key_is_dropped() {
    let describe = |builder: &StreamsBuilder| {
        let stream = builder.stream::<Option<String>, Option<String>>("in");
        let group = stream.group_by_key_with(Grouped::<String, _>::default());
        let nulls = group.windowed_by(TimeWindows::of_size_with_no_grace(ms(10)));
        windows_to(nulls.aggregate(|| 0, |_, value, nulls| nulls + i64::from(value.is_none())), "out");
    };
    let input = ["in k=null@1", "in null=v@2", "in k=v@3"];
    check_dropped(describe, &input, &["out k[0=1@1", "out k[0=1@3"], 1);
}

#[test]
fn windows_are_reduced_and_deleted() {
    let describe = |builder: &StreamsBuilder| {
        let stream = builder.stream::<String, i64>("numbers");
        let stream = stream.merge(builder.stream::<String, String>("in").map_values(|_, text| text.len() as i64));
        let windows = stream.window::<String>(TimeWindows::of_size_with_no_grace(ms(10)));
        windows_to(windows.reduce::<i64>(i64::max), "largest");
        let halves = windows.aggregate::<i64, _>(|| None, |_, value, _| (value % 2 == 0).then_some(value / 2));
        windows_to(halves, "halves");
    };
    let input = ["in k=four@1", "in k=one@2"];
    let expected = ["largest k[0=4@1", "halves k[0=2@1", "largest k[0=4@2", "halves k[0=null@2"];
    check_dropped(describe, &input, &expected, 0);
}

#[test]
fn a_windowed_changelog_has_the_bytes_of_kafka_streams() {
    let describe = |builder: &StreamsBuilder| {
        let windows = TimeWindows::of_size_with_no_grace(ms(10)).advance_by(ms(5));
        let stream = builder.stream::<String, String>("in");
        stream.window::<String>(windows).count_with(Materialized::as_store("wc")).to("out");
    };
    let outcome = run(describe, &["in a=x@7"]).expect("the record is processed");
    let hex =
        |bytes: &Option<Vec<u8>>| -> String { bytes.iter().flatten().map(|byte| format!("{byte:02x}")).collect() };
    let records = outcome.records.iter().map(|record| {
        let (key, value) = (hex(&record.key), hex(&record.value));
        format!("{} {key} {value} {}", record.topic, record.timestamp.millis())
    });
    let mut records: Vec<_> = records.collect();
    records.sort();
    let expected = [
        "app-wc-changelog 61000000000000000000000000 0000000000000001 7",
        "app-wc-changelog 61000000000000000500000000 0000000000000001 7",
        "out 610000000000000000 0000000000000001 7",
        "out 610000000000000005 0000000000000001 7",
    ];
    assert_eq!(records, expected);
}

#[test]
fn windows_without_an_aggregation_are_written_once_a_window() {
    let describe = |builder: &StreamsBuilder| {
        let windows = TimeWindows::of_size_with_no_grace(ms(10)).advance_by(ms(5));
        let stream = builder.stream::<Option<String>, String>("in");
        stream.filter(|_, value| value != "-").map_values(|_, value| value).window::<String>(windows).to("out");
    };
    let input = ["in k=v@7", "in null=v@7", "in k=-@7", "in k=w@20", "in k=late@7"];
    let outcome = run(describe, &input).expect("the records are processed");
    let shown = outcome.records.iter().map(|record| {
        let key = record.key.as_deref().unwrap_or_default();
        let value = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
        (key.len(), key.last().copied(), value, record.timestamp.millis())
    });
    let shown: Vec<_> = shown.collect();
    let expected = [(0, "v", 7), (5, "v", 7), (15, "w", 20), (20, "w", 20)];
    assert_eq!(shown, expected.map(|(start, value, time)| (9, Some(start), value.to_owned(), time)));
    assert_eq!(outcome.dropped, 3, "a null key, and a record that was late for two windows");
}
