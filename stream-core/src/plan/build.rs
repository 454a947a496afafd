//! The plan while it is being written: nodes and stores are added, mistakes are kept for `build`.

use std::panic::Location;
use std::sync::Arc;

use crate::plan::names::Names;
use crate::plan::{AnyCodecs, NodeId, Plan, PlanNode, StoreId, StorePlan, merge_sources, names, relax, subtopology};
use crate::{Error, Kind, Result};

/// A plan that still grows.
#[derive(Default)]
pub(crate) struct PlanBuilder {
    pub(crate) names: Names,
    nodes: Vec<PlanNode>,
    stores: Vec<StorePlan>,
    pending_names: Vec<String>,
    groups: Vec<Group>,
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

    /// Adds a node below its parents.
    pub(crate) fn add(&mut self, node: PlanNode) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("a plan has fewer than 2^32 nodes"));
        if self.nodes.iter().any(|other| other.name == node.name) {
            let why = format!("two operators are named {:?}; the second is made at {}", node.name, node.origin);
            self.mistakes.push(Error::new(Kind::Invalid, why));
        }
        for parent in &node.parents {
            self.nodes[parent.0 as usize].children.push(id);
        }
        self.nodes.push(node);
        id
    }

    /// Adds a store.
    pub(crate) fn add_store(&mut self, store: StorePlan) -> StoreId {
        let id = StoreId(u32::try_from(self.stores.len()).expect("a plan has fewer than 2^32 stores"));
        if self.stores.iter().any(|other| other.name == store.name) {
            let why = format!("two stores are named {:?}; the second is made at {}", store.name, store.origin);
            self.mistakes.push(Error::new(Kind::Invalid, why));
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
        let index = self.stores.iter().position(|store| store.name == name)?;
        Some(StoreId(u32::try_from(index).expect("indices come from add_store")))
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
        self.mistakes.push(error.within(format_args!("at {origin}")));
    }

    /// The finished plan.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn build(mut self) -> Result<Arc<Plan>> {
        if !self.mistakes.is_empty() {
            return Err(self.mistakes.swap_remove(0));
        }
        merge_sources::merge(&mut self.nodes)?;
        relax::relax_null_keys(&mut self.nodes);
        let subtopologies = subtopology::cut(&self.nodes);
        Ok(Arc::new(Plan { nodes: self.nodes, stores: self.stores, subtopologies }))
    }
}
