//! The user's processor as a node.

use std::rc::Rc;

use crate::Result;
use crate::node::{Node, Outlet, Push};
use crate::plan::NodeId;
use crate::processor::{Current, Processor, ProcessorContext};
use crate::record::{Data, Headers, Record, Timestamp};
use crate::task::context::TaskContext;
use crate::task::timers::TimerId;

/// A running processor.
pub(crate) struct ProcessorNode<P: Processor<K, V>, K, V> {
    pub(crate) processor: P,
    pub(crate) node: NodeId,
    pub(crate) outlet: Outlet<P::KeyOut, P::ValueOut>,
    /// Names of the operators downstream, for `forward_to`.
    pub(crate) children: Box<[(String, NodeId)]>,
    /// What its stores stamp their writes with.
    pub(crate) current: Rc<Current>,
}

impl<P: Processor<K, V>, K: Data, V: Data> Push<K, V> for ProcessorNode<P, K, V> {
    #[inline]
    fn push(&mut self, record: Record<K, V>, task: &mut TaskContext) -> Result<()> {
        self.current.set(record.timestamp, &record.headers);
        let mut context = ProcessorContext::new(task, self.node, &self.outlet, &self.children);
        self.processor.process(record, &mut context)
    }
}

impl<P: Processor<K, V>, K, V> Node for ProcessorNode<P, K, V> {
    fn init(&mut self, task: &mut TaskContext) -> Result<()> {
        self.current.set(task.stream_time().max(Timestamp(0)), &Headers::EMPTY);
        self.processor.init(&mut ProcessorContext::new(task, self.node, &self.outlet, &self.children))
    }

    fn punctuate(&mut self, timer: TimerId, at: Timestamp, task: &mut TaskContext) -> Result<()> {
        self.current.set(at, &Headers::EMPTY);
        let mut context = ProcessorContext::new(task, self.node, &self.outlet, &self.children);
        self.processor.punctuate(timer, at, &mut context)
    }

    fn close(&mut self) {
        self.processor.close();
    }
}
