//! `Stores`: what a supplier takes the stores of its processor out of, in a task or while a topology is checked.

use std::cell::RefCell;
use std::rc::Rc;

use state_store::{KeyValueStore, Store, WindowStore};

use crate::plan::StoreKind;
use crate::processor::handle::Access;
use crate::processor::{
    Current, KeyValueHandle, TimestampedKeyValueHandle, TimestampedWindowHandle, ValueForm, WindowHandle,
};
use crate::task::context::{Outputs, TaskContext};
use crate::task::stores::OpenStore;
use crate::{Error, Kind, Result};

/// The stores that a processor is connected to, for its supplier to take by name.
///
/// A supplier is called once when the topology is built, so that a wrong name or type is found there, and then once
/// for each task. A store that is missing does not panic: its handle is dead, and `build` says what is wrong.
pub struct Stores<'a> {
    connected: &'a [Connected],
    current: Rc<Current>,
    outputs: Option<Outputs>,
    drains: Vec<Drain>,
    failure: Option<Error>,
}

/// A store that a processor is connected to, open.
pub(crate) struct Connected {
    pub(crate) name: String,
    pub(crate) kind: StoreKind,
    /// Whether the processor logs what the store's cache holds back: a table does it for its own store.
    pub(crate) drained_here: bool,
    pub(crate) open: OpenStore,
}

/// Logs what a caching store holds back.
pub(crate) type Drain = Box<dyn FnMut(&mut TaskContext) -> Result<()>>;

/// What the processor's node keeps of [`Stores`] when the supplier has taken what it needs.
pub(crate) struct Resolved {
    pub(crate) current: Rc<Current>,
    pub(crate) drains: Vec<Drain>,
}

impl<'a> Stores<'a> {
    /// The stores `connected`; `outputs` is `None` while a topology is only checked.
    pub(crate) fn new(connected: &'a [Connected], outputs: Option<Outputs>) -> Self {
        Self { connected, current: Rc::default(), outputs, drains: Vec::new(), failure: None }
    }

    /// The key-value store `name`. Values written to a timestamped store get the timestamp of the record at hand.
    pub fn key_value<K: 'static, V: Clone + 'static>(&mut self, name: &str) -> KeyValueHandle<K, V> {
        self.key_value_as(name, |kind| matches!(kind, StoreKind::KeyValue { .. }), "a key-value store")
    }

    /// The timestamped key-value store `name`: one that was added as such, or a table's.
    pub fn timestamped_key_value<K: 'static, V: Clone + 'static>(
        &mut self,
        name: &str,
    ) -> TimestampedKeyValueHandle<K, V> {
        let fits = |kind: &StoreKind| matches!(kind, StoreKind::KeyValue { timestamped: true });
        self.key_value_as(name, fits, "a timestamped key-value store")
    }

    /// The window store `name`. Values written to a timestamped store get the timestamp of the record at hand.
    pub fn window<K: 'static, V: Clone + 'static>(&mut self, name: &str) -> WindowHandle<K, V> {
        self.window_as(name, |kind| matches!(kind, StoreKind::Window { .. }), "a window store")
    }

    /// The timestamped window store `name`: one that was added as such, or a windowed aggregation's.
    pub fn timestamped_window<K: 'static, V: Clone + 'static>(&mut self, name: &str) -> TimestampedWindowHandle<K, V> {
        let fits = |kind: &StoreKind| matches!(kind, StoreKind::Window { timestamped: true, .. });
        self.window_as(name, fits, "a timestamped window store")
    }

    /// What is left when the supplier has taken its stores.
    ///
    /// # Errors
    /// `Kind::Invalid` where a store was missing or of another type.
    pub(crate) fn finish(self) -> Result<Resolved> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(Resolved { current: self.current, drains: self.drains }),
        }
    }

    fn key_value_as<K: 'static, V: Clone + 'static, F: ValueForm<V>>(
        &mut self,
        name: &str,
        fits: impl Fn(&StoreKind) -> bool,
        what: &str,
    ) -> KeyValueHandle<K, V, F> {
        let store = self.take::<KeyValueStore<K, V>>(name, fits, what);
        if let Some((store, true)) = &store {
            let store = Rc::clone(store);
            let mut drained = Vec::new();
            self.drains.push(Box::new(move |task| {
                store.borrow_mut().drain(task, &mut drained)?;
                drained.clear();
                Ok(())
            }));
        }
        KeyValueHandle::new(store.map(|(store, _)| self.access(store)))
    }

    fn window_as<K: 'static, V: Clone + 'static, F: ValueForm<V>>(
        &mut self,
        name: &str,
        fits: impl Fn(&StoreKind) -> bool,
        what: &str,
    ) -> WindowHandle<K, V, F> {
        let store = self.take::<WindowStore<K, V>>(name, fits, what);
        if let Some((store, true)) = &store {
            let store = Rc::clone(store);
            let mut drained = Vec::new();
            self.drains.push(Box::new(move |task| {
                store.borrow_mut().drain(task, &mut drained)?;
                drained.clear();
                Ok(())
            }));
        }
        WindowHandle::new(store.map(|(store, _)| self.access(store)))
    }

    fn access<S>(&self, store: Rc<RefCell<S>>) -> Access<S> {
        Access { store, current: Rc::clone(&self.current), outputs: self.outputs.clone() }
    }

    /// The store `name` as an `S`, and whether its cache is drained here.
    fn take<S: Store + 'static>(
        &mut self,
        name: &str,
        fits: impl Fn(&StoreKind) -> bool,
        what: &str,
    ) -> Option<(Rc<RefCell<S>>, bool)> {
        let Some(connected) = self.connected.iter().find(|store| store.name == name) else {
            self.fail(format!("the store {name:?} is not connected to this processor: add its name to the stores"));
            return None;
        };
        let typed = if fits(&connected.kind) { connected.open.typed::<S>() } else { None };
        if typed.is_none() {
            let asked = std::any::type_name::<S>();
            self.fail(format!("the store {name:?} is not {what} of type {asked}"));
        }
        typed.map(|store| (store, connected.drained_here))
    }

    fn fail(&mut self, why: String) {
        self.failure.get_or_insert_with(|| Error::new(Kind::Invalid, why));
    }
}
