//! The counting application as tests start, stop and kill it: it says on standard output what it does.
//!
//! ```text
//! state RUNNING      its state has changed
//! restored 1200      a store is restored, from so many records of its changelog
//! processed 300      so many records in this run, told every hundred
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use examples::application::{COUNTS_STORE, GRACE, WINDOW};
use lexopt::prelude::{Long, ValueExt as _};
use stream_core::dsl::{Materialized, TimeWindows};
use stream_core::{Error, Kind, RestoreStage, Result, Settings, Streams, StreamsBuilder, Topology};
use stream_kafka::{KafkaLog, KafkaSettings};
use tests::process::REPORT_RECORDS;

fn main() -> Result<()> {
    let (mut bootstrap, mut input, mut output) = (String::new(), String::new(), String::new());
    let (mut pause_ms, mut settings) = (0, Settings::new(""));
    let invalid = |why: lexopt::Error| Error::new(Kind::Invalid, why.to_string());
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next().map_err(invalid)? {
        let Long(name) = argument else { return Err(invalid(argument.unexpected())) };
        let name = name.to_owned();
        let value = arguments.value().and_then(|value| value.string()).map_err(invalid)?;
        match name.as_str() {
            "bootstrap" => bootstrap = value,
            "input" => input = value,
            "output" => output = value,
            "application-id" => settings.application_id = value,
            "state-dir" => settings.state_dir = value.into(),
            "pause-ms" => pause_ms = number(&value)?,
            "commit-interval-ms" => settings.commit_interval_ms = Some(number(&value)?),
            other => return Err(Error::new(Kind::Invalid, format!("--{other} is not known"))),
        }
    }
    settings.topic.insert("retention.ms".to_owned(), "-1".to_owned());
    let topology = topology(&input, &output, Duration::from_millis(pause_ms))?;
    let streams = Streams::new(&topology, settings, Arc::new(KafkaLog::new(KafkaSettings::new(bootstrap))?))?;
    streams.on_state_change(|_, state| println!("state {state}"));
    streams.on_restore(|progress| {
        if progress.stage == RestoreStage::End {
            println!("restored {}", progress.records);
        }
    });
    streams.run_until_signal()
}

fn number(text: &str) -> Result<u64> {
    text.parse().map_err(|cause| Error::new(Kind::Invalid, format!("{text:?} is not a number")).caused_by(cause))
}

/// The application of the examples, slowed down so that there is time to kill it, and with a voice.
fn topology(input: &str, output: &str, pause: Duration) -> Result<Topology> {
    let processed = AtomicU64::new(0);
    let builder = StreamsBuilder::new();
    builder
        .stream::<String, String>(input)
        .peek(move |_, _| {
            let count = processed.fetch_add(1, Ordering::Relaxed) + 1;
            if count.is_multiple_of(REPORT_RECORDS) {
                println!("processed {count}");
                std::thread::sleep(pause);
            }
        })
        .filter(|_, event| !event.contains("heartbeat"))
        .group_by_key()
        .windowed_by(TimeWindows::of_size_and_grace(WINDOW, GRACE))
        .count_with(Materialized::as_store(COUNTS_STORE))
        .to(output);
    builder.build()
}
