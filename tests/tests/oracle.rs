//! Cases recorded from Kafka Streams 4.3.1, run through the public DSL: in memory, and those with stores in RocksDB too.
//!
//! `GOLDEN_DIR=folder` runs the cases found anywhere below another folder instead of the packed ones, and
//! `GOLDEN_FILTER=text` only those whose names contain a text.

use std::any::Any;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use state_store::DefaultCodec;
use state_store::codec::TimeWindowedCodec;
use stream_core::dsl::{Materialized, Produced, TimeWindows};
use stream_core::{StreamsBuilder, Topology};
use tests::oracle::case::{Case, Results};
use tests::oracle::compare::first_difference;
use tests::oracle::files::{self, NamedCase};
use tests::oracle::golden;
use tests::oracle::report::Report;
use tests::oracle::run::{State, run};
use tests::oracle::slice;

#[test]
fn cases_give_what_kafka_streams_gave() {
    let report = run_all(|_, _| true, |case| run(case, State::Memory));
    assert!(!report.is_empty(), "there are no cases");
    finish("oracle", &report);
}

#[test]
fn cases_with_stores_give_the_same_on_disk() {
    let has_stores = |case: &Case| case.expect.stores.as_ref().is_some_and(|stores| !stores.is_empty());
    let select = |case: &Case, missing: &BTreeSet<String>| missing.is_empty() && has_stores(case);
    let report = run_all(select, |case| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        run(case, State::Rocks(folder.path()))
    });
    finish("oracle on disk", &report);
}

#[test]
fn recorded_topologies_say_and_give_the_same() {
    let recorded = golden::parse(include_str!("../golden/golden.txt"));
    for (title, topology) in [("groupBy-count {}", count_by_value()), ("hopping-count {}", count_in_hops())] {
        let expected = recorded.iter().find(|golden| golden.title == title).expect("a recorded topology");
        let observed = golden::replay(expected, &topology).expect("the driver runs");
        assert_eq!(&observed, expected);
    }
}

fn count_by_value() -> Topology {
    let builder = StreamsBuilder::new();
    let values = builder.stream::<String, String>("in").group_by(|_, value| value.clone());
    values.count().to_stream().to("out");
    builder.build().expect("a valid topology")
}

fn count_in_hops() -> Topology {
    let ms = Duration::from_millis;
    let builder = StreamsBuilder::new();
    let keys = builder.stream::<String, String>("in").group_by_key();
    let hops = keys.windowed_by(TimeWindows::of_size_with_no_grace(ms(10)).advance_by(ms(5)));
    let counts = hops.count_with(Materialized::as_store("wc").without_caching()).to_stream();
    let windowed = Arc::new(TimeWindowedCodec::new(String::codec(), 10));
    counts.to_with("out", Produced::with_codecs(windowed, Option::<i64>::codec()));
    builder.build().expect("a valid topology")
}

/// Runs the cases that `select` names. Of these, the ones that use what is not there yet wait.
fn run_all(select: impl Fn(&Case, &BTreeSet<String>) -> bool, run: impl Fn(&Case) -> Results) -> Report {
    let mut report = Report::default();
    for NamedCase { name, case } in cases() {
        let case = match case {
            Ok(case) => case,
            Err(why) => {
                report.ran(&name, Some(why));
                continue;
            }
        };
        let missing = slice::missing(&case);
        if !select(&case, &missing) {
            continue;
        }
        if missing.is_empty() {
            let difference = match catch_unwind(AssertUnwindSafe(|| run(&case))) {
                Ok(results) => first_difference(&case.expect, &results),
                Err(panic) => Some(format!("it panicked: {}", text_of(panic.as_ref()))),
            };
            report.ran(&name, difference);
        } else {
            report.waits(&missing);
        }
    }
    report
}

fn cases() -> Vec<NamedCase> {
    let cases = match std::env::var_os("GOLDEN_DIR") {
        Some(folder) => files::below(&from_workspace(Path::new(&folder))),
        None => files::packed(),
    };
    let mut cases = cases.expect("the cases can be read");
    if let Ok(part) = std::env::var("GOLDEN_FILTER") {
        cases.retain(|case| case.name.contains(&part));
    }
    cases
}

/// Tests run in their crate's folder; a relative path is meant from where the workspace lies.
fn from_workspace(folder: &Path) -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder).join(folder)
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Writes past the capture of test output: the summary is there whether the test passes or not.
fn finish(title: &str, report: &Report) {
    writeln!(io::stdout().lock(), "{}", report.titled(title)).expect("standard output takes the report");
    assert_eq!(report.failed(), 0, "cases differ");
}
