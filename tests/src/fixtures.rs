//! What tests need from outside: a Kafka broker, and Kafka Streams.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use stream_kafka::{KafkaLog, KafkaSettings};

/// The variable that names a broker which runs already: `host:port`.
const BOOTSTRAP_VARIABLE: &str = "KAFKA_BOOTSTRAP";

/// The variable that names the class path of `tests/peer`.
const PEER_VARIABLE: &str = "PEER_CLASSPATH";

/// A Kafka broker for this process.
pub struct Broker {
    bootstrap: String,
    /// Where it was started here: it ends when its standard input does, which is when this process ends.
    _started: Option<(Child, ChildStdin)>,
}

/// The broker that `KAFKA_BOOTSTRAP` names, or one that is started for this process.
///
/// # Panics
/// Where it cannot be started.
pub fn broker() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    BROKER.get_or_init(|| match std::env::var(BOOTSTRAP_VARIABLE) {
        Ok(bootstrap) => Broker { bootstrap, _started: None },
        Err(_) => Broker::start(),
    })
}

/// Starts the Kafka Streams application of `tests/peer`: its command and options are to follow.
#[must_use]
pub fn peer() -> Command {
    match std::env::var(PEER_VARIABLE) {
        Ok(classpath) => {
            let mut java = Command::new("java");
            java.args(["-XX:-UsePerfData", "-cp", &classpath, "peer.Main"]);
            java
        }
        Err(_) => {
            let mut command = Command::new(env!("CARGO"));
            command.args(["xtask", "peer"]).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
            command
        }
    }
}

impl Broker {
    /// Its address: `host:port`.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The log it serves, everything at its default.
    ///
    /// # Panics
    /// Never: the defaults are valid.
    #[must_use]
    pub fn log(&self) -> KafkaLog {
        KafkaLog::new(KafkaSettings::new(&self.bootstrap)).expect("the defaults are valid")
    }

    fn start() -> Self {
        let mut command = Command::new(env!("CARGO"));
        command.args(["xtask", "broker"]).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("cargo, which runs this test, can be started");
        let input = child.stdin.take().expect("the input is piped");
        let mut line = String::new();
        let output = child.stdout.take().expect("the output is piped");
        BufReader::new(output).read_line(&mut line).expect("the output can be read");
        let told: serde_json::Value = serde_json::from_str(&line)
            .unwrap_or_else(|why| panic!("cargo xtask broker tells no address but {line:?}: {why}"));
        let bootstrap = told["bootstrap"].as_str().expect("the broker tells its address").to_owned();
        Self { bootstrap, _started: Some((child, input)) }
    }
}
