//! Topologies over text, their records written as `topic key=value@time`; `null` is null.

use state_store::Timestamp;
use stream_core::record::Headers;
use stream_core::testing::{DriverSettings, Produced, TopologyTestDriver};
use stream_core::{Error, Result, StreamsBuilder};

/// What a topology made of its input.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) records: Vec<Produced>,
    pub(crate) dropped: u64,
}

/// Pipes `input` through the topology.
pub(crate) fn run(describe: impl FnOnce(&StreamsBuilder), input: &[&str]) -> Result<Outcome> {
    let builder = StreamsBuilder::new();
    describe(&builder);
    let mut driver = TopologyTestDriver::new(&builder.build()?, &DriverSettings::default())?;
    for line in input {
        let (topic, key, value, time) = parse(line);
        driver.pipe(topic, key, value, time, &Headers::EMPTY)?;
    }
    Ok(Outcome { records: driver.take_produced(), dropped: driver.dropped() })
}

/// What comes to the topics that are not the application's own is `expected`.
pub(crate) fn check(describe: impl FnOnce(&StreamsBuilder), input: &[&str], expected: &[&str]) {
    check_dropped(describe, input, expected, 0);
}

/// As [`check`]; `dropped` records are dropped by rule.
pub(crate) fn check_dropped(describe: impl FnOnce(&StreamsBuilder), input: &[&str], expected: &[&str], dropped: u64) {
    let outcome = run(describe, input).expect("the records are processed");
    let outputs = outcome.records.iter().filter(|record| !record.topic.starts_with("app-"));
    let outputs: Vec<_> = outputs.map(show).collect();
    assert_eq!(outputs, expected);
    assert_eq!(outcome.dropped, dropped, "dropped records");
}

/// The mistake that `build` finds.
pub(crate) fn mistake(describe: impl FnOnce(&StreamsBuilder)) -> Error {
    let builder = StreamsBuilder::new();
    describe(&builder);
    builder.build().err().expect("the topology has a mistake")
}

fn parse(line: &str) -> (&str, Option<&[u8]>, Option<&[u8]>, Timestamp) {
    let (topic, rest) = line.split_once(' ').expect("a topic");
    let (key, rest) = rest.split_once('=').expect("a key");
    let (value, time) = rest.rsplit_once('@').expect("a time");
    let bytes = |text| (text != "null").then_some(str::as_bytes(text));
    (topic, bytes(key), bytes(value), Timestamp(time.parse().expect("a time")))
}

/// A record as [`check`] has it.
pub(crate) fn show(record: &Produced) -> String {
    let text = |bytes: &Option<Vec<u8>>| match bytes {
        None => "null".to_owned(),
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    };
    format!("{} {}={}@{}", record.topic, text(&record.key), text(&record.value), record.timestamp.millis())
}
