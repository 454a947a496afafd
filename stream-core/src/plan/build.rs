//! The plan while it is being written: nodes and stores are added, mistakes are kept for `build`.

use std::panic::Location;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::plan::names::Names;
use crate::plan::{AnyCodecs, NodeId, Plan, PlanNode, StoreId, StorePlan, TopicRef, names, order, relax, subtopology};
use crate::{Error, Kind, Result};

/// A plan that still grows.
#[derive(Default)]
pub(crate) struct PlanBuilder {
    pub(crate) names: Names,
    nodes: Vec<PlanNode>,
    stores: Vec<StorePlan>,
    nodes_by_name: HashMap<String, NodeId>,
    stores_by_name: HashMap<String, StoreId>,
    /// Who reads a topic.
    pub(super) readers: HashMap<TopicRef, NodeId>,
    /// Sources that later streams may share.
    pub(super) stream_sources: Vec<NodeId>,
    pending_names: Vec<String>,
    groups: Vec<Group>,
    /// Filters, sinks and sources of shared repartitions: behind how many nodes they are written.
    moved: HashMap<NodeId, u32>,
    /// Sources of the repartitions in front of joins, by the stream that is joined.
    join_repartitions: HashMap<NodeId, NodeId>,
    mistakes: Vec<Error>,
}

/// A name that a user gave to the next operator of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingName(usize);

/// A grouping of a stream, until something is aggregated: handles are `Copy` and cannot carry it.
pub(crate) struct Group {
    /// The stream's node.
    pub(crate) node: NodeId,
    /// Whether records of a key must be brought together before they are aggregated.
    pub(crate) repartition_required: bool,
    /// The user's name for the repartition topic.
    pub(crate) topic: Option<String>,
    /// The repartition that the first aggregation made, to be shared by all others of a named group.
    pub(crate) repartitioned: Option<NodeId>,
    pub(crate) codecs: AnyCodecs,
}

/// A group of a plan that is being written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupId(usize);

impl PlanBuilder {
    /// Keeps a group for the operators on it.
    pub(crate) fn add_group(&mut self, group: Group) -> GroupId {
        self.groups.push(group);
        GroupId(self.groups.len() - 1)
    }

    pub(crate) fn group(&mut self, id: GroupId) -> &mut Group {
        &mut self.groups[id.0]
    }

    /// The repartition that a join of the stream `node` made.
    pub(crate) fn join_repartition(&self, node: NodeId) -> Option<NodeId> {
        self.join_repartitions.get(&node).copied()
    }

    /// Keeps the repartition of the stream `node`, for other joins of it.
    pub(crate) fn keep_join_repartition(&mut self, node: NodeId, source: NodeId) {
        self.join_repartitions.insert(node, source);
    }

    /// Adds a node below its parents; one that is named twice is one parent.
    pub(crate) fn add(&mut self, mut node: PlanNode) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("a plan has fewer than 2^32 nodes"));
        if let Some(first) = self.nodes_by_name.insert(node.name.clone(), id) {
            let first = self.node(first).origin;
            let why = format!("two operators are named {:?}: at {first} and at {}", node.name, node.origin);
            self.keep_mistake(Error::new(Kind::Invalid, why));
        }
        node.parents.dedup();
        for parent in &node.parents {
            self.nodes[parent.0 as usize].children.push(id);
        }
        self.nodes.push(node);
        self.note_topics(id);
        id
    }

    /// The repartition that ends in `source` is shared by one aggregation more: it is written behind all that is there.
    pub(crate) fn move_repartition(&mut self, source: NodeId) {
        let place = u32::try_from(self.nodes.len()).expect("a plan has fewer than 2^32 nodes");
        // Its filter and its sink were added right before its source.
        for node in source.0 - 2..=source.0 {
            self.moved.insert(NodeId(node), place);
        }
    }

    /// Adds a store.
    pub(crate) fn add_store(&mut self, store: StorePlan) -> StoreId {
        let id = StoreId(u32::try_from(self.stores.len()).expect("a plan has fewer than 2^32 stores"));
        if let Some(first) = self.stores_by_name.insert(store.name.clone(), id) {
            let first = self.store(first).origin;
            let why = format!("two stores are named {:?}: at {first} and at {}", store.name, store.origin);
            self.keep_mistake(Error::new(Kind::Invalid, why));
        }
        self.stores.push(store);
        id
    }

    /// Keeps a name for the next operator of a handle; handles are `Copy` and cannot carry it.
    pub(crate) fn keep_name(&mut self, name: String) -> PendingName {
        self.pending_names.push(name);
        PendingName(self.pending_names.len() - 1)
    }

    pub(crate) fn kept_name(&self, name: PendingName) -> String {
        self.pending_names[name.0].clone()
    }

    /// The user's name, checked, or the next generated one. An index is used up either way.
    pub(crate) fn operator_name(
        &mut self,
        user: Option<String>,
        prefix: &str,
        origin: &'static Location<'static>,
    ) -> String {
        if let Some(Err(error)) = user.as_deref().map(names::validate) {
            self.mistake(error, origin);
        }
        self.names.or_generate(user, prefix)
    }

    /// The user's name, checked. No index is used up.
    pub(crate) fn user_name(&mut self, name: String, origin: &'static Location<'static>) -> String {
        if let Err(error) = names::validate(&name) {
            self.mistake(error, origin);
        }
        name
    }

    pub(crate) fn node(&self, id: NodeId) -> &PlanNode {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut PlanNode {
        &mut self.nodes[id.0 as usize]
    }

    pub(crate) fn store(&self, id: StoreId) -> &StorePlan {
        &self.stores[id.0 as usize]
    }

    pub(crate) fn store_mut(&mut self, id: StoreId) -> &mut StorePlan {
        &mut self.stores[id.0 as usize]
    }

    /// The store of that name.
    pub(crate) fn find_store(&self, name: &str) -> Option<StoreId> {
        self.stores_by_name.get(name).copied()
    }

    /// Names of all stores.
    pub(crate) fn store_names(&self) -> Vec<&str> {
        self.stores.iter().map(|store| store.name.as_str()).collect()
    }

    /// Connects a store to a node that reads or writes it.
    pub(crate) fn connect(&mut self, node: NodeId, store: StoreId) {
        let stores = &mut self.nodes[node.0 as usize].stores;
        if !stores.contains(&store) {
            stores.push(store);
        }
    }

    /// Keeps a mistake: the DSL's methods cannot fail, `build` does.
    pub(crate) fn mistake(&mut self, error: Error, origin: &'static Location<'static>) {
        self.keep_mistake(error.within(format_args!("at {origin}")));
    }

    /// Keeps a mistake that names its lines already.
    pub(super) fn keep_mistake(&mut self, error: Error) {
        self.mistakes.push(error);
    }

    /// The finished plan.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn build(mut self) -> Result<Arc<Plan>> {
        if !self.mistakes.is_empty() {
            return Err(self.mistakes.swap_remove(0));
        }
        relax::relax_null_keys(&mut self.nodes);
        let written = order::written(&self.nodes, &self.moved);
        order::sort_children(&mut self.nodes, &written);
        let subtopologies = subtopology::cut(&self.nodes, &written);
        Ok(Arc::new(Plan { nodes: self.nodes, stores: self.stores, subtopologies }))
    }
}
