//! Cuts a plan into subtopologies: what is joined by an edge or by a shared store runs together.
//!
//! Numbers are Kafka Streams': groups in the order of their first node (`InternalTopologyBuilder.makeNodeGroups`).

use crate::plan::{NodeId, PlanNode, Subtopology};

/// The subtopologies of `nodes`. A repartition needs no special case: its sink has no child, its source no parent.
pub(crate) fn cut(nodes: &[PlanNode]) -> Vec<Subtopology> {
    let mut groups = Groups::new(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        for parent in &node.parents {
            groups.unite(parent.0 as usize, index);
        }
        for store in &node.stores {
            if let Some(first) = nodes.iter().position(|other| other.stores.contains(store)) {
                groups.unite(first, index);
            }
        }
    }
    let mut cut: Vec<(usize, Vec<NodeId>)> = Vec::new();
    for index in 0..nodes.len() {
        let root = groups.root(index);
        let id = NodeId(u32::try_from(index).expect("a plan has fewer than 2^32 nodes"));
        match cut.iter_mut().find(|(other, _)| *other == root) {
            Some((_, members)) => members.push(id),
            None => cut.push((root, vec![id])),
        }
    }
    let numbered = cut.into_iter().zip(0u32..);
    numbered.map(|((_, nodes), id)| Subtopology { id, nodes }).collect()
}

/// Union-find with path halving.
struct Groups {
    parents: Vec<usize>,
}

impl Groups {
    fn new(len: usize) -> Self {
        Self { parents: (0..len).collect() }
    }

    fn root(&mut self, mut index: usize) -> usize {
        while self.parents[index] != index {
            self.parents[index] = self.parents[self.parents[index]];
            index = self.parents[index];
        }
        index
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[b] = a;
    }
}
