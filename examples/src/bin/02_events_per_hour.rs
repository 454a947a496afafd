//! Counts events per user and hour of event time: windows, and records that come too late.
//!
//! `cargo run --release --bin 02_events_per_hour` runs on an embedded log; `-- --bootstrap localhost:9092` on Kafka.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use examples::stage::Stage;
use state_store::codec::TimeWindowedCodec;
use state_store::{CodecRef, DefaultCodec, Windowed};
use stream_core::dsl::TimeWindows;
use stream_core::{Result, Streams, StreamsBuilder};

const MINUTE_MS: i64 = 60_000;
const HOUR: Duration = Duration::from_secs(3600);
const GRACE: Duration = Duration::from_secs(300);

const EVENTS: [(&str, &str, i64); 7] = [
    ("ann", "page_view", 5 * MINUTE_MS),
    ("ann", "click", 59 * MINUTE_MS),
    ("ann", "heartbeat", 59 * MINUTE_MS),
    ("ann", "page_view", 62 * MINUTE_MS),
    // Three minutes behind the newest: its hour is still open.
    ("ann", "click", 59 * MINUTE_MS),
    ("ann", "purchase", 70 * MINUTE_MS),
    // Eleven minutes behind: the first hour has closed five minutes after its end, and the event is dropped.
    ("ann", "click", 59 * MINUTE_MS),
];

fn main() -> Result<()> {
    let builder = StreamsBuilder::new();
    builder
        .stream::<String, String>("clicks")
        .filter(|_, event| event != "heartbeat")
        .group_by_key()
        .windowed_by(TimeWindows::of_size_and_grace(HOUR, GRACE))
        .count()
        .to("clicks-per-hour");
    let topology = builder.build()?;

    let stage = Stage::from_arguments("clicks-per-hour")?;
    stage.create_topics(&["clicks", "clicks-per-hour"])?;
    stage.write("clicks", &EVENTS)?;
    let streams = Streams::new(&topology, stage.settings(), stage.log())?;
    stage.run_until_done(&topology, &streams)?;

    let hour_ms = i64::try_from(HOUR.as_millis()).expect("an hour is short");
    let keys: CodecRef<Windowed<String>> = Arc::new(TimeWindowedCodec::new(String::codec(), hour_ms));
    let counts: BTreeMap<_, _> = stage.read_with("clicks-per-hour", &keys, &i64::codec())?.into_iter().collect();
    for (Windowed { key, window }, count) in counts {
        let (from, to) = (window.start.millis() / hour_ms, window.end.millis() / hour_ms);
        println!("{key} {from:02}:00–{to:02}:00 {count}");
    }
    Ok(())
}
