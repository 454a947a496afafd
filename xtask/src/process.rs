//! Runs other programs: each in a process group of its own, stopped as a whole by a signal or when its time is over.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::error::{Attempt, Error, Result};
use crate::folders;
use crate::interrupt::{self, Request};

/// RocksDB's C++ on one slow core.
pub(crate) const BUILD_TIME_MAX: Duration = Duration::from_secs(80 * 60);
/// No program that is waited for may take longer, except where another limit is named.
const TIME_MAX: Duration = Duration::from_secs(60 * 60);

/// Runs to the end; the program shares this terminal.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus> {
    let mut child = spawn(command)?;
    let _watch = Watch::over(&child, TIME_MAX);
    finish(&mut child)
}

/// Runs to the end; a failure is the error, named by `what`. Standard output stays free for what xtask itself prints.
pub(crate) fn run_checked(command: &mut Command, what: &str) -> Result<()> {
    let status = run(command.stdout(std::io::stderr()))?;
    if status.success() { Ok(()) } else { Err(Error::failed(format!("{what} ended with {status}"))) }
}

/// Runs a program that tells the person itself what is wrong; its exit code becomes ours.
pub(crate) fn run_reporting(command: &mut Command) -> Result<()> {
    let status = run(command)?;
    match status.code() {
        Some(0) => Ok(()),
        code => Err(Error::Reported(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))),
    }
}

/// Builds a program of the package `examples` and tells where it is.
pub(crate) fn build_program(name: &str) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--release", "--workspace", "--bin", name]);
    let status = run_lines(&mut build, BUILD_TIME_MAX, |line| eprintln!("{line}"))?;
    if status.success() {
        Ok(folders::target().join("release").join(name))
    } else {
        Err(Error::failed(format!("building the program '{name}' ended with {status}; the compiler's words are above")))
    }
}

/// `cargo` in the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folders::repository()).args(arguments);
    command
}

/// Runs to the end and gives each line of standard output to `line`; standard error shares this terminal.
pub(crate) fn run_lines(command: &mut Command, time_max: Duration, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
    let mut child = spawn(command.stdout(Stdio::piped()))?;
    let _watch = Watch::over(&child, time_max);
    let output = child.stdout.take().expect("the output was asked to be a pipe");
    for text in BufReader::new(output).split(b'\n') {
        let text = text.attempt(|| "read a program's output".to_owned())?;
        line(String::from_utf8_lossy(&text).trim_end_matches('\r'));
    }
    finish(&mut child)
}

/// What a program prints, if it can be run and succeeds: for asking whether something is there.
pub(crate) fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::piped()).output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    output.status.success().then(|| String::from_utf8_lossy(&text).into_owned())
}

/// Whether a program of this name is on the path.
pub(crate) fn is_on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| is_file(&folder.join(program)))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

fn spawn(command: &mut Command) -> Result<Child> {
    interrupt::check()?;
    // A group of its own: Ctrl-C reaches this process alone, which passes it on and waits.
    command.stdin(Stdio::null()).process_group(0).spawn().attempt(|| format!("run {}", command.get_program().display()))
}

fn finish(child: &mut Child) -> Result<ExitStatus> {
    let status = child.wait().attempt(|| "wait for a program".to_owned())?;
    interrupt::check()?;
    Ok(status)
}

/// Stops a process group on a signal, and when its time is over.
struct Watch {
    _guard: interrupt::Guard,
    _ended: mpsc::Sender<()>,
}

impl Watch {
    fn over(child: &Child, time_max: Duration) -> Self {
        let group = child.id();
        let guard = interrupt::on_signal(move |request| match request {
            Request::Ask => signal_group(group, "TERM"),
            Request::Force => signal_group(group, "KILL"),
        });
        let (ended, wait) = mpsc::channel();
        thread::spawn(move || {
            if wait.recv_timeout(time_max) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("xtask: a program ran longer than {} minutes and is stopped", time_max.as_secs() / 60);
                signal_group(group, "KILL");
            }
        });
        Self { _guard: guard, _ended: ended }
    }
}

/// The standard library cannot signal a group without `unsafe`; the shell can.
fn signal_group(group: u32, signal: &str) {
    let script = r#"kill -s "$0" -- "-$1""#;
    // It fails if the group has ended meanwhile, which is what was wanted.
    drop(Command::new("sh").args(["-c", script, signal, &group.to_string()]).stderr(Stdio::null()).status());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_the_exit_code_come_through() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; printf two; exit 3"]);
        let status = run_lines(&mut command, TIME_MAX, |line| lines.push(line.to_owned())).expect("sh runs");
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_program_that_runs_too_long_is_stopped_with_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & wait"]);
        let status = run_lines(&mut command, Duration::from_millis(50), |_| ()).expect("sh runs");
        assert!(!status.success());
    }
}
