//! Splits a topic into others, with nothing to remember: filter, map, branch.
//!
//! `cargo run --release --bin 03_stateless_pipeline` runs on an embedded log; `-- --bootstrap localhost:9092` on Kafka.

use examples::stage::Stage;
use stream_core::{Result, Streams, StreamsBuilder};

const LINES: [(&str, &str, i64); 5] = [
    ("web-1", "INFO started", 0),
    ("web-1", "", 1000),
    ("web-2", "ERROR disk is full", 2000),
    ("web-2", "WARN disk is slow", 3000),
    ("web-1", "INFO request served", 4000),
];

fn main() -> Result<()> {
    let builder = StreamsBuilder::new();
    let lines = builder.stream::<String, String>("log-lines").filter(|_, line| !line.is_empty());

    // A branch takes the records that no earlier branch took.
    let mut split = lines.split();
    let errors = split.branch(|_, line| line.starts_with("ERROR"));
    let warnings = split.branch(|_, line| line.starts_with("WARN"));
    errors.map_values(|_, line| line.trim_start_matches("ERROR ").to_owned()).to("alarms");
    warnings.to("warnings");
    let topology = builder.build()?;
    println!("{}", topology.describe());

    let stage = Stage::from_arguments("log-splitter")?;
    stage.create_topics(&["log-lines", "alarms", "warnings"])?;
    stage.write("log-lines", &LINES)?;
    let streams = Streams::new(&topology, stage.settings(), stage.log())?;
    stage.run_until_done(&topology, &streams)?;

    for topic in ["alarms", "warnings"] {
        for (host, line) in stage.read::<String, String>(topic)? {
            println!("{topic}: {host}: {line}");
        }
    }
    Ok(())
}
