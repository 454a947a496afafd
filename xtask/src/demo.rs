//! `cargo xtask demo`: sets up, builds and runs the program `demo` of the examples, on a broker of its own if asked to.

use std::ffi::OsString;
use std::process::Command;

use lexopt::prelude::*;

use crate::error::{Error, Result};
use crate::peer::Peer;
use crate::services::{Broker, Overrides};
use crate::{folders, process, setup};

const HELP: &str = "\
cargo xtask demo [--records N] [--threads N] [--no-late] [--kafka] [--json]

Counts user events per hour, from topic to topic: on the embedded log, or with --kafka on an Apache
Kafka broker that is started for it. Shows records/s while it works, then events per hour, the busiest
users, late records, throughput and memory.

  --records N   how many events (2,000,000)
  --threads N   threads of the application (2)
  --no-late     no late events; otherwise one in a thousand is 10 to 60 minutes late
  --kafka       run against a local Kafka broker
  --json        end with one line of JSON
";

/// The command `demo`.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<()> {
    let mut passed_on: Vec<OsString> = Vec::new();
    let mut kafka = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long(name @ ("records" | "threads")) => {
                let option = format!("--{name}");
                let value = arguments.value()?;
                value.parse_with(|text| text.parse::<std::num::NonZeroU64>())?;
                passed_on.extend([option.into(), value]);
            }
            Long(name @ ("no-late" | "json")) => passed_on.push(format!("--{name}").into()),
            Long("kafka") => kafka = true,
            Short('h') | Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            other => {
                let options = "--records N, --threads N, --no-late, --kafka, --json";
                return Err(Error::Usage(format!("{}; 'demo' takes {options}", other.unexpected())));
            }
        }
    }
    setup::for_build()?;
    if kafka {
        setup::for_java()?;
    }
    let program = process::build_program("demo")?;
    let broker = if kafka { Some(Broker::start(&Peer::build()?, &Overrides::new())?) } else { None };
    if let Some(broker) = &broker {
        passed_on.extend(["--bootstrap".into(), broker.bootstrap().into()]);
    }
    process::run_reporting(Command::new(program).args(passed_on).current_dir(folders::repository()))
}
