//! What the handles on stores share: how values look, and the record that a write belongs to.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;

use state_store::Stamped;

use crate::record::{Headers, Timestamp};
use crate::task::context::Outputs;
use crate::{Error, Kind, Result};

/// Values as they are: the timestamp of an update is that of the record that is being processed.
#[derive(Clone, Copy, Debug)]
pub enum Plain {}

/// Values with the timestamp of their last update, which the processor says.
#[derive(Clone, Copy, Debug)]
pub enum Timestamped {}

/// How a store's values look through a handle: [`Plain`] or [`Timestamped`].
pub trait ValueForm<V>: sealed::Sealed + 'static {
    /// What is read and written.
    type Value;

    /// A stored value as it is read.
    fn show(stored: Stamped<V>) -> Self::Value;

    /// A written value as it is stored; `now` is the timestamp of the record that is being processed.
    fn keep(value: Self::Value, now: Timestamp) -> Stamped<V>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Plain {}
    impl Sealed for super::Timestamped {}
}

impl<V> ValueForm<V> for Plain {
    type Value = V;

    #[inline]
    fn show(stored: Stamped<V>) -> V {
        stored.value
    }

    #[inline]
    fn keep(value: V, now: Timestamp) -> Stamped<V> {
        Stamped { value, timestamp: now }
    }
}

impl<V> ValueForm<V> for Timestamped {
    type Value = Stamped<V>;

    #[inline]
    fn show(stored: Stamped<V>) -> Stamped<V> {
        stored
    }

    #[inline]
    fn keep(value: Stamped<V>, _now: Timestamp) -> Stamped<V> {
        value
    }
}

/// The record, or the punctuation, that a processor is at: what its writes are stamped with.
#[derive(Debug)]
pub(crate) struct Current {
    timestamp: Cell<Timestamp>,
    headers: RefCell<Headers>,
}

impl Default for Current {
    fn default() -> Self {
        Self { timestamp: Cell::new(Timestamp(0)), headers: RefCell::new(Headers::EMPTY) }
    }
}

impl Current {
    #[inline]
    pub(crate) fn set(&self, timestamp: Timestamp, headers: &Headers) {
        self.timestamp.set(timestamp);
        self.headers.borrow_mut().clone_from(headers);
    }

    #[inline]
    pub(crate) fn timestamp(&self) -> Timestamp {
        self.timestamp.get()
    }

    #[inline]
    pub(crate) fn headers(&self) -> Ref<'_, Headers> {
        self.headers.borrow()
    }
}

/// An open store with all that a write needs.
pub(crate) struct Access<S> {
    pub(crate) store: Rc<RefCell<S>>,
    pub(crate) current: Rc<Current>,
    /// `None` while a topology is only checked: nothing is written then.
    pub(crate) outputs: Option<Outputs>,
}

impl<S> Clone for Access<S> {
    fn clone(&self) -> Self {
        Self { store: Rc::clone(&self.store), current: Rc::clone(&self.current), outputs: self.outputs.clone() }
    }
}

impl<S> Access<S> {
    /// The store. Invariant: it is given back before anything is forwarded, since no handle's method forwards.
    #[inline]
    pub(crate) fn open(&self) -> RefMut<'_, S> {
        self.store.borrow_mut()
    }

    /// Where changes go.
    #[inline]
    pub(crate) fn outputs(&self) -> Result<&Outputs> {
        self.outputs.as_ref().ok_or_else(too_early)
    }
}

/// The error of a handle that is used before its processor runs, or that stands for a store that is not there.
#[cold]
pub(crate) fn too_early() -> Error {
    Error::new(Kind::Invalid, "a store is used before its processor is started: use it from `init` on")
}
