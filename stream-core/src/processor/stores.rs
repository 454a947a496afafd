//! `Stores`: what a supplier takes the stores of its processor out of, in a task or while a topology is checked.

use std::rc::Rc;

use state_store::Store;

use crate::plan::StoreKind;
use crate::processor::handle::Access;
use crate::processor::{Current, KeyValueHandle, TimestampedKeyValueHandle, TimestampedWindowHandle, WindowHandle};
use crate::task::context::Outputs;
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
    failure: Option<Error>,
}

/// A store that a processor is connected to, open.
pub(crate) struct Connected {
    pub(crate) name: String,
    pub(crate) kind: StoreKind,
    pub(crate) open: OpenStore,
}

impl<'a> Stores<'a> {
    /// The stores `connected`; `outputs` is `None` while a topology is only checked.
    pub(crate) fn new(connected: &'a [Connected], outputs: Option<Outputs>) -> Self {
        Self { connected, current: Rc::default(), outputs, failure: None }
    }

    /// The key-value store `name`. Values written to a timestamped store get the timestamp of the record at hand.
    pub fn key_value<K: 'static, V: Clone + 'static>(&mut self, name: &str) -> KeyValueHandle<K, V> {
        let fits = |kind: &StoreKind| matches!(kind, StoreKind::KeyValue { .. });
        KeyValueHandle::new(self.take(name, fits, "a key-value store"))
    }

    /// The timestamped key-value store `name`: one that was added as such, or a table's.
    pub fn timestamped_key_value<K: 'static, V: Clone + 'static>(
        &mut self,
        name: &str,
    ) -> TimestampedKeyValueHandle<K, V> {
        let fits = |kind: &StoreKind| matches!(kind, StoreKind::KeyValue { timestamped: true });
        KeyValueHandle::new(self.take(name, fits, "a timestamped key-value store"))
    }

    /// The window store `name`. Values written to a timestamped store get the timestamp of the record at hand.
    pub fn window<K: 'static, V: Clone + 'static>(&mut self, name: &str) -> WindowHandle<K, V> {
        let fits = |kind: &StoreKind| matches!(kind, StoreKind::Window { .. });
        WindowHandle::new(self.take(name, fits, "a window store"))
    }

    /// The timestamped window store `name`: one that was added as such, or a windowed aggregation's.
    pub fn timestamped_window<K: 'static, V: Clone + 'static>(&mut self, name: &str) -> TimestampedWindowHandle<K, V> {
        let fits = |kind: &StoreKind| matches!(kind, StoreKind::Window { timestamped: true, .. });
        WindowHandle::new(self.take(name, fits, "a timestamped window store"))
    }

    /// The supplier has taken its stores: where the record that they are used for is to be told.
    ///
    /// # Errors
    /// `Kind::Invalid` where a store was missing or of another type.
    pub(crate) fn finish(self) -> Result<Rc<Current>> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.current),
        }
    }

    /// The store `name` as an `S`, with what a write needs.
    fn take<S: Store + 'static>(
        &mut self,
        name: &str,
        fits: impl Fn(&StoreKind) -> bool,
        what: &str,
    ) -> Option<Access<S>> {
        let Some(connected) = self.connected.iter().find(|store| store.name == name) else {
            self.fail(format!("the store {name:?} is not connected to this processor: add its name to the stores"));
            return None;
        };
        let typed = if fits(&connected.kind) { connected.open.typed::<S>() } else { None };
        if typed.is_none() {
            let asked = std::any::type_name::<S>();
            self.fail(format!("the store {name:?} is not {what} of type {asked}"));
        }
        typed.map(|store| Access { store, current: Rc::clone(&self.current), outputs: self.outputs.clone() })
    }

    fn fail(&mut self, why: String) {
        self.failure.get_or_insert_with(|| Error::new(Kind::Invalid, why));
    }
}
