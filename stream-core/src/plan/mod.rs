//! A topology as data: what `describe`, the passes, the assignment and the dashboard read.
//!
//! The DSL records one [`PlanNode`] per operator of Kafka Streams' physical topology, in the order in which Kafka Streams
//! would write it; [`build`](PlanBuilder::build) runs the passes and cuts the result into subtopologies. A plan never
//! changes afterwards, and every task of every thread is wired from it.

mod build;
mod describe;
pub(crate) mod names;
mod order;
pub(crate) mod partitions;
mod relax;
mod sources;
mod subtopology;
pub(crate) mod table;
pub(crate) mod topics;
mod tree_set;

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use crate::Result;
use crate::task::builder::TaskBuilder;
use crate::task::stores::OpenStore;

pub(crate) use build::{Group, GroupId, PendingName, PlanBuilder};
pub(crate) use table::{TablePlan, TableRows};

/// A node of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) u32);

/// A store of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StoreId(pub(crate) u32);

/// A topology, immutable: `Send + Sync`, shared by all tasks.
pub(crate) struct Plan {
    pub(crate) nodes: Vec<PlanNode>,
    pub(crate) stores: Vec<StorePlan>,
    pub(crate) subtopologies: Vec<Subtopology>,
}

/// One operator.
pub(crate) struct PlanNode {
    /// `KSTREAM-FILTER-0000000003`, or the user's.
    pub(crate) name: String,
    pub(crate) op: Op,
    pub(crate) parents: Vec<NodeId>,
    /// In the order in which they were added.
    pub(crate) children: Vec<NodeId>,
    pub(crate) stores: Vec<StoreId>,
    /// What its outlet carries.
    pub(crate) output: TypeTag,
    /// Codecs its output inherits or brings.
    pub(crate) codecs: AnyCodecs,
    /// Whether the key was changed since the last repartition.
    pub(crate) repartition_required: bool,
    /// Of a table: where others read its current values.
    pub(crate) table: Option<TablePlan>,
    /// The user's line, for every error and the dashboard.
    pub(crate) origin: &'static Location<'static>,
    pub(crate) wire: Wire,
}

/// Makes the running node in a task.
pub(crate) type Wire = Box<dyn Fn(&mut TaskBuilder<'_>) -> Result<()> + Send + Sync>;

/// What a node is. Closed: a pass names the kinds that it treats apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Reads topics.
    Source(Vec<TopicRef>),
    Filter,
    Map,
    MapValues,
    FlatMap,
    FlatMapValues,
    SelectKey,
    Peek,
    Foreach,
    Print,
    Branch,
    /// One of the streams that a branch leads to.
    BranchChild,
    Merge,
    /// The filter of null keys in front of a repartition's sink; `relaxed` lets them through to a left join.
    NullKeyFilter {
        relaxed: bool,
    },
    Process,
    ProcessValues,
    /// A table kept from a source or a stream.
    Table,
    TableFilter,
    TableMapValues,
    ToStream,
    Aggregate,
    WindowAggregate,
    /// A record once per window it falls in, without state.
    WindowAssign,
    StreamTableJoin(JoinKind),
    Sink(SinkTopic),
}

/// Inner or left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
}

/// A topic of the plan. Internal ones get the application id in front when they are used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TopicRef {
    pub(crate) name: String,
    pub(crate) internal: bool,
}

impl TopicRef {
    /// The topic's name in the log.
    pub(crate) fn resolve(&self, application_id: &str) -> String {
        if self.internal { format!("{application_id}-{}", self.name) } else { self.name.clone() }
    }
}

/// Where a sink writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SinkTopic {
    Topic(TopicRef),
    /// The write half of a repartition; `partitions` where the user named a number.
    Repartition {
        topic: TopicRef,
        partitions: Option<i32>,
    },
    /// Chosen for each record; how the extractor prints in `describe`.
    PerRecord(String),
}

/// A store and how to open it.
pub(crate) struct StorePlan {
    pub(crate) name: String,
    pub(crate) kind: StoreKind,
    /// In memory only, restored whole at each start.
    pub(crate) in_memory: bool,
    pub(crate) caching: bool,
    /// Whether changes carry old values, because a node downstream asks for them.
    pub(crate) send_old_values: bool,
    /// Topic settings of the changelog, over the defaults; `None` where logging is off.
    pub(crate) logging: Option<BTreeMap<String, String>>,
    pub(crate) origin: &'static Location<'static>,
    pub(crate) open: OpenFn,
}

/// Opens a typed store in a task.
pub(crate) type OpenFn = Box<dyn Fn(state_store::StoreConfig) -> Result<OpenStore> + Send + Sync>;

/// The kinds of store, with what their topics and their views need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    KeyValue { timestamped: bool },
    Window { timestamped: bool, size_ms: i64, retention_ms: i64, retain_duplicates: bool },
}

/// A part of the topology between repartitions: what a task runs one partition of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subtopology {
    pub(crate) id: u32,
    /// Ascending.
    pub(crate) nodes: Vec<NodeId>,
    /// The same in the order in which Kafka Streams writes them, which shows in `describe`.
    pub(crate) written: Vec<NodeId>,
}

/// A type by identity and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeTag {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl TypeTag {
    pub(crate) fn of<T: 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: std::any::type_name::<T>() }
    }
}

/// The codecs a stream carries, each a `CodecRef<T>` behind `Any`: Kafka Streams' serde inheritance.
#[derive(Clone, Default)]
pub(crate) struct AnyCodecs {
    pub(crate) key: Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) value: Option<Arc<dyn Any + Send + Sync>>,
}

impl Plan {
    pub(crate) fn node(&self, id: NodeId) -> &PlanNode {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn store(&self, id: StoreId) -> &StorePlan {
        &self.stores[id.0 as usize]
    }
}

/// A topology that a [`StreamsBuilder`](crate::StreamsBuilder) has built: start it, test it, or describe it.
#[derive(Clone)]
pub struct Topology {
    pub(crate) plan: Arc<Plan>,
}

impl Topology {
    /// The topology as text, in Kafka Streams' own format.
    #[must_use]
    pub fn describe(&self) -> String {
        describe::describe(&self.plan)
    }
}
