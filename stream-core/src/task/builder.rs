//! Wires the nodes of a set of subtopologies, children first, on the thread that will run them.
//!
//! One subtopology per task in the runtime; all of them in one task in the test driver, as Java's driver does. This is
//! the one place where an edge or a store is looked up by `Any`; `Plan` has proved the types.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;
use state_store::StoreConfig;
use state_store::changelog::ChangelogId;

use crate::node::source::{Source, SourceHead};
use crate::node::table::ViewRef;
use crate::node::{Inlet, Node, Outlet, Push};
use crate::nullable::Nullable;
use crate::plan::topics::changelog_name;
use crate::plan::{NodeId, Plan, PlanNode, StoreId, StorePlan, TableRows};
use crate::record::{Data, Record};
use crate::task::context::TaskContext;
use crate::task::queues::Head;
use crate::task::stores::{Backends, OpenStore, TaskStore, TaskStores};
use crate::{Error, Kind, Result};

/// Makes the typed head of a queue of a source.
pub(crate) type MakeHead = Box<dyn Fn() -> Box<dyn Head>>;

/// A task's nodes, wired.
pub(crate) struct Wired {
    pub(crate) context: TaskContext,
    /// In topological order.
    pub(crate) nodes: Vec<(NodeId, Rc<RefCell<dyn Node>>)>,
    pub(crate) stores: TaskStores,
    /// Source nodes: which topics, and a head for each queue.
    pub(crate) sources: Vec<(NodeId, MakeHead)>,
}

/// A task while it is being wired.
pub(crate) struct TaskBuilder<'a> {
    plan: &'a Plan,
    node: NodeId,
    /// `Rc<RefCell<dyn Push<K, V>>>` by node.
    inlets: HashMap<NodeId, Box<dyn Any>>,
    /// `ViewRef<K, V>` by table.
    views: HashMap<NodeId, Box<dyn Any>>,
    nodes: Vec<(NodeId, Rc<RefCell<dyn Node>>)>,
    stores: BTreeMap<StoreId, OpenStore>,
    sources: Vec<(NodeId, MakeHead)>,
    context: TaskContext,
    backends: Backends,
}

/// Wires `nodes` (ascending) of `plan`.
pub(crate) fn wire(plan: &Arc<Plan>, nodes: &[NodeId], context: TaskContext, backends: Backends) -> Result<Wired> {
    let mut builder = TaskBuilder {
        plan,
        node: NodeId(0),
        inlets: HashMap::new(),
        views: HashMap::new(),
        nodes: Vec::new(),
        stores: BTreeMap::new(),
        sources: Vec::new(),
        context,
        backends,
    };
    for node in nodes.iter().rev() {
        builder.node = *node;
        (plan.node(*node).wire)(&mut builder).map_err(|error| builder.context.locate(error, *node))?;
    }
    builder.nodes.reverse();
    builder.sources.reverse();
    let mut stores = Vec::new();
    for node in nodes {
        for store in &plan.node(*node).stores {
            if let Some(open) = builder.stores.remove(store) {
                stores.push(TaskStore { id: *store, in_memory: plan.store(*store).in_memory, open });
            }
        }
    }
    let stores = TaskStores::new(stores, builder.backends);
    Ok(Wired { context: builder.context, nodes: builder.nodes, stores, sources: builder.sources })
}

impl TaskBuilder<'_> {
    /// The node being wired.
    pub(crate) fn node_id(&self) -> NodeId {
        self.node
    }

    pub(crate) fn plan_node(&self) -> &PlanNode {
        self.plan.node(self.node)
    }

    /// Names and ids of the children of the node being wired.
    pub(crate) fn named_children(&self) -> Box<[(String, NodeId)]> {
        self.plan_node().children.iter().map(|child| (self.plan.node(*child).name.clone(), *child)).collect()
    }

    pub(crate) fn context(&mut self) -> &mut TaskContext {
        &mut self.context
    }

    /// The outlet of the node being wired: its children were wired before it.
    pub(crate) fn outlet<K: Data, V: Data>(&self) -> Outlet<K, V> {
        let inlets = self.plan_node().children.iter().map(|child| {
            let inlet = self.inlets.get(child).expect("children are wired before their parents");
            let push = inlet.downcast_ref::<Rc<RefCell<dyn Push<K, V>>>>();
            // Invariant: the DSL's types let a child be added only below a parent that carries its input.
            Inlet { id: *child, push: Rc::clone(push.expect("an edge has one type")) }
        });
        Outlet::new(inlets.collect())
    }

    /// Installs the running node of the one being wired.
    pub(crate) fn install<K: Data, V: Data>(&mut self, node: impl Push<K, V> + Node + 'static) {
        self.install_as(node, same_keys::<K, V>);
    }

    /// Installs the running node of the one being wired below a parent whose keys `accept` knows.
    pub(crate) fn install_as<K: Data, V: Data>(
        &mut self,
        node: impl Push<K, V> + Node + 'static,
        accept: Accept<K, V>,
    ) {
        let node = Rc::new(RefCell::new(node));
        self.inlets.insert(self.node, accept(node.clone()));
        self.nodes.push((self.node, node));
    }

    /// Installs a source: it has no inlet, the task's queues feed it.
    pub(crate) fn install_source<K: Data, V: Data>(&mut self, source: Source<K, V>) {
        let source = Rc::new(source);
        let make: MakeHead = Box::new(move || Box::new(SourceHead::new(Rc::clone(&source))));
        self.sources.push((self.node, make));
    }

    /// Installs the view of the table `node`.
    pub(crate) fn install_view<K: Data, V: Data>(&mut self, node: NodeId, view: ViewRef<K, V>) {
        self.views.insert(node, Box::new(view));
    }

    /// The view of the table `node`, made when it is first asked for.
    pub(crate) fn view<K: Data, V: Data>(&mut self, node: NodeId) -> Result<ViewRef<K, V>> {
        let plan = self.plan;
        if !self.views.contains_key(&node) {
            let table = plan.node(node).table.as_ref().expect("only tables are viewed");
            (table.view)(self)?;
        }
        let view = self.views.get(&node).and_then(|view| view.downcast_ref::<ViewRef<K, V>>());
        // Invariant: the DSL's types let a table be read only as what it is.
        Ok(Rc::clone(view.expect("a view has one type")))
    }

    /// The store that the table `node` is kept in, if it is.
    pub(crate) fn table_store(&self, node: NodeId) -> Option<StoreId> {
        match self.plan.node(node).table.as_ref()?.rows {
            TableRows::Kept(store) => Some(store),
            TableRows::Reserved(_) | TableRows::Computed => None,
        }
    }

    /// What the plan says of a store.
    pub(crate) fn store_plan(&self, id: StoreId) -> &StorePlan {
        self.plan.store(id)
    }

    /// The store `id`, opened when it is first asked for.
    ///
    /// # Errors
    /// `Kind::Invalid` where the store is of another type than `S`.
    pub(crate) fn store<S: 'static>(&mut self, id: StoreId) -> Result<Rc<RefCell<S>>> {
        self.opened(id)?.typed::<S>().ok_or_else(|| {
            let plan = self.plan.store(id);
            let why =
                format!("the store {:?} made at {} is not a {}", plan.name, plan.origin, std::any::type_name::<S>());
            Error::new(Kind::Invalid, why)
        })
    }

    /// The store `id` whatever its type, opened when it is first asked for.
    pub(crate) fn opened(&mut self, id: StoreId) -> Result<OpenStore> {
        if let Some(open) = self.stores.get(&id) {
            return Ok(open.clone());
        }
        let open = self.open_store(id)?;
        self.stores.insert(id, open.clone());
        Ok(open)
    }

    fn open_store(&mut self, id: StoreId) -> Result<OpenStore> {
        let store = self.plan.store(id);
        let changelog = match &store.logging {
            None => None,
            Some(_) => {
                let topic = changelog_name(self.context.application_id(), &store.name);
                let (topic, _) = self.context.topic(&topic)?;
                Some(ChangelogId(topic.0))
            }
        };
        let backend = if store.in_memory { &self.backends.memory } else { &self.backends.disk };
        (store.open)(StoreConfig {
            name: store.name.clone(),
            backend: Rc::clone(backend),
            changelog,
            caching: store.caching && self.context.caching(),
            send_old_values: store.send_old_values,
        })
    }
}

/// Makes a node the inlet that its parent's outlet looks for.
pub(crate) type Accept<K, V> = fn(Rc<RefCell<dyn Push<K, V>>>) -> Box<dyn Any>;

/// The parent carries the node's own type of keys.
pub(crate) fn same_keys<K: Data, V: Data>(push: Rc<RefCell<dyn Push<K, V>>>) -> Box<dyn Any> {
    Box::new(push)
}

/// The parent carries keys `N`, null or not; null keys are dropped and counted.
pub(crate) fn present_keys<N: Nullable<K>, K: Data, V: Data>(push: Rc<RefCell<dyn Push<K, V>>>) -> Box<dyn Any> {
    if TypeId::of::<N>() == TypeId::of::<K>() {
        return Box::new(push);
    }
    let inlet: Rc<RefCell<dyn Push<N, V>>> = Rc::new(RefCell::new(PresentKeys { push }));
    Box::new(inlet)
}

struct PresentKeys<K, V> {
    push: Rc<RefCell<dyn Push<K, V>>>,
}

impl<N: Nullable<K>, K: Data, V: Data> Push<N, V> for PresentKeys<K, V> {
    fn push(&mut self, record: Record<N, V>, task: &mut TaskContext) -> Result<()> {
        let Record { key, value, timestamp, headers } = record;
        match key.into_option() {
            Some(key) => self.push.borrow_mut().push(Record { key, value, timestamp, headers }, task),
            None => {
                task.drop_record();
                Ok(())
            }
        }
    }
}
