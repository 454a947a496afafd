//! Null keys pass a repartition where a left join downstream takes them (KIP-962).

use hashbrown::HashMap;

use crate::plan::{JoinKind, Op, PlanNode, SinkTopic, TopicRef};

/// Marks the filters of null keys that let them through.
pub(crate) fn relax_null_keys(nodes: &mut [PlanNode]) {
    let readers = internal_readers(nodes);
    let mut relaxed = vec![false; nodes.len()];
    // Children come after their parents, and so does the source of a repartition after its sink.
    for index in (0..nodes.len()).rev() {
        let node = &nodes[index];
        let reader = match &node.op {
            Op::Sink(SinkTopic::Repartition { topic, .. }) => readers.get(topic).copied(),
            _ => None,
        };
        let mut below = node.children.iter().map(|child| child.0 as usize).chain(reader);
        relaxed[index] = below.any(|child| relaxed[child] || nodes[child].op == Op::StreamTableJoin(JoinKind::Left));
    }
    for (node, relaxed) in nodes.iter_mut().zip(relaxed) {
        if let Op::NullKeyFilter { relaxed: filter } = &mut node.op {
            *filter = relaxed;
        }
    }
}

/// The source of each internal topic.
fn internal_readers(nodes: &[PlanNode]) -> HashMap<TopicRef, usize> {
    let mut readers = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        if let Op::Source(topics) = &node.op {
            readers.extend(topics.iter().filter(|topic| topic.internal).map(|topic| (topic.clone(), index)));
        }
    }
    readers
}
