//! The stores of a task: each opened once, shared by the nodes that use it, committed together.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use state_store::Store;
use state_store::backend::{Batch, SharedBackend};

use crate::Result;
use crate::plan::StoreId;

/// A store that is open, seen twice: typed, for its nodes, and erased, for the task.
#[derive(Clone)]
pub(crate) struct OpenStore {
    /// `RefCell<S>`.
    typed: Rc<dyn Any>,
    pub(crate) erased: Rc<RefCell<dyn Store>>,
}

impl OpenStore {
    pub(crate) fn new<S: Store + 'static>(store: S) -> Self {
        let shared = Rc::new(RefCell::new(store));
        let typed: Rc<dyn Any> = shared.clone();
        Self { typed, erased: shared }
    }

    /// The store as an `S`, if it is one.
    pub(crate) fn typed<S: 'static>(&self) -> Option<Rc<RefCell<S>>> {
        Rc::clone(&self.typed).downcast::<RefCell<S>>().ok()
    }
}

/// Where a task's rows lie.
#[derive(Clone)]
pub(crate) struct Backends {
    /// Survives the process.
    pub(crate) disk: SharedBackend,
    /// Restored whole at each start.
    pub(crate) memory: SharedBackend,
}

/// An open store with what the plan says of it.
pub(crate) struct TaskStore {
    pub(crate) id: StoreId,
    pub(crate) in_memory: bool,
    pub(crate) open: OpenStore,
}

/// All stores of a task.
pub(crate) struct TaskStores {
    /// In the order in which the nodes that use them come.
    pub(crate) list: Vec<TaskStore>,
    pub(crate) backends: Backends,
    /// Reused from commit to commit.
    disk: Batch,
    memory: Batch,
}

impl TaskStores {
    pub(crate) fn new(list: Vec<TaskStore>, backends: Backends) -> Self {
        Self { list, backends, disk: Batch::default(), memory: Batch::default() }
    }

    /// Applies what changed since the last commit: one batch on disk and one in memory, each with what `meta` adds.
    pub(crate) fn commit(&mut self, meta: impl FnOnce(&mut Batch, &mut Batch)) -> Result<()> {
        self.disk.clear();
        self.memory.clear();
        for store in &self.list {
            let batch = if store.in_memory { &mut self.memory } else { &mut self.disk };
            store.open.erased.borrow_mut().write(batch)?;
        }
        meta(&mut self.disk, &mut self.memory);
        for (backend, batch) in [(&self.backends.disk, &self.disk), (&self.backends.memory, &self.memory)] {
            if !batch.is_empty() {
                backend.borrow_mut().apply(batch)?;
            }
        }
        for store in &self.list {
            store.open.erased.borrow_mut().committed()?;
        }
        Ok(())
    }

    /// Makes durable what was applied.
    pub(crate) fn flush(&self) -> Result<()> {
        Ok(self.backends.disk.borrow_mut().flush()?)
    }

    /// Forgets unchanged rows until the tables hold at most `limit_bytes` together, each store its part.
    pub(crate) fn shrink(&self, limit_bytes: usize) {
        let each = limit_bytes / self.list.len().max(1);
        for store in &self.list {
            store.open.erased.borrow_mut().shrink(each);
        }
    }

    /// Bytes of changed rows over all stores: what a commit frees.
    pub(crate) fn dirty_bytes(&self) -> usize {
        self.list.iter().map(|store| store.open.erased.borrow().dirty_bytes()).sum()
    }

    /// Bytes of all rows that are held decoded, changed or not.
    pub(crate) fn table_bytes(&self) -> usize {
        self.list.iter().map(|store| store.open.erased.borrow().table_bytes()).sum()
    }
}
