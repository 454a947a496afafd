//! Running operators: typed inlets, typed outlets, one record at a time, depth first.
//!
//! ```text
//! source ─▶ filter ─▶ aggregate ─▶ sink        an arrow is Outlet::forward: one virtual call, types static
//! ```
//!
//! Nothing here knows threads or a log, or topics but by the numbers that the task gives them; what a node needs beyond its
//! edges comes with the [`TaskContext`].

pub(crate) mod aggregate;
pub(crate) mod branch;
pub(crate) mod nulls;
pub(crate) mod processor;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod stateless;
pub(crate) mod stream_table_join;
pub(crate) mod table;
pub(crate) mod table_step;
pub(crate) mod window_aggregate;
pub(crate) mod window_assign;
pub(crate) mod windows;

use std::cell::RefCell;
use std::rc::Rc;

use crate::Result;
use crate::plan::NodeId;
use crate::record::{Data, Record, Timestamp};
use crate::task::context::TaskContext;
use crate::task::timers::TimerId;

/// The typed input of a running node.
pub(crate) trait Push<K, V> {
    fn push(&mut self, record: Record<K, V>, task: &mut TaskContext) -> Result<()>;
}

/// What a task calls on every node, whatever its types.
pub(crate) trait Node {
    /// The task is wired and its state is restored.
    fn init(&mut self, _task: &mut TaskContext) -> Result<()> {
        Ok(())
    }

    /// A timer of this node is due.
    fn punctuate(&mut self, _timer: TimerId, _at: Timestamp, _task: &mut TaskContext) -> Result<()> {
        Ok(())
    }

    /// Before a commit: what is held back leaves.
    fn flush(&mut self, _task: &mut TaskContext) -> Result<()> {
        Ok(())
    }

    /// The highest timestamp that this node has seen, where what it does depends on it: it is part of every commit, so
    /// that a record that was late stays late after a restart.
    fn observed_stream_time(&self) -> Option<Timestamp> {
        None
    }

    /// Goes on from what was committed; called once, before `init`.
    fn resume_stream_time(&mut self, _time: Timestamp) {}

    /// The task is closing.
    fn close(&mut self) {}
}

/// A child of an outlet.
pub(crate) struct Inlet<K, V> {
    pub(crate) id: NodeId,
    pub(crate) push: Rc<RefCell<dyn Push<K, V>>>,
}

impl<K, V> Clone for Inlet<K, V> {
    fn clone(&self) -> Self {
        Self { id: self.id, push: Rc::clone(&self.push) }
    }
}

impl<K, V> Inlet<K, V> {
    #[inline]
    fn push(&self, record: Record<K, V>, task: &mut TaskContext) -> Result<()> {
        task.enter(self.id);
        // Invariant: a plan has no cycle, so a node is never entered twice on one path.
        match self.push.borrow_mut().push(record, task) {
            Ok(()) => Ok(()),
            Err(error) => Err(task.locate(error, self.id)),
        }
    }
}

/// A node's typed children, in the order in which they were added to the topology.
pub(crate) struct Outlet<K, V> {
    children: Children<K, V>,
}

enum Children<K, V> {
    None,
    One(Inlet<K, V>),
    Many { first: Box<[Inlet<K, V>]>, last: Inlet<K, V> },
}

impl<K, V> Outlet<K, V> {
    pub(crate) fn new(mut inlets: Vec<Inlet<K, V>>) -> Self {
        let children = match inlets.pop() {
            None => Children::None,
            Some(only) if inlets.is_empty() => Children::One(only),
            Some(last) => Children::Many { first: inlets.into_boxed_slice(), last },
        };
        Self { children }
    }
}

impl<K: Data, V: Data> Outlet<K, V> {
    /// Passes the record to every child; it is cloned for all but the last.
    #[inline]
    pub(crate) fn forward(&self, record: Record<K, V>, task: &mut TaskContext) -> Result<()> {
        match &self.children {
            Children::One(child) => child.push(record, task),
            Children::None => Ok(()),
            Children::Many { first, last } => {
                for child in first {
                    child.push(record.clone(), task)?;
                }
                last.push(record, task)
            }
        }
    }

    /// Passes the record to the child `id` alone; `false` where there is none.
    pub(crate) fn forward_to(&self, id: NodeId, record: Record<K, V>, task: &mut TaskContext) -> Result<bool> {
        let child = match &self.children {
            Children::None => None,
            Children::One(child) => (child.id == id).then_some(child),
            Children::Many { first, last } => first.iter().chain([last]).find(|child| child.id == id),
        };
        child.map_or(Ok(false), |child| child.push(record, task).map(|()| true))
    }
}

/// An outlet with the task: what a step of a stateless operator writes to.
pub(crate) struct Out<'a, K, V> {
    outlet: &'a Outlet<K, V>,
    task: &'a mut TaskContext,
}

impl<'a, K: Data, V: Data> Out<'a, K, V> {
    pub(crate) fn new(outlet: &'a Outlet<K, V>, task: &'a mut TaskContext) -> Self {
        Self { outlet, task }
    }

    #[inline]
    pub(crate) fn forward(&mut self, record: Record<K, V>) -> Result<()> {
        self.outlet.forward(record, self.task)
    }
}
