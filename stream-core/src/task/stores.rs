//! The stores of a task: each opened once, shared by the nodes that use it, driven by the task through [`Store`].

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use state_store::Store;

/// A store that is open, seen twice: typed, for its nodes, and erased, for the task.
pub(crate) struct OpenStore {
    /// `Rc<RefCell<S>>`.
    pub(crate) typed: Box<dyn Any>,
    pub(crate) erased: Rc<RefCell<dyn Store>>,
}

impl OpenStore {
    pub(crate) fn new<S: Store + 'static>(store: S) -> Self {
        let shared = Rc::new(RefCell::new(store));
        Self { typed: Box::new(Rc::clone(&shared)), erased: shared }
    }
}
