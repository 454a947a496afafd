//! A Kafka broker for tests, the demo and the benchmarks, and `cargo xtask broker` for everybody else.
//!
//! The broker holds on to the pipe that is its standard input and ends with it (`tests/peer`, class `Broker`), so it
//! cannot outlive the process that started it, however that one ends.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use serde_json::json;

use crate::error::{Attempt, Error, Result};
use crate::peer::Peer;
use crate::{folders, interrupt, setup};

pub(crate) const HELP: &str = "\
cargo xtask broker [--set NAME=VALUE]…

Starts an Apache Kafka broker on free loopback ports, with its data in memory where the system has
such a place. Prints {\"bootstrap\":\"127.0.0.1:PORT\"} as soon as it answers, and runs until standard
input ends or a signal comes (SIGTERM, Ctrl-C); then nothing of it is left.

  --set NAME=VALUE   a setting of the broker, e.g. --set group.initial.rebalance.delay.ms=3000
";

/// A broker needs some 5 seconds; a busy machine may need many times that.
const START_TIME_MAX: Duration = Duration::from_secs(120);
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
const STOP_TIME_MAX: Duration = Duration::from_secs(10);
const ASK_INTERVAL: Duration = Duration::from_millis(50);
/// A port that was free may be taken by another process before the broker binds it.
const STARTS_MAX: usize = 3;
const HEAP: &str = "1g";
/// Kafka's ids are 16 bytes in base64; one cluster is like the other here.
const CLUSTER_ID: &str = "c3RyZWFtcy1icm9rZXItMQ";

/// Settings by which a broker differs from the usual one, in Kafka's names.
pub(crate) type Overrides = BTreeMap<String, String>;

/// A running broker; dropping it stops it and removes its folder.
#[derive(Debug)]
pub(crate) struct Broker {
    child: Child,
    input: Arc<Mutex<Option<ChildStdin>>>,
    folder: PathBuf,
    address: SocketAddr,
}

/// The command `broker`.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<()> {
    let mut overrides = Overrides::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("set") => {
                let text = arguments.value()?.string()?;
                let (name, value) = text
                    .split_once('=')
                    .ok_or_else(|| Error::Usage(format!("--set takes NAME=VALUE, but '{text}' has no '='")))?;
                overrides.insert(name.to_owned(), value.to_owned());
            }
            Short('h') | Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(Error::Usage(format!("{}; 'broker' takes --set NAME=VALUE", other.unexpected()))),
        }
    }
    setup::for_java()?;
    let mut broker = Broker::start(&Peer::build()?, &overrides)?;
    println!("{}", json!({ "bootstrap": broker.bootstrap() }));
    broker.run_until_input_ends()
}

impl Broker {
    /// Starts a broker and waits until it answers.
    pub(crate) fn start(peer: &Peer, overrides: &Overrides) -> Result<Self> {
        let mut last = None;
        for _ in 0..STARTS_MAX {
            interrupt::check()?;
            match Self::try_start(peer, overrides) {
                Err(Error::Failed(message)) if message.contains("Address already in use") => last = Some(message),
                result => return result,
            }
        }
        Err(Error::failed(last.unwrap_or_default()))
    }

    /// What clients connect to: `address:port`.
    pub(crate) fn bootstrap(&self) -> String {
        self.address.to_string()
    }

    fn try_start(peer: &Peer, overrides: &Overrides) -> Result<Self> {
        let [port, controller_port] = free_ports().attempt(|| "find free loopback ports".to_owned())?;
        let folder = folders::short_lived().join(format!("streams-broker-{}-{port}", std::process::id()));
        fs::create_dir(&folder).attempt(|| format!("make the folder {}", folder.display()))?;
        let started = write_settings(&folder, port, controller_port, overrides).and_then(|()| spawn(peer, &folder));
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                drop(fs::remove_dir_all(&folder));
                return Err(error);
            }
        };
        let input = Arc::new(Mutex::new(child.stdin.take()));
        let mut broker = Self { child, input, folder, address: (Ipv4Addr::LOCALHOST, port).into() };
        broker.wait_until_it_answers()?;
        Ok(broker)
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            interrupt::check()?;
            if answers(self.address).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait().attempt(|| "look after the broker".to_owned())? {
                return Err(self.failure(&format!("the broker ended with {status}")));
            }
            if start.elapsed() > START_TIME_MAX {
                return Err(self.failure(&format!("the broker gave no answer in {} s", START_TIME_MAX.as_secs())));
            }
            thread::sleep(ASK_INTERVAL);
        }
    }

    fn failure(&self, what: &str) -> Error {
        let log = fs::read_to_string(self.folder.join("broker.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(20)..].join("\n  ");
        Error::failed(format!("{what}; the end of its log:\n  {tail}"))
    }

    fn run_until_input_ends(&mut self) -> Result<()> {
        let by_signal = Arc::clone(&self.input);
        let _guard = interrupt::on_signal(move |_| close(&by_signal));
        let by_input = Arc::clone(&self.input);
        thread::spawn(move || {
            // What comes is of no interest, and an error is an end as well.
            drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
            close(&by_input);
        });
        self.child.wait().attempt(|| "wait for the broker".to_owned())?;
        let asked = self.input.lock().unwrap_or_else(PoisonError::into_inner).is_none();
        if asked { Ok(()) } else { Err(self.failure("the broker ended by itself")) }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        close(&self.input);
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if start.elapsed() > STOP_TIME_MAX {
                drop(self.child.kill());
                drop(self.child.wait());
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        // The broker has removed it already, unless it did not get that far.
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn close(input: &Mutex<Option<ChildStdin>>) {
    drop(input.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Two different ports; both are held until both are known.
fn free_ports() -> io::Result<[u16; 2]> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (first, second) = (bind()?, bind()?);
    Ok([first.local_addr()?.port(), second.local_addr()?.port()])
}

fn write_settings(folder: &Path, port: u16, controller_port: u16, overrides: &Overrides) -> Result<()> {
    let mut settings: Overrides = [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", "1".to_owned()),
        ("controller.quorum.voters", format!("1@127.0.0.1:{controller_port}")),
        ("listeners", format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}")),
        ("advertised.listeners", format!("PLAINTEXT://127.0.0.1:{port}")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("log.dirs", folder.join("data").display().to_string()),
        ("auto.create.topics.enable", "false".to_owned()),
        ("offsets.topic.replication.factor", "1".to_owned()),
        ("offsets.topic.num.partitions", "4".to_owned()),
        ("transaction.state.log.replication.factor", "1".to_owned()),
        ("transaction.state.log.min.isr", "1".to_owned()),
        ("transaction.state.log.num.partitions", "4".to_owned()),
        ("share.coordinator.state.topic.replication.factor", "1".to_owned()),
        ("share.coordinator.state.topic.min.isr", "1".to_owned()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        ("group.min.session.timeout.ms", "100".to_owned()),
        // Deleted topics give their memory back soon.
        ("log.segment.delete.delay.ms", "1000".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    settings.extend(overrides.clone());
    let text: String = settings.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let path = folder.join("server.properties");
    fs::write(&path, text).attempt(|| format!("write {}", path.display()))
}

fn spawn(peer: &Peer, folder: &Path) -> Result<Child> {
    let path = folder.join("broker.log");
    let log = File::create(&path).attempt(|| format!("write {}", path.display()))?;
    let errors = log.try_clone().attempt(|| format!("write {}", path.display()))?;
    Command::new("java")
        .args([format!("-Xmx{HEAP}"), format!("-Xms{HEAP}"), "-XX:-UsePerfData".to_owned()])
        .arg(format!("-Djava.io.tmpdir={}", folder.display()))
        .args(["-cp", &peer.classpath(), "peer.Broker"])
        .arg(folder)
        .arg(CLUSTER_ID)
        .stdin(Stdio::piped())
        .stdout(log)
        .stderr(errors)
        // Ctrl-C is for its owner, who then closes the pipe.
        .process_group(0)
        .spawn()
        .attempt(|| "start the broker with 'java'".to_owned())
}

/// Asks for the versions of the protocol (ApiVersions, version 0): whoever answers that serves clients.
fn answers(address: SocketAddr) -> io::Result<()> {
    const CORRELATION_ID: [u8; 4] = *b"ask!";
    // API key 18, version 0, correlation id, no client id.
    let body = [&18i16.to_be_bytes()[..], &0i16.to_be_bytes(), &CORRELATION_ID, &(-1i16).to_be_bytes()].concat();
    let length = u32::try_from(body.len()).expect("ten bytes").to_be_bytes();
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIME_MAX)?;
    stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
    stream.write_all(&[&length[..], &body].concat())?;
    // Length, the same correlation id, error code.
    let mut head = [0; 10];
    stream.read_exact(&mut head)?;
    let is_answer = head[4..8] == CORRELATION_ID && head[8..] == [0, 0];
    if is_answer { Ok(()) } else { Err(io::Error::other("not the answer of a broker")) }
}
