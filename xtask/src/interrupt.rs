//! Signals that ask to stop: what is running is told to stop, and the commands return as after any other failure.
//!
//! Nothing is cleaned up here. Commands own what they started and drop it on their way out.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Attempt, Error, Result};

type Stop = Box<dyn Fn(Request) + Send>;

/// How urgently something is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Clean up and end.
    Ask,
    /// The person asked again: end now.
    Force,
}

static RECEIVED: AtomicUsize = AtomicUsize::new(0);
static NEXT_ID: AtomicU64 = AtomicU64::new(0);
static RUNNING: Mutex<Vec<(u64, Stop)>> = Mutex::new(Vec::new());

/// Starts listening for SIGTERM, SIGHUP and Ctrl-C.
pub(crate) fn listen() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).attempt(|| "listen for signals".to_owned())?;
    thread::spawn(move || {
        for _ in signals.forever() {
            let request = if RECEIVED.fetch_add(1, Ordering::SeqCst) == 0 { Request::Ask } else { Request::Force };
            for (_, stop) in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                stop(request);
            }
        }
    });
    Ok(())
}

/// Fails once a signal has asked to stop.
pub(crate) fn check() -> Result<()> {
    if RECEIVED.load(Ordering::SeqCst) == 0 { Ok(()) } else { Err(Error::Interrupted) }
}

/// Calls `stop` for each signal as long as the guard lives; at once if one has come already.
#[must_use]
pub(crate) fn on_signal(stop: impl Fn(Request) + Send + 'static) -> Guard {
    let id = NEXT_ID.fetch_add(1, Ordering::SeqCst);
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    // Under the lock, so that a signal between check and registration is seen by one of the two.
    if check().is_err() {
        stop(Request::Ask);
    }
    running.push((id, Box::new(stop)));
    Guard { id }
}

/// Ends a registration of [`on_signal`].
#[derive(Debug)]
pub(crate) struct Guard {
    id: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| *id != self.id);
    }
}
