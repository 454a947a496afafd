//! Counts words: the smallest application with state.
//!
//! `cargo run --release --bin 01_word_count` runs on an embedded log; `-- --bootstrap localhost:9092` on Kafka.

use std::collections::BTreeMap;

use examples::stage::Stage;
use stream_core::{Result, Streams, StreamsBuilder};

const LINES: [(&str, &str, i64); 3] = [
    ("1", "all streams lead to kafka", 0),
    ("2", "hello kafka streams", 1000),
    ("3", "join kafka summit and all streams", 2000),
];

fn main() -> Result<()> {
    // What the application does. Grouping by another key than the record's sends the words through a topic of the
    // application's own, so that each word is counted in one place.
    let builder = StreamsBuilder::new();
    builder
        .stream::<String, String>("lines")
        .flat_map_values(|_, line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .group_by(|_, word| word.clone())
        .count()
        .to("word-counts");
    let topology = builder.build()?;
    println!("{}", topology.describe());

    // Where it runs.
    let stage = Stage::from_arguments("word-count")?;
    stage.create_topics(&["lines", "word-counts"])?;
    stage.write("lines", &LINES)?;
    let streams = Streams::new(&topology, stage.settings(), stage.log())?;
    stage.run_until_done(&topology, &streams)?;

    // A count may have been written several times; the last one of a word is its count.
    let counts: BTreeMap<String, i64> = stage.read("word-counts")?.into_iter().collect();
    for (word, count) in counts {
        println!("{word:>8} {count}");
    }
    Ok(())
}
