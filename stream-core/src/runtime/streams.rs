//! `Streams`: a client that runs a topology on a log.

use std::sync::Arc;
use std::time::Duration;

use crate::log::Log;
use crate::plan::Topology;
use crate::runtime::instance::{Instance, Surroundings};
use crate::runtime::signal::Signals;
use crate::runtime::state::State;
use crate::runtime::status::{Health, Status};
use crate::runtime::thread;
use crate::settings::Settings;
use crate::task::RestoreProgress;
use crate::time::{Clock, SystemClock};
use crate::{Error, Kind, Result};

/// How often a wait looks at signals.
const SIGNAL_POLL: Duration = Duration::from_millis(50);

/// Runs a topology on a log: threads, state, commits.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use stream_core::memory::MemoryLog;
/// use stream_core::{Settings, State, Streams, StreamsBuilder};
///
/// # fn main() -> stream_core::Result<()> {
/// let log = MemoryLog::new();
/// log.create_topic("words", 1)?;
/// log.create_topic("loud", 1)?;
///
/// let builder = StreamsBuilder::new();
/// builder.stream::<String, String>("words").map_values(|_, word| word.to_uppercase()).to("loud");
///
/// let mut settings = Settings::new("shout");
/// # let folder = tempfile::tempdir().expect("a folder");
/// settings.state_dir = folder.path().to_owned();
/// let streams = Streams::new(&builder.build()?, settings, Arc::new(log))?;
/// streams.on_state_change(|from, to| println!("{from} -> {to}"));
/// streams.start()?;
/// // … until it is time to stop; a main() calls `run_until_signal` instead.
/// streams.close(Duration::from_secs(10))?;
/// assert_eq!(streams.state(), State::NotRunning);
/// # Ok(())
/// # }
/// ```
///
/// Dropping it stops the threads without waiting for them.
pub struct Streams {
    around: Surroundings,
}

impl Streams {
    /// A client for `topology`; nothing runs before [`start`](Self::start).
    ///
    /// # Errors
    /// `Kind::Invalid` for settings that [`Settings::validate`] refuses.
    pub fn new(topology: &Topology, settings: Settings, log: Arc<dyn Log>) -> Result<Self> {
        Self::with_clock(topology, settings, log, Arc::new(SystemClock::new()))
    }

    /// A client that takes the time from `clock`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_clock(
        topology: &Topology,
        settings: Settings,
        log: Arc<dyn Log>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        settings.validate()?;
        let (plan, status) = (Arc::clone(&topology.plan), Arc::new(Status::new()));
        Ok(Self { around: Surroundings { plan, settings, log, clock, status } })
    }

    /// Calls `listener` with the old and the new state at each change, in their order. It must return soon, and not close
    /// the client.
    pub fn on_state_change(&self, listener: impl Fn(State, State) + Send + Sync + 'static) {
        self.around.status.on_state_change(Box::new(listener));
    }

    /// Calls `listener` as stores are restored. It must return soon.
    pub fn on_restore(&self, listener: impl Fn(&RestoreProgress) + Send + Sync + 'static) {
        self.around.status.on_restore(Box::new(listener));
    }

    /// Runs the start sequence, then the threads, and returns.
    ///
    /// # Errors
    /// `Kind::Invalid` where topics are missing or do not fit, or the client was started before; `Kind::Refused` where
    /// another process holds the state directory or another instance the group; `Kind::Retry` where the log does not
    /// answer. The client is in [`State::Error`] then.
    pub fn start(&self) -> Result<()> {
        self.around.status.start()?;
        start_sequence(self.around.clone())
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> State {
        self.around.status.state()
    }

    /// Its state, its threads, and why it failed.
    #[must_use]
    pub fn health(&self) -> Health {
        self.around.status.health()
    }

    /// Commits, closes all tasks and leaves the group, within `timeout`. Closing twice is as good as once.
    ///
    /// # Errors
    /// Why the client failed, if it did; `Kind::Retry` where threads have not ended in time: they go on closing.
    pub fn close(&self, timeout: Duration) -> Result<()> {
        let status = &self.around.status;
        let never_started = self.state() == State::Created;
        status.stop();
        if never_started {
            status.finish();
        }
        if status.wait_for_end(timeout).is_final() {
            return status.error().map_or(Ok(()), Err);
        }
        Err(self.late(timeout))
    }

    /// Starts, waits for SIGTERM, SIGINT (Ctrl-C) or a failure, and closes within `close_timeout_ms`: what a `main`
    /// calls. A second signal ends the waiting.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`close`](Self::close).
    pub fn run_until_signal(&self) -> Result<()> {
        let signals = Signals::listen()?;
        let status = &self.around.status;
        status.start()?;
        // On a thread of its own, so that a signal is heeded while the log does not answer.
        let around = self.around.clone();
        let started = spawn(format!("{}-start", self.around.settings.application_id), move || {
            // The client's status has the error.
            let _ = start_sequence(around);
        });
        started.inspect_err(|error| {
            status.fail(error.copy());
            status.finish();
        })?;
        let signal = loop {
            if status.wait_for_end(SIGNAL_POLL).is_final() || status.is_stopping() {
                break None;
            }
            if let Some(signal) = signals.take() {
                break Some(signal);
            }
        };
        if let Some(signal) = signal {
            tracing::info!(signal, "commits and closes; the same signal again ends the waiting");
            status.stop();
        }
        let timeout = Duration::from_millis(self.around.settings.close_timeout_ms);
        let (clock, mut waited) = (&self.around.clock, Duration::ZERO);
        let started = clock.monotonic();
        while waited < timeout {
            if status.wait_for_end(SIGNAL_POLL).is_final() {
                return status.error().map_or(Ok(()), Err);
            }
            if let Some(signal) = signals.take() {
                let why =
                    format!("{signal} came again before all tasks were closed: what they did since the last commit");
                let error = Error::new(Kind::Fatal, format!("{why} is done again at the next start"));
                tracing::warn!(%error, "does not wait for the threads");
                return Err(error);
            }
            waited = clock.monotonic() - started;
        }
        Err(self.late(timeout))
    }

    fn late(&self, timeout: Duration) -> Error {
        let threads = self.health().threads;
        let open = threads.iter().filter(|thread| thread.state != crate::ThreadState::Dead);
        let mut names: Vec<_> = open.map(|thread| thread.name.as_str()).collect();
        if threads.is_empty() {
            names.push("the start sequence");
        }
        let why = format!("not closed within {} ms: {} still run", timeout.as_millis(), names.join(", "));
        Error::new(Kind::Retry, why)
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.around.status.stop();
    }
}

/// Makes the instance and starts its threads; a failure ends the client.
fn start_sequence(around: Surroundings) -> Result<()> {
    let status = Arc::clone(&around.status);
    let started = catch_panic(move || Instance::start(around).and_then(start_threads));
    started.inspect_err(|error| {
        status.fail(error.copy());
        status.finish();
    })
}

#[expect(clippy::disallowed_methods, reason = "stream threads, and the one that starts them, are made here")]
fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<()> {
    let spawned = std::thread::Builder::new().name(name).spawn(run);
    spawned.map(drop).map_err(|error| Error::new(Kind::Fatal, "the machine does not give a thread").caused_by(error))
}

/// Starts the threads. Each lets go of the instance before it is told to have ended, so that everything is released once
/// the last one has.
fn start_threads(instance: Instance) -> Result<()> {
    let status = Arc::clone(&instance.around.status);
    let names: Vec<_> = (0..instance.tasks.len()).map(|index| instance.thread_name(index)).collect();
    let instance = Arc::new(instance);
    let mut shared: Vec<_> = names.iter().map(|_| Arc::clone(&instance)).collect();
    drop(instance);
    for (index, name) in names.iter().enumerate() {
        let instance = shared.pop().expect("there is one for each thread");
        let thread_status = Arc::clone(&status);
        let spawned = spawn(name.clone(), move || {
            let result = catch_panic(move || thread::run(&instance, index));
            end_thread(&thread_status, index, result);
        });
        if let Err(failure) = spawned {
            drop(shared);
            for rest in index..names.len() {
                end_thread(&status, rest, Err(failure.copy()));
            }
            return Err(failure);
        }
    }
    Ok(())
}

fn end_thread(status: &Status, index: usize, result: Result<()>) {
    if result.is_err() {
        metrics::counter!("stream_client_failed_stream_threads").increment(1);
    }
    if status.thread_ended(index, result) {
        status.finish();
    }
}

/// A panic outside users' functions is a mistake of this crate: the client stops all the same, and says so.
fn catch_panic(run: impl FnOnce() -> Result<()>) -> Result<()> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
        Err(Error::new(Kind::Fatal, format!("a stream thread panicked: {}", text.unwrap_or("no message"))))
    })
}
