//! What users write: handles on a growing plan. Each method records one node.

mod branch;
mod codecs;
mod counter;
mod fold;
mod grouped;
mod joins;
mod kstream;
mod ktable;
mod materialized;
mod options;
mod print;
mod process;
mod repartition;
mod sinks;
mod store_builder;
mod table_source;
mod views;
mod windowed;
mod windows;

use std::cell::RefCell;
use std::panic::Location;

pub use crate::nullable::Nullable;
pub use branch::Split;
pub use counter::Counter;
pub use grouped::KGroupedStream;
pub use kstream::KStream;
pub use ktable::KTable;
pub use materialized::Materialized;
pub use options::{Consumed, Grouped, Joined, Named, Produced, Repartitioned};
pub use print::Printed;
pub use process::{IntoStores, StoreUse};
pub use store_builder::StoreBuilder;
pub use windowed::TimeWindowedKStream;
pub use windows::TimeWindows;

pub(crate) use codecs::{any_codec, typed_codec};
pub(crate) use table_source::table_of_topic;

use crate::plan::{AnyCodecs, NodeId, Op, PlanBuilder, PlanNode, TypeTag, Wire};
use crate::record::{Data, Record};

/// The plan behind all handles of one builder.
pub(crate) type PlanCell = RefCell<PlanBuilder>;

/// A node to be added: what every operator says of itself.
pub(crate) struct NewNode {
    pub(crate) op: Op,
    pub(crate) name: String,
    pub(crate) parents: Vec<NodeId>,
    pub(crate) codecs: AnyCodecs,
    pub(crate) repartition_required: bool,
    pub(crate) origin: &'static Location<'static>,
    pub(crate) wire: Wire,
}

/// Adds a node whose outlet carries records of `K` and `V`.
pub(crate) fn add<K: Data, V: Data>(plan: &PlanCell, node: NewNode) -> NodeId {
    let NewNode { op, name, parents, codecs, repartition_required, origin, wire } = node;
    plan.borrow_mut().add(PlanNode {
        name,
        op,
        parents,
        children: Vec::new(),
        stores: Vec::new(),
        output: TypeTag::of::<Record<K, V>>(),
        codecs,
        repartition_required,
        table: None,
        origin,
        wire,
    })
}
