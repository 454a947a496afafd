//! `cargo xtask bench`: this project beside Kafka Streams, on the same broker and input, in one run.
//!
//! ```text
//! broker ◀ fill ─ for each workload, one after the other: the peer, ours, the work by hand ─▶ table, JSON
//! ```
//! Figures of two runs are not compared: only the ratio within one carries over to another machine or day.

mod report;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lexopt::prelude::*;

use crate::error::{Attempt, Error, Result};
use crate::peer::Peer;
use crate::services::{Broker, Overrides};
use crate::{folders, process, setup};
use report::{Comparison, Figures};

const HELP: &str = "\
cargo xtask bench [--records N] [--threads N] [--json] [WORKLOAD…]

Runs this project, Kafka Streams 4.3.1 and a program by hand on librdkafka over the same input on the
same local broker, and compares records per CPU second and memory.

  count       user events, filtered, counted per user and hour
  stateless   user events, filtered and rewritten
  micro       the parts, one by one: a hop, codecs, cache hits, RocksDB, restoring

  --records N   how many records (4,000,000)
  --threads N   threads of each application (1)
  --json        end with one line of JSON for each workload
";

/// Workloads on Kafka; `micro` is the third kind.
const WORKLOADS: [&str; 2] = ["count", "stateless"];
const MICRO: &str = "micro";
const RUN_TIME_MAX: Duration = Duration::from_secs(20 * 60);

/// What to measure.
struct Options {
    records: u64,
    threads: u64,
    json: bool,
    chosen: Vec<String>,
}

/// The command `bench`.
pub(crate) fn run(arguments: lexopt::Parser) -> Result<()> {
    let Some(options) = Options::parse(arguments)? else {
        print!("{HELP}");
        return Ok(());
    };
    setup::for_build()?;
    let workloads: Vec<&str> = WORKLOADS.into_iter().filter(|name| options.has(name)).collect();
    let mut lines = Vec::new();
    if !workloads.is_empty() {
        setup::for_java()?;
        let stage = Stage::set(&options)?;
        for workload in workloads {
            let comparison = stage.compare(workload, &options)?;
            print!("{}", comparison.table());
            lines.push(comparison.json().to_string());
        }
    }
    if options.has(MICRO) {
        lines.extend(micro(&options)?);
    }
    if options.json {
        lines.iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

impl Options {
    /// `None` where help is asked for.
    fn parse(mut arguments: lexopt::Parser) -> Result<Option<Self>> {
        let mut options = Self { records: 4_000_000, threads: 1, json: false, chosen: Vec::new() };
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("records") => options.records = arguments.value()?.parse()?,
                Long("threads") => options.threads = arguments.value()?.parse()?,
                Long("json") => options.json = true,
                Short('h') | Long("help") => return Ok(None),
                Value(name) => {
                    let name = name.string()?;
                    if name != MICRO && !WORKLOADS.contains(&name.as_str()) {
                        let known = format!("{}, {MICRO}", WORKLOADS.join(", "));
                        return Err(Error::Usage(format!("there is no workload '{name}'; there are {known}")));
                    }
                    options.chosen.push(name);
                }
                other => {
                    let known = "--records N, --threads N, --json and names of workloads";
                    return Err(Error::Usage(format!("{}; 'bench' takes {known}", other.unexpected())));
                }
            }
        }
        Ok(Some(options))
    }

    /// Whether a workload is to run: all are if none is named.
    fn has(&self, name: &str) -> bool {
        self.chosen.is_empty() || self.chosen.iter().any(|chosen| chosen == name)
    }
}

/// A broker with the input on it, and what runs there.
struct Stage {
    peer: Peer,
    broker: Broker,
    program: PathBuf,
    folder: StateFolder,
}

impl Stage {
    fn set(options: &Options) -> Result<Self> {
        let program = process::build_program("bench")?;
        let peer = Peer::build()?;
        let stage =
            Self { broker: Broker::start(&peer, &Overrides::new())?, peer, program, folder: StateFolder::new()? };
        eprintln!("xtask: filling the input with {} records", options.records);
        process::run_checked(&mut stage.ours("fill", WORKLOADS[0], options), "filling the input")?;
        Ok(stage)
    }

    /// The three, one after the other: the machine is theirs alone while they run.
    fn compare(&self, workload: &str, options: &Options) -> Result<Comparison> {
        let measure = |who: &str, mut command: Command| {
            eprintln!("xtask: {workload}: {who}");
            figures(&mut command, who)
        };
        Ok(Comparison {
            workload: workload.to_owned(),
            records: options.records,
            threads: options.threads,
            peer: measure("Kafka Streams", self.theirs(workload, options))?,
            ours: measure("this project", self.ours("run", workload, options))?,
            raw: measure("librdkafka by hand", self.ours("raw", workload, options))?,
        })
    }

    fn ours(&self, what: &str, workload: &str, options: &Options) -> Command {
        let mut command = Command::new(&self.program);
        command.args([what, "--json", "--workload", workload, "--bootstrap", &self.broker.bootstrap()]);
        command.args(["--records", &options.records.to_string(), "--threads", &options.threads.to_string()]);
        command.args(["--app-id", &format!("ours-{workload}"), "--state-dir"]).arg(&self.folder.0);
        command
    }

    fn theirs(&self, workload: &str, options: &Options) -> Command {
        let mut command = self.peer.command();
        command.args(["bench", "--workload", workload, "--bootstrap", &self.broker.bootstrap()]);
        command.args(["--threads", &options.threads.to_string()]);
        command.args(["--app-id", &format!("peer-{workload}"), "--state-dir"]).arg(&self.folder.0);
        command
    }
}

/// Where both applications keep their state; removed at the end.
struct StateFolder(PathBuf);

impl StateFolder {
    fn new() -> Result<Self> {
        let folder = folders::short_lived().join(format!("streams-bench-{}", std::process::id()));
        fs::create_dir(&folder).attempt(|| format!("make the folder {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Runs a program that ends with one line of JSON.
fn figures(command: &mut Command, who: &str) -> Result<Figures> {
    let mut last = String::new();
    let status = process::run_lines(command, RUN_TIME_MAX, |line| {
        if line.starts_with('{') { line.clone_into(&mut last) } else { eprintln!("{line}") }
    })?;
    if !status.success() {
        return Err(Error::failed(format!("{who} ended with {status}; its words are above")));
    }
    Figures::read(&last).ok_or_else(|| Error::failed(format!("{who} ended without figures: '{last}'")))
}

/// Runs the program of the small measurements, shows what it prints, and returns its lines of JSON.
fn micro(options: &Options) -> Result<Vec<String>> {
    let program = process::build_program(MICRO)?;
    println!("\nmicro");
    let mut lines = Vec::new();
    let mut command = Command::new(program);
    if options.json {
        command.arg("--json");
    }
    let status = process::run_lines(&mut command, RUN_TIME_MAX, |line| {
        if line.starts_with('{') { lines.push(line.to_owned()) } else { println!("{line}") }
    })?;
    if status.success() { Ok(lines) } else { Err(Error::failed(format!("the measurements ended with {status}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Option<Options>> {
        Options::parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn all_workloads_run_if_none_is_named() {
        let options = parse(&["--records", "10"]).expect("valid").expect("no help");
        assert!(WORKLOADS.iter().all(|name| options.has(name)) && options.has(MICRO));
        let options = parse(&["micro"]).expect("valid").expect("no help");
        assert!(options.has(MICRO) && !options.has("count"));
    }

    #[test]
    fn an_unknown_workload_is_told_the_known_ones() {
        let message = parse(&["cuont"]).map(drop).expect_err("unknown").to_string();
        assert_eq!(message, "there is no workload 'cuont'; there are count, stateless, micro");
    }
}
