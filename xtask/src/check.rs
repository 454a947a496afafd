//! The gate, `cargo xtask test`: every suite or the named ones, on services that it starts and stops.
//!
//! A failed suite does not keep the next from running. The last line counts the tests of all suites.

mod suites;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lexopt::prelude::*;

use crate::error::{Error, Result};
use crate::peer::Peer;
use crate::process::{self, BUILD_TIME_MAX, cargo};
use crate::services::{Broker, Overrides};
use crate::{folders, setup, tidy};
use suites::{Suite, Work};

const HELP: &str = "\
cargo xtask test [SUITE…]

Installs or names what the machine lacks, builds, starts what the suites need (a Kafka broker), runs
all suites or the named ones, and stops what it started. The last line is 'N passed, M failed'.

Suites:
";

/// A suite that takes longer hangs.
const SUITE_TIME_MAX: Duration = Duration::from_secs(20 * 60);

/// The command `test`.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<()> {
    let all = suites::all()?;
    let mut chosen = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(name) => chosen.extend(suites::named(&name.string()?, &all)?),
            Short('h') | Long("help") => {
                print!("{HELP}{}", suites::table(&all));
                return Ok(());
            }
            other => return Err(Error::Usage(format!("{}; 'test' takes names of suites", other.unexpected()))),
        }
    }
    if chosen.is_empty() {
        chosen = all;
    }
    let mut services = Services::prepare(&chosen)?;
    let mut outcomes = Vec::new();
    for suite in &chosen {
        outcomes.push((suite, Outcome::of(suite, &mut services)?));
    }
    // Stopped before the last lines, so that these are the last.
    drop(services);
    report(&outcomes)
}

/// How a suite ended.
#[derive(Debug, Default)]
struct Outcome {
    passed: u64,
    failed: u64,
    took: Duration,
}

impl Outcome {
    fn of(suite: &Suite, services: &mut Services) -> Result<Self> {
        eprintln!("\nxtask: {} ({})", suite.name, suite.what);
        let start = Instant::now();
        let counted = match &suite.work {
            Work::Command(arguments) => process::run(&mut cargo(arguments)).map(|status| one(status.success())),
            Work::Tidy => tidy::check(&folders::repository()).map(|findings| {
                findings.iter().for_each(|finding| println!("{finding}"));
                one(findings.is_empty())
            }),
            Work::Tests(arguments) => tests(suite, arguments, services),
        };
        let mut outcome = match counted {
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                eprintln!("xtask: {}: {error}", suite.name);
                one(false)
            }
            Ok(outcome) => outcome,
        };
        outcome.took = start.elapsed();
        Ok(outcome)
    }
}

fn one(is_good: bool) -> Outcome {
    Outcome { passed: u64::from(is_good), failed: u64::from(!is_good), ..Outcome::default() }
}

fn tests(suite: &Suite, arguments: &[String], services: &mut Services) -> Result<Outcome> {
    let mut command = cargo(&["test", "--release", "--workspace", "--no-fail-fast"]);
    command.args(arguments);
    if suite.needs_kafka {
        command.envs(services.kafka()?);
    }
    let mut outcome = Outcome::default();
    let status = process::run_lines(&mut command, SUITE_TIME_MAX, |line| {
        println!("{line}");
        if let Some((passed, failed)) = counts(line) {
            outcome.passed += passed;
            outcome.failed += failed;
        }
    })?;
    // It did not compile, or a test program died without a word.
    if !status.success() && outcome.failed == 0 {
        outcome.failed = 1;
    }
    Ok(outcome)
}

/// Passed and failed in `test result: ok. 5 passed; 0 failed; …`.
fn counts(line: &str) -> Option<(u64, u64)> {
    let numbers = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut numbers = numbers.split("; ").map(|part| part.split_once(' '));
    let mut next = |name| numbers.next().flatten().filter(|(_, what)| *what == name)?.0.parse().ok();
    Some((next("passed")?, next("failed")?))
}

fn report(outcomes: &[(&Suite, Outcome)]) -> Result<()> {
    println!("\n{:<16} {:>7} {:>7} {:>9}", "suite", "passed", "failed", "seconds");
    for (suite, outcome) in outcomes {
        let (passed, failed, seconds) = (outcome.passed, outcome.failed, outcome.took.as_secs_f64());
        println!("{:<16} {passed:>7} {failed:>7} {seconds:>9.1}", suite.name);
    }
    let passed: u64 = outcomes.iter().map(|(_, outcome)| outcome.passed).sum();
    let failed: u64 = outcomes.iter().map(|(_, outcome)| outcome.failed).sum();
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 { Ok(()) } else { Err(Error::Reported(1)) }
}

/// What the suites need beside themselves: started when the first suite asks for it, stopped with this.
struct Services {
    peer: Option<Peer>,
    broker: Option<Broker>,
}

impl Services {
    /// Sets the machine up and builds what the suites run: their own builds are then short, and their times their own.
    fn prepare(suites: &[Suite]) -> Result<Self> {
        let has_tests = suites.iter().any(|suite| matches!(suite.work, Work::Tests(_)));
        if has_tests || suites.iter().any(|suite| suite.name == suites::CLIPPY) {
            setup::for_build()?;
        }
        if suites.iter().any(|suite| suite.needs_kafka) {
            setup::for_java()?;
        }
        if has_tests {
            // A failure shows again in each suite that it concerns, which is where it is counted.
            for arguments in
                [["build", "--release", "--workspace", "--bins"], ["test", "--release", "--workspace", "--no-run"]]
            {
                process::run_lines(&mut cargo(&arguments), BUILD_TIME_MAX, |line| println!("{line}"))?;
            }
        }
        Ok(Self { peer: None, broker: None })
    }

    /// The environment of a suite that needs Kafka.
    fn kafka(&mut self) -> Result<BTreeMap<&'static str, String>> {
        let peer = match self.peer.take() {
            Some(peer) => peer,
            None => Peer::build()?,
        };
        let broker = match self.broker.take() {
            Some(broker) => broker,
            None => Broker::start(&peer, &Overrides::new())?,
        };
        let (peer, broker) = (self.peer.insert(peer), self.broker.insert(broker));
        Ok(BTreeMap::from([
            ("KAFKA_BOOTSTRAP", broker.bootstrap()),
            ("KAFKA_CLASSPATH", peer.kafka_classpath()),
            ("PEER_CLASSPATH", peer.classpath()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_in_the_result_line_of_a_test_program() {
        let line = "test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.06s";
        assert_eq!(counts(line), Some((5, 2)));
        assert_eq!(counts("test result: ok. 1 passed; 0 failed; 0 ignored"), Some((1, 0)));
        assert_eq!(counts("running 5 tests"), None);
        assert_eq!(counts("test result: ok"), None);
    }
}
