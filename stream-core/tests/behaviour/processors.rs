//! The Processor API: stores, timers, children, and what is refused.

use std::time::Duration;

use stream_core::dsl::{StoreBuilder, StoreUse};
use stream_core::processor::{
    FixedKeyProcessor, FixedKeyProcessorContext, FixedKeyRecord, KeyValueHandle, Processor, ProcessorContext,
    TimestampedKeyValueHandle, WindowHandle,
};
use stream_core::record::{Record, Timestamp};
use stream_core::{Kind, PunctuationType, Result, StreamsBuilder, TimerId};

use crate::harness::{millis, pipe, read, run, start};

type Text = String;
type Context<'a> = ProcessorContext<'a, Text, Text>;

/// Does what a record's value says to a key-value store, and forwards what the store answers.
struct Commands {
    store: KeyValueHandle<Text, Text>,
}

impl Commands {
    fn answer(&self, command: &str) -> Result<String> {
        let parts: Vec<_> = command.split(':').map(str::to_owned).collect();
        let at = |index: usize| parts.get(index).filter(|part| !part.is_empty());
        let key = parts.get(1).cloned().unwrap_or_default();
        let entries = match parts[0].as_str() {
            "put" => return self.store.put(&key, parts[2].clone()).map(|()| "ok".to_owned()),
            "pia" => return Ok(format!("{:?}", self.store.put_if_absent(&key, parts[2].clone())?)),
            "del" => return Ok(format!("{:?}", self.store.delete(&key)?)),
            "get" => return Ok(format!("{:?}", self.store.get(&key)?)),
            "range" => self.store.range(at(1), at(2))?,
            "rrange" => self.store.reverse_range(at(1), at(2))?,
            "all" => self.store.all()?,
            "rall" => self.store.reverse_all()?,
            "prefix" => self.store.prefix_scan(&key)?,
            other => panic!("no command {other}"),
        };
        let entries: Result<Vec<_>> = entries.map(|entry| entry.map(|(key, value)| format!("{key}={value}"))).collect();
        Ok(entries?.join(","))
    }
}

impl Processor<Text, Text> for Commands {
    type KeyOut = Text;
    type ValueOut = Text;

    fn process(&mut self, record: Record<Text, Text>, ctx: &mut Context<'_>) -> Result<()> {
        let answer = self.answer(&record.value)?;
        ctx.forward(record.with_value(answer))
    }
}

fn answers(store: StoreBuilder, commands: &[&str]) -> (Vec<String>, Vec<String>) {
    let builder = StreamsBuilder::new();
    builder.add_store(store);
    let commanded = builder.stream::<Text, Text>("in");
    commanded.process(|stores| Commands { store: stores.key_value("kv") }, ["kv"]).to("out");
    let mut driver = start(builder);
    let mut out = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        pipe(&mut driver, "in", &format!("k={command}@{index}")).expect("piped");
        let answer = read(&mut driver, "out").remove(0);
        let (answer, _) = answer.rsplit_once('@').expect("a timestamp");
        out.push(answer.strip_prefix("k=").expect("the record's key").to_owned());
    }
    (out, read(&mut driver, "app-kv-changelog"))
}

#[test]
fn a_key_value_store_answers_and_logs_each_write() {
    let commands = [
        "put:b:1",
        "put:a:2",
        "put:ab:3",
        "pia:a:9",
        "pia:c:4",
        "get:a",
        "get:x",
        "all",
        "rall",
        "range:ab:b",
        "rrange::ab",
        "range:c:a",
        "prefix:a",
        "del:a",
        "del:x",
        "all",
    ];
    let expected = [
        "ok",
        "ok",
        "ok",
        "Some(\"2\")",
        "None",
        "Some(\"2\")",
        "None",
        "a=2,ab=3,b=1,c=4",
        "c=4,b=1,ab=3,a=2",
        "ab=3,b=1",
        "ab=3,a=2",
        "",
        "a=2,ab=3",
        "Some(\"2\")",
        "None",
        "ab=3,b=1,c=4",
    ];
    for store in [StoreBuilder::key_value::<Text, Text>("kv"), StoreBuilder::key_value::<Text, Text>("kv").in_memory()]
    {
        let (out, changes) = answers(store, &commands);
        assert_eq!(out, expected);
        assert_eq!(changes, ["b=1@0", "a=2@1", "ab=3@2", "c=4@4", "a=-@13", "x=-@14"]);
    }
}

#[test]
fn a_caching_store_is_logged_at_commit_and_one_without_logging_never() {
    let caching = StoreBuilder::key_value::<Text, Text>("kv").with_caching();
    let (_, changes) = answers(caching, &["put:a:1", "put:a:2", "del:a"]);
    assert_eq!(changes, ["a=1@0", "a=2@1", "a=-@2"]);
    let silent = StoreBuilder::key_value::<Text, Text>("kv").without_logging();
    let (out, changes) = answers(silent, &["put:a:1", "get:a"]);
    assert_eq!(out, ["ok", "Some(\"1\")"]);
    assert!(changes.is_empty());
}

/// Writes three times under one key, then reads and forwards while it goes through the store.
struct Rewriter(KeyValueHandle<Text, Text>);

impl Processor<Text, Text> for Rewriter {
    type KeyOut = Text;
    type ValueOut = Text;

    fn process(&mut self, record: Record<Text, Text>, ctx: &mut Context<'_>) -> Result<()> {
        for value in ["x", "y", "z"] {
            self.0.put(&record.key, value.to_owned())?;
        }
        for entry in self.0.all()? {
            let (key, value) = entry?;
            self.0.put(&key, format!("{value}!"))?;
            ctx.forward(Record { key, value, timestamp: record.timestamp, headers: record.headers.clone() })?;
        }
        Ok(())
    }
}

#[test]
fn one_update_per_key_and_commit_leaves_a_cache_and_reading_is_a_snapshot() {
    let builder = StreamsBuilder::new();
    builder.add_store(StoreBuilder::key_value::<Text, Text>("kv").with_caching());
    builder.stream::<Text, Text>("in").process(|stores| Rewriter(stores.key_value("kv")), ["kv"]).to("out");
    let mut driver = start(builder);
    assert_eq!(run(&mut driver, "in", &["a=1@1", "b=1@2"], "out"), ["a=z@1", "a=z!@2", "b=z@2"]);
    assert_eq!(read(&mut driver, "app-kv-changelog"), ["a=z!@1", "a=z!!@2", "b=z!@2"]);
}

/// Counts under a key, with the highest timestamp.
struct Counter(TimestampedKeyValueHandle<Text, i64>);

impl FixedKeyProcessor<Text, Text> for Counter {
    type ValueOut = i64;

    fn process(
        &mut self,
        record: FixedKeyRecord<Text, Text>,
        ctx: &mut FixedKeyProcessorContext<'_, Text, i64>,
    ) -> Result<()> {
        let mut count =
            self.0.get(record.key())?.unwrap_or(state_store::Stamped { value: 0, timestamp: record.timestamp });
        count.value += 1;
        count.timestamp = count.timestamp.max(record.timestamp);
        self.0.put(record.key(), count.clone())?;
        ctx.forward(record.with_value(count.value))
    }
}

#[test]
fn a_processor_brings_its_own_store_and_keeps_the_partitioning() {
    let builder = StreamsBuilder::new();
    let counts = StoreBuilder::timestamped_key_value::<Text, i64>("counts");
    let counted = builder.stream::<Text, Text>("in");
    counted.process_values(|stores| Counter(stores.timestamped_key_value("counts")), [counts.clone()]).to("out");
    let again = builder.stream::<Text, Text>("in2");
    again
        .process_values(|stores| Counter(stores.timestamped_key_value("counts")), [StoreUse::Attach(counts)])
        .to("out");
    let mut driver = start(builder);
    assert_eq!(run(&mut driver, "in", &["a=x@9", "a=y@3"], "out"), ["a=1@9", "a=2@3"]);
    assert_eq!(run(&mut driver, "in2", &["a=x@4"], "out"), ["a=3@4"]);
    assert_eq!(read(&mut driver, "app-counts-changelog"), ["a=1@9", "a=2@9", "a=3@9"]);
}

/// Keeps values in windows and forwards what it finds around the record's time.
struct Around(WindowHandle<Text, Text>);

impl Processor<Text, Text> for Around {
    type KeyOut = Text;
    type ValueOut = Text;

    fn process(&mut self, record: Record<Text, Text>, ctx: &mut Context<'_>) -> Result<()> {
        let at = record.timestamp;
        self.0.put(&record.key, record.value.clone(), at)?;
        let (from, to) = (Timestamp(at.millis() - 5), Timestamp(at.millis() + 5));
        let near: Result<Vec<_>> = self
            .0
            .fetch(&record.key, from, to)?
            .map(|entry| entry.map(|(start, value)| format!("{start}:{value}")))
            .collect();
        let all: Result<Vec<_>> = self
            .0
            .backward_all()?
            .map(|entry| entry.map(|(key, _)| format!("{}{}", key.key, key.window.start)))
            .collect();
        let text = format!("{} of {}", near?.join(","), all?.join(","));
        ctx.forward(record.with_value(text))
    }
}

#[test]
fn a_window_store_is_read_by_time() {
    let builder = StreamsBuilder::new();
    let minute = Duration::from_secs(60);
    builder.add_store(StoreBuilder::window::<Text, Text>("w", millis(10)).retention(minute));
    builder.stream::<Text, Text>("in").process(|stores| Around(stores.window("w")), ["w"]).to("out");
    let mut driver = start(builder);
    let out = run(&mut driver, "in", &["a=x@10", "a=y@13", "b=z@12", "a=w@19"], "out");
    assert_eq!(
        out,
        ["a=10:x of a10@10", "a=10:x,13:y of a13,a10@13", "b=12:z of b12,a13,a10@12", "a=19:w of b12,a19,a13,a10@19"]
    );
}

/// Forwards a tick for every timer.
struct Ticks {
    kind: PunctuationType,
    start: Option<Timestamp>,
    ticks: u32,
}

impl Processor<Text, Text> for Ticks {
    type KeyOut = Text;
    type ValueOut = Text;

    fn init(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        match self.start {
            Some(start) => ctx.schedule_at(start, millis(10), self.kind).map(drop),
            None => ctx.schedule(millis(10), self.kind).map(drop),
        }
    }

    fn process(&mut self, _record: Record<Text, Text>, _ctx: &mut Context<'_>) -> Result<()> {
        Ok(())
    }

    fn punctuate(&mut self, timer: TimerId, at: Timestamp, ctx: &mut Context<'_>) -> Result<()> {
        self.ticks += 1;
        if self.ticks == 3 {
            ctx.cancel(timer);
        }
        assert!(ctx.record_meta().is_none());
        ctx.forward(Record::new("tick".to_owned(), self.ticks.to_string(), at))
    }
}

fn ticking(kind: PunctuationType, start: Option<Timestamp>) -> stream_core::testing::TopologyTestDriver {
    let builder = StreamsBuilder::new();
    builder.stream::<Text, Text>("in").process(move |_| Ticks { kind, start, ticks: 0 }, ()).to("out");
    crate::harness::start(builder)
}

#[test]
fn a_stream_time_timer_fires_with_the_first_record_and_skips_what_it_missed() {
    let mut driver = ticking(PunctuationType::StreamTime, None);
    let out = run(&mut driver, "in", &["a=1@4", "a=1@9", "a=1@35", "a=1@39", "a=1@40", "a=1@90"], "out");
    assert_eq!(out, ["tick=1@4", "tick=2@35", "tick=3@40"]);
    let mut anchored = ticking(PunctuationType::StreamTime, Some(Timestamp(7)));
    assert_eq!(run(&mut anchored, "in", &["a=1@4", "a=1@7", "a=1@18"], "out"), ["tick=1@7", "tick=2@18"]);
}

#[test]
fn a_wall_clock_timer_fires_one_interval_after_its_start() {
    let mut driver = ticking(PunctuationType::WallClockTime, None);
    driver.advance_wall_clock(millis(9)).expect("advanced");
    assert!(read(&mut driver, "out").is_empty());
    driver.advance_wall_clock(millis(30)).expect("advanced");
    driver.advance_wall_clock(millis(1)).expect("advanced");
    assert_eq!(read(&mut driver, "out"), ["tick=1@39", "tick=2@40"]);
}

/// Sends to one of its children by name.
struct Route;

impl Processor<Text, Text> for Route {
    type KeyOut = Text;
    type ValueOut = Text;

    fn process(&mut self, record: Record<Text, Text>, ctx: &mut Context<'_>) -> Result<()> {
        let meta = ctx.record_meta().expect("a record");
        let child = record.value.clone();
        let times =
            format!("{}-{}:{} {} {}", meta.topic, meta.partition, meta.offset, ctx.stream_time(), ctx.wall_clock());
        ctx.forward_to(&child, record.with_value(times))
    }
}

#[test]
fn a_record_goes_to_one_child_and_an_unknown_child_is_an_error_at_the_record() {
    let builder = StreamsBuilder::new();
    let routed = builder.stream::<Text, Text>("in").named("route").process(|_| Route, ());
    routed.named("left").filter(|_, _| true).to("left-out");
    routed.named("right").filter(|_, _| true).to("right-out");
    let mut driver = start(builder);
    assert_eq!(run(&mut driver, "in", &["a=left@5", "b=right@3"], "left-out"), ["a=in-0:0 5 0@5"]);
    assert_eq!(read(&mut driver, "right-out"), ["b=in-0:1 5 0@3"]);
    let error = pipe(&mut driver, "in", "c=middle@6").expect_err("no such child");
    assert!(error.message().contains("left, right"), "{error}");
    assert_eq!((error.place().node.as_deref(), error.place().offset), (Some("route"), Some(2)));
}

#[test]
fn a_panic_after_a_forward_is_the_processors_own() {
    struct Panics;
    impl Processor<Text, Text> for Panics {
        type KeyOut = Text;
        type ValueOut = Text;

        fn process(&mut self, record: Record<Text, Text>, ctx: &mut Context<'_>) -> Result<()> {
            ctx.forward(record)?;
            panic!("on purpose")
        }
    }
    let builder = StreamsBuilder::new();
    builder.stream::<Text, Text>("in").named("panics").process(|_| Panics, ()).to("out");
    let mut driver = start(builder);
    let error = pipe(&mut driver, "in", "a=1@5").expect_err("panics");
    assert_eq!((error.kind(), error.place().node.as_deref()), (Kind::Record, Some("panics")));
}

#[test]
fn stores_that_are_missing_or_of_another_type_are_refused_at_the_users_line() {
    type Take = fn(&mut stream_core::processor::Stores<'_>) -> KeyValueHandle<Text, Text>;
    let takes: [(Take, &str, &str); 4] = [
        (|stores| stores.key_value("kv"), "other", "is not there"),
        (|stores| stores.key_value("kw"), "kv", "not connected"),
        (|stores| stores.key_value("numbers"), "numbers", "is not a key-value store of type"),
        (|stores| stores.key_value("w"), "w", "is not a key-value store of type"),
    ];
    for (take, connected, why) in takes {
        let builder = StreamsBuilder::new();
        builder.add_store(StoreBuilder::key_value::<Text, Text>("kv"));
        builder.add_store(StoreBuilder::key_value::<Text, i64>("numbers"));
        builder.add_store(StoreBuilder::window::<Text, Text>("w", millis(10)));
        builder.stream::<Text, Text>("in").process(move |stores| Commands { store: take(stores) }, [connected]).to("o");
        let error = builder.build().err().expect("refused");
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.message().contains(why) && error.message().contains("processors.rs"), "{why}: {error}");
    }
}

#[test]
fn a_store_that_cannot_be_is_refused() {
    for (store, why) in [
        (StoreBuilder::window::<Text, Text>("s", millis(10)).retention(millis(9)), "retention is shorter"),
        (StoreBuilder::key_value::<Text, Text>("s").retain_duplicates(), "only window stores"),
        (StoreBuilder::key_value::<Text, Text>("s s"), "characters other than"),
    ] {
        let builder = StreamsBuilder::new();
        builder.add_store(store);
        let error = builder.build().err().expect("refused");
        assert!(error.message().contains(why), "{error}");
    }
}
