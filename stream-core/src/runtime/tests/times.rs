//! Order by timestamp over several inputs, and timers.

use std::time::Duration;

use super::world::World;
use crate::ProcessingGuarantee::AtLeastOnce;
use crate::processor::{Processor, ProcessorContext};
use crate::record::{Record, Timestamp};
use crate::{PunctuationType, Result, StreamsBuilder, TimerId, Topology};

/// Both topics as one stream: a task with two inputs.
fn merged() -> Topology {
    let builder = StreamsBuilder::new();
    let left = builder.stream::<String, String>("left");
    left.merge(builder.stream::<String, String>("right")).to("out");
    builder.build().expect("a valid topology")
}

fn out(world: &World) -> Vec<i64> {
    world.read("out").into_iter().map(|read| read.timestamp).collect()
}

#[test]
fn inputs_are_taken_in_the_order_of_their_timestamps() {
    let world = World::new(&[("left", 1), ("right", 1), ("out", 1)]);
    let times = |from: i64| (0..500).map(move |n| ("k", "v", from + 2 * n));
    world.produce("left", times(0));
    world.produce("right", times(1));
    let mut settings = world.settings(AtLeastOnce, 1);
    // A poll brings records of one input only.
    settings.poll_records_max = 7;
    settings.buffered_records_per_partition = 10;
    world.run_to_end(&merged(), &settings);
    assert_eq!(out(&world), (0..1000).collect::<Vec<_>>());
}

#[test]
fn an_input_without_lag_is_waited_for_as_long_as_the_settings_say() {
    for (idle_ms, order) in [(0, [10, 5]), (-1, [10, 5]), (1000, [5, 10])] {
        let world = World::new(&[("left", 1), ("right", 1), ("out", 1)]);
        world.produce("left", [("k", "v", 10)]);
        let mut settings = world.settings(AtLeastOnce, 1);
        settings.max_task_idle_ms = idle_ms;
        let mut app = world.start(&merged(), &settings).expect("it starts");
        for _ in 0..10 {
            app.threads[0].step().expect("a step");
            world.clock.advance(Duration::from_millis(50));
        }
        world.produce("right", [("k", "v", 5)]);
        app.settle().expect("it runs");
        app.close().expect("it closes");
        assert_eq!(out(&world), order, "idle {idle_ms}");
    }
}

#[test]
fn a_join_sees_the_table_as_it_was_at_the_time_of_the_record() {
    let world = World::new(&[("names", 1), ("clicks", 1), ("out", 1)]);
    let builder = StreamsBuilder::new();
    let names = builder.table::<String, String>("names");
    let clicks = builder.stream::<String, String>("clicks");
    clicks.join(names, |_, _, name| name.clone()).to("out");
    let topology = builder.build().expect("a valid topology");
    let versions: Vec<_> = (0..300).map(|n| format!("{n}")).collect();
    world.produce("names", versions.iter().zip(0..).map(|(name, n)| ("k", name.as_str(), 10 * n)));
    world.produce("clicks", (0..300).map(|n| ("k", "", 10 * n + 5)));
    let mut settings = world.settings(AtLeastOnce, 1);
    // Polls bring the two topics in pieces, one ahead of the other.
    settings.poll_records_max = 7;
    world.run_to_end(&topology, &settings);
    let joined: Vec<_> =
        world.read("out").into_iter().map(|read| String::from_utf8(read.value.unwrap()).unwrap()).collect();
    assert_eq!(joined, versions);
}

/// Forwards each tick of its two timers.
struct Ticking;

impl Processor<String, String> for Ticking {
    type KeyOut = String;
    type ValueOut = String;

    fn init(&mut self, ctx: &mut ProcessorContext<'_, String, String>) -> Result<()> {
        ctx.schedule(Duration::from_millis(100), PunctuationType::StreamTime)?;
        ctx.schedule(Duration::from_secs(3600), PunctuationType::WallClockTime)?;
        Ok(())
    }

    fn process(&mut self, _: Record<String, String>, _: &mut ProcessorContext<'_, String, String>) -> Result<()> {
        Ok(())
    }

    fn punctuate(
        &mut self,
        _timer: TimerId,
        at: Timestamp,
        ctx: &mut ProcessorContext<'_, String, String>,
    ) -> Result<()> {
        ctx.forward(Record::new("tick".to_owned(), "now".to_owned(), at))
    }
}

#[test]
fn timers_run_by_stream_time_and_by_the_wall_clock() {
    let world = World::new(&[("in", 1), ("out", 1)]);
    let builder = StreamsBuilder::new();
    builder.stream::<String, String>("in").process(|_| Ticking, [""; 0]).to("out");
    let topology = builder.build().expect("a valid topology");
    world.produce("in", [10, 50, 120, 130, 450, 460].map(|time| ("k", "v", time)));
    let mut app = world.start(&topology, &world.settings(AtLeastOnce, 1)).expect("it starts");
    app.settle().expect("it runs");
    world.clock.advance(Duration::from_secs(3600));
    app.settle().expect("it runs");
    app.close().expect("it closes");
    let ticks = out(&world);
    // The first record runs a timer that starts at 0; a jump runs it once.
    assert_eq!(ticks[..3], [10, 120, 450], "{ticks:?}");
    assert!(ticks.len() == 4 && ticks[3] >= 1_000_000 + 3_600_000, "{ticks:?}");
}
