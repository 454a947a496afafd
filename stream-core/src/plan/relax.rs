//! Null keys pass a repartition where a left join downstream takes them (KIP-962).

use crate::plan::{JoinKind, Op, PlanNode, SinkTopic};

/// Marks the filters of null keys that let them through.
pub(crate) fn relax_null_keys(nodes: &mut [PlanNode]) {
    // Children come after their parents, and so does the source of a repartition after its sink.
    let mut relaxed = vec![false; nodes.len()];
    for index in (0..nodes.len()).rev() {
        let node = &nodes[index];
        let takes_null_keys = |node: &PlanNode| node.op == Op::StreamTableJoin(JoinKind::Left);
        let mut below: Vec<_> = node.children.iter().map(|child| child.0 as usize).collect();
        if let Op::Sink(SinkTopic::Repartition { topic, .. }) = &node.op {
            let reads = |other: &PlanNode| matches!(&other.op, Op::Source(topics) if topics.contains(topic));
            below.extend((0..nodes.len()).filter(|other| reads(&nodes[*other])));
        }
        relaxed[index] = below.iter().any(|child| relaxed[*child] || takes_null_keys(&nodes[*child]));
    }
    for (node, relaxed) in nodes.iter_mut().zip(relaxed) {
        if let Op::NullKeyFilter { relaxed: filter } = &mut node.op {
            *filter = relaxed;
        }
    }
}
