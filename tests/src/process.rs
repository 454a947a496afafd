//! A program under test: started, listened to, stopped in order or killed.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The counting application under test says so after every so many records.
pub const REPORT_RECORDS: u64 = 100;

/// A running program whose output is read line by line. It does not outlive this value.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Process {
    /// Starts `command`.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|why| panic!("{command:?} cannot be started: {why}"));
        let output = child.stdout.take().expect("the output is piped");
        let (heard, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if heard.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines, heard: Vec::new() }
    }

    /// Waits for a line that `is_it`, among those not looked at yet, and returns it.
    ///
    /// # Panics
    /// Where there is none within `limit`.
    pub fn wait_for(&mut self, limit: Duration, is_it: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.heard.push(line);
                    let line = self.heard.last().expect("a line was just heard");
                    if is_it(line) {
                        return line.clone();
                    }
                }
                Err(why) => {
                    panic!("the line waited for does not come ({why}); heard so far:\n{}", self.heard.join("\n"))
                }
            }
        }
    }

    /// Waits until nothing more comes, or `limit` is over.
    pub fn listen(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.heard.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Kills it as the system does when memory is short; returns all that it said.
    ///
    /// # Panics
    /// Where it has ended before, by itself.
    #[must_use]
    pub fn kill(mut self) -> Vec<String> {
        let ended = self.child.try_wait().expect("a child can be asked");
        assert!(ended.is_none(), "it ended by itself: {ended:?}\n{}", self.heard.join("\n"));
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
        self.rest()
    }

    /// Asks it to end by SIGTERM and waits; returns all that it said.
    ///
    /// # Panics
    /// Where it does not end within `limit`, or not well.
    #[must_use]
    pub fn stop(mut self, limit: Duration) -> Vec<String> {
        let pid = self.child.id().to_string();
        let signalled = Command::new("kill").args(["-TERM", &pid]).status().expect("there is a program kill");
        assert!(signalled.success(), "process {pid} cannot be signalled");
        let status = self.wait(limit);
        let heard = self.rest();
        assert!(status.success(), "it ended with {status}\n{}", heard.join("\n"));
        heard
    }

    /// Waits until it ends.
    ///
    /// # Panics
    /// Where it does not end within `limit`.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end within {limit:?}:\n{}", self.heard.join("\n"));
            self.listen(Duration::from_millis(20));
        }
    }

    /// What it said until its output ended.
    fn rest(&mut self) -> Vec<String> {
        self.heard.extend(self.lines.iter());
        std::mem::take(&mut self.heard)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended, or a test has failed: then it must not go on.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program `name` of the package `examples`, built as these tests are: with the features of the whole workspace, so
/// that what was built for the tests is used again.
///
/// # Panics
/// Where it does not build.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    // A test lies in <target>/<profile>/deps.
    let test = std::env::current_exe().expect("a test knows its own path");
    let profile = test.ancestors().nth(2).expect("a test lies in the folder of its profile");
    let target = profile.parent().expect("a profile lies in the target folder");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--workspace", "--bin", name, "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let built = build.status().expect("cargo can be run");
    assert!(built.success(), "{name} does not build");
    profile.join(name)
}
