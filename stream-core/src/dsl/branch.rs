//! `split`: one stream into several, each record to the first branch whose predicate it meets.

use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use crate::dsl::{KStream, Named, NewNode, add};
use crate::node::branch::{Branch, Predicate};
use crate::node::stateless::Stateless;
use crate::plan::{NodeId, Op};
use crate::record::{Data, Record};

/// A stream that is being split into branches.
///
/// ```
/// use stream_core::StreamsBuilder;
///
/// let builder = StreamsBuilder::new();
/// let mut split = builder.stream::<String, i64>("amounts").split();
/// split.branch(|_, amount| *amount < 0).to("refunds");
/// split.branch_named("large", |_, amount| *amount > 1_000).to("for-review");
/// split.default_branch().to("payments");
/// # drop(split);
/// # builder.build().expect("a valid topology");
/// ```
pub struct Split<'b, K, V> {
    stream: KStream<'b, K, V>,
    /// The branching node, whose children the branches are.
    node: NodeId,
    name: String,
    branches: Branches<K, V>,
}

/// Branches in the order in which they were added; shared with the node's wiring.
type Branches<K, V> = Arc<Mutex<Vec<Added<K, V>>>>;

struct Added<K, V> {
    /// `None` for the default branch.
    predicate: Option<Arc<Predicate<K, V>>>,
    name: String,
}

impl<'b, K: Data, V: Data> KStream<'b, K, V> {
    /// Begins to split the stream. Records that meet no predicate are dropped unless there is a default branch.
    #[track_caller]
    pub fn split(self) -> Split<'b, K, V> {
        let origin = Location::caller();
        let name = self.next_name(None, "KSTREAM-BRANCH-", origin);
        let branches: Branches<K, V> = Arc::default();
        let added = Arc::clone(&branches);
        let (codecs, repartition_required) = {
            let plan = self.plan.borrow();
            let parent = plan.node(self.node);
            (parent.codecs.clone(), parent.repartition_required)
        };
        let node = NewNode {
            op: Op::Branch,
            name: name.clone(),
            parents: vec![self.node],
            codecs,
            repartition_required,
            origin,
            wire: Box::new(move |task| {
                let outlet = task.outlet::<K, V>();
                let children = task.named_children();
                let mut branch = Branch { predicates: Vec::new(), default: None, outlet };
                for added in added.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                    let child = children.iter().find(|(name, _)| *name == added.name).map(|(_, id)| *id);
                    // Invariant: a branch is added together with its node.
                    let child = child.expect("a branch has its node");
                    match &added.predicate {
                        Some(predicate) => branch.predicates.push((Arc::clone(predicate), child)),
                        None => branch.default = Some(child),
                    }
                }
                task.install::<K, V>(branch);
                Ok(())
            }),
        };
        let node = add::<K, V>(self.plan, node);
        Split { stream: self, node, name, branches }
    }
}

impl<'b, K: Data, V: Data> Split<'b, K, V> {
    /// The records that meet `predicate` and none of the branches before; its node is numbered.
    #[track_caller]
    pub fn branch(&mut self, predicate: impl Fn(&K, &V) -> bool + Send + Sync + 'static) -> KStream<'b, K, V> {
        let number = self.predicates() + 1;
        self.add(number.to_string(), Some(Arc::new(predicate)), Location::caller())
    }

    /// The records that meet `predicate` and none of the branches before. `name` comes behind the split's own name.
    #[track_caller]
    pub fn branch_named(
        &mut self,
        name: impl Into<Named>,
        predicate: impl Fn(&K, &V) -> bool + Send + Sync + 'static,
    ) -> KStream<'b, K, V> {
        self.add(name.into().0, Some(Arc::new(predicate)), Location::caller())
    }

    /// The records that meet no predicate.
    #[track_caller]
    pub fn default_branch(&mut self) -> KStream<'b, K, V> {
        self.add("0".to_owned(), None, Location::caller())
    }

    /// The records that meet no predicate. `name` comes behind the split's own name.
    #[track_caller]
    pub fn default_branch_named(&mut self, name: impl Into<Named>) -> KStream<'b, K, V> {
        self.add(name.into().0, None, Location::caller())
    }

    fn predicates(&self) -> usize {
        let branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        branches.iter().filter(|added| added.predicate.is_some()).count()
    }

    fn add(
        &self,
        suffix: String,
        predicate: Option<Arc<Predicate<K, V>>>,
        origin: &'static Location<'static>,
    ) -> KStream<'b, K, V> {
        let plan = self.stream.plan;
        let name = format!("{}{suffix}", self.name);
        let name = plan.borrow_mut().operator_name(Some(name), "", origin);
        let added = Added { predicate, name: name.clone() };
        self.branches.lock().unwrap_or_else(PoisonError::into_inner).push(added);
        let (codecs, repartition_required) = {
            let plan = plan.borrow();
            let parent = plan.node(self.node);
            (parent.codecs.clone(), parent.repartition_required)
        };
        let node = NewNode {
            op: Op::BranchChild,
            name,
            parents: vec![self.node],
            codecs,
            repartition_required,
            origin,
            wire: Box::new(|task| {
                let outlet = task.outlet::<K, V>();
                let step = |_: &(), record: Record<K, V>, out: &mut crate::node::Out<'_, K, V>| out.forward(record);
                task.install::<K, V>(Stateless { f: Arc::new(()), step, outlet });
                Ok(())
            }),
        };
        KStream::at(plan, add::<K, V>(plan, node))
    }
}
