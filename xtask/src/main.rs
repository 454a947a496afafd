//! The project's commands: `cargo xtask COMMAND`.
//!
//! It does what a person would otherwise have to know: what to install, what to start, what to stop. It builds in
//! seconds, since it depends on nothing of what it builds.

#![forbid(unsafe_code)]

mod bench;
mod check;
mod demo;
mod error;
mod folders;
mod interrupt;
mod peer;
mod process;
mod services;
mod setup;
mod tidy;

use std::process::ExitCode;

use error::{Error, Result};
use lexopt::prelude::*;

const HELP: &str = "\
cargo xtask COMMAND [--help]

  demo     counts user events per hour, on the embedded log or (--kafka) on a local Kafka
  test     sets up, starts what the tests need, and runs every suite or the named ones
  bench    compares this project with Kafka Streams on the same broker and input
  broker   runs a Kafka broker until its standard input ends
  peer     runs the Kafka Streams application that ours are compared with
  tidy     checks the source against the rules that no compiler knows
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !matches!(error, Error::Reported(_)) {
                eprintln!("xtask: {error}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run() -> Result<()> {
    interrupt::listen()?;
    let mut arguments = lexopt::Parser::from_env();
    match arguments.next()? {
        Some(Value(command)) => match command.to_string_lossy().as_ref() {
            "demo" => demo::run(arguments),
            "bench" => bench::run(arguments),
            "test" => check::run(arguments),
            "tidy" => tidy::run(arguments),
            "peer" => peer::run(arguments),
            "broker" => services::run(arguments),
            other => Err(Error::Usage(format!("there is no command '{other}'\n\n{HELP}"))),
        },
        Some(Short('h') | Long("help")) | None => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => Err(Error::Usage(format!("{}\n\n{HELP}", other.unexpected()))),
    }
}
