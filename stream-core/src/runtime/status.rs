//! What a client and its threads know of each other: the state, the first error, who runs, who listens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::runtime::state::State;
use crate::task::{RestoreProgress, TaskId};
use crate::{Error, Kind, Result};

type StateListener = Box<dyn Fn(State, State) + Send + Sync>;
type RestoreListener = Box<dyn Fn(&RestoreProgress) + Send + Sync>;

/// How a client is, in one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Its state.
    pub state: State,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// Its threads, once it is started.
    pub threads: Vec<ThreadHealth>,
}

impl Health {
    /// Whether it does, or is about to do, what it is there for.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.error.is_none() && matches!(self.state, State::Rebalancing | State::Running)
    }
}

/// How a thread is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadHealth {
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: ThreadState,
    /// Its tasks.
    pub tasks: Vec<TaskId>,
    /// Changelog offsets that its stores still lack.
    pub restore_remaining: u64,
}

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadState {
    /// It opens its tasks or restores their stores.
    Restoring,
    /// It processes.
    Running,
    /// It has ended.
    Dead,
}

/// Shared by a client and its threads.
pub(crate) struct Status {
    inner: Mutex<Inner>,
    changed: Condvar,
    stop: AtomicBool,
    /// Held while a state changes, so that listeners hear of changes in their order.
    state_listeners: Mutex<Vec<StateListener>>,
    restore_listeners: Mutex<Vec<RestoreListener>>,
}

struct Inner {
    state: State,
    error: Option<Error>,
    threads: Vec<ThreadHealth>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A listener that panicked leaves nothing half done here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Status {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner { state: State::Created, error: None, threads: Vec::new() }),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
            state_listeners: Mutex::default(),
            restore_listeners: Mutex::default(),
        }
    }

    pub(crate) fn on_state_change(&self, listener: StateListener) {
        lock(&self.state_listeners).push(listener);
    }

    pub(crate) fn on_restore(&self, listener: RestoreListener) {
        lock(&self.restore_listeners).push(listener);
    }

    pub(crate) fn tell_restore(&self, progress: &RestoreProgress) {
        for listener in lock(&self.restore_listeners).iter() {
            listener(progress);
        }
    }

    pub(crate) fn state(&self) -> State {
        lock(&self.inner).state
    }

    pub(crate) fn health(&self) -> Health {
        let inner = lock(&self.inner);
        Health { state: inner.state, error: inner.error.as_ref().map(Error::to_string), threads: inner.threads.clone() }
    }

    /// Why the client failed, if it did.
    pub(crate) fn error(&self) -> Option<Error> {
        lock(&self.inner).error.as_ref().map(Error::copy)
    }

    /// Whether threads should end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// CREATED → REBALANCING.
    pub(crate) fn start(&self) -> Result<()> {
        if self.change(State::Rebalancing) {
            return Ok(());
        }
        let why = format!("a client is started once, and this one is {}; make a new one", self.state());
        Err(Error::new(Kind::Invalid, why))
    }

    /// The threads that are about to run.
    pub(crate) fn set_threads(&self, threads: Vec<ThreadHealth>) {
        lock(&self.inner).threads = threads;
    }

    /// A thread restores, or has begun to process. The client runs while all its threads do.
    pub(crate) fn thread_state(&self, thread: usize, state: ThreadState, restore_remaining: u64) {
        let all_run = {
            let mut inner = lock(&self.inner);
            if let Some(thread) = inner.threads.get_mut(thread) {
                thread.state = state;
                thread.restore_remaining = restore_remaining;
            }
            inner.threads.iter().all(|thread| thread.state == ThreadState::Running)
        };
        match (self.state(), all_run) {
            (State::Rebalancing, true) => drop(self.change(State::Running)),
            (State::Running, false) => drop(self.change(State::Rebalancing)),
            _ => {}
        }
    }

    /// A thread has ended; whether it was the last one.
    pub(crate) fn thread_ended(&self, thread: usize, result: Result<()>) -> bool {
        if let Err(error) = result {
            self.fail(error);
        }
        let mut inner = lock(&self.inner);
        if let Some(thread) = inner.threads.get_mut(thread) {
            thread.state = ThreadState::Dead;
        }
        inner.threads.iter().all(|thread| thread.state == ThreadState::Dead)
    }

    /// Keeps the first error and stops the client.
    pub(crate) fn fail(&self, error: Error) {
        tracing::error!(%error, "the client stops");
        lock(&self.inner).error.get_or_insert(error);
        self.stop.store(true, Ordering::Relaxed);
        self.change(State::PendingError);
    }

    /// Asks the threads to end.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.change(State::PendingShutdown);
    }

    /// Nothing runs any more.
    pub(crate) fn finish(&self) {
        self.change(if self.state() == State::PendingError { State::Error } else { State::NotRunning });
    }

    /// Waits until the state is final or `timeout` is over; the state then.
    pub(crate) fn wait_for_end(&self, timeout: Duration) -> State {
        let inner = lock(&self.inner);
        let waited = self.changed.wait_timeout_while(inner, timeout, |inner| !inner.state.is_final());
        waited.unwrap_or_else(PoisonError::into_inner).0.state
    }

    /// Moves to `next` if it may follow; whether it did.
    fn change(&self, next: State) -> bool {
        let listeners = lock(&self.state_listeners);
        let before = {
            let mut inner = lock(&self.inner);
            let before = inner.state;
            if !before.may_become(next) {
                return false;
            }
            inner.state = next;
            before
        };
        metrics::gauge!("stream_client_state").set(f64::from(next.number()));
        tracing::info!(from = %before, to = %next, "the client's state changes");
        for listener in listeners.iter() {
            // Whatever a listener does, the client goes on, at the latest to its end.
            if catch_unwind(AssertUnwindSafe(|| listener(before, next))).is_err() {
                tracing::error!(from = %before, to = %next, "a listener of states has panicked");
            }
        }
        self.changed.notify_all();
        true
    }
}
