//! The order in which Kafka Streams writes the nodes of a plan (`InternalStreamsBuilder.buildAndOptimizeTopology`).
//!
//! It is the order in which they were added, but for one thing: each aggregation that shares the repartition of a named
//! group moves that repartition, and with it all that reads it, behind what was added in the meantime.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;

use crate::plan::{NodeId, Op, PlanNode, SinkTopic};

/// All nodes in the order in which they are written. `moved` says behind how many nodes the filter, the sink and the
/// source of a shared repartition come.
pub(crate) fn written(nodes: &[PlanNode], moved: &HashMap<NodeId, u32>) -> Vec<NodeId> {
    let ids = (0..nodes.len()).map(|index| NodeId(u32::try_from(index).expect("a plan has fewer than 2^32 nodes")));
    if moved.is_empty() {
        return ids.collect();
    }
    let entry = |node: NodeId| Reverse((moved.get(&node).copied().unwrap_or(node.0), node));
    let mut waits: Vec<usize> = nodes.iter().map(|node| node.parents.len()).collect();
    for source in ids.clone().filter_map(|node| repartition_source(nodes, node)) {
        waits[source.0 as usize] = 1;
    }
    let mut ready: BinaryHeap<_> = ids.filter(|node| waits[node.0 as usize] == 0).map(entry).collect();
    let mut written = Vec::with_capacity(nodes.len());
    while let Some(Reverse((_, node))) = ready.pop() {
        written.push(node);
        let below = nodes[node.0 as usize].children.iter().copied().chain(repartition_source(nodes, node));
        for child in below {
            waits[child.0 as usize] -= 1;
            if waits[child.0 as usize] == 0 {
                ready.push(entry(child));
            }
        }
    }
    written
}

/// The source that is written behind `node`, where that is the sink of a repartition: the two are added together.
fn repartition_source(nodes: &[PlanNode], node: NodeId) -> Option<NodeId> {
    let is_sink = matches!(nodes[node.0 as usize].op, Op::Sink(SinkTopic::Repartition { .. }));
    is_sink.then_some(NodeId(node.0 + 1))
}

/// Puts the children of each node into the order in which they are written: records reach them in it.
pub(crate) fn sort_children(nodes: &mut [PlanNode], written: &[NodeId]) {
    let mut ranks = vec![0; nodes.len()];
    for (rank, node) in written.iter().enumerate() {
        ranks[node.0 as usize] = rank;
    }
    for node in nodes {
        node.children.sort_by_key(|child| ranks[child.0 as usize]);
    }
}
