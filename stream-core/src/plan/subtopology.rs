//! Cuts a plan into subtopologies: what is joined by an edge or by a shared store runs together.
//!
//! Numbers are Kafka Streams': groups in the order of their first node (`InternalTopologyBuilder.makeNodeGroups`).

use hashbrown::HashMap;

use crate::plan::{NodeId, PlanNode, StoreId, Subtopology};

/// The subtopologies of `nodes`, numbered in the order in which `written` meets them. A repartition needs no special
/// case: its sink has no child, its source no parent.
pub(crate) fn cut(nodes: &[PlanNode], written: &[NodeId]) -> Vec<Subtopology> {
    let mut groups = Groups::new(nodes.len());
    let mut users: HashMap<StoreId, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for parent in &node.parents {
            groups.unite(parent.0 as usize, index);
        }
        for store in &node.stores {
            groups.unite(*users.entry(*store).or_insert(index), index);
        }
    }
    let mut cut: Vec<Subtopology> = Vec::new();
    let mut numbers: HashMap<usize, u32> = HashMap::new();
    for node in written {
        let next = u32::try_from(cut.len()).expect("a plan has fewer than 2^32 nodes");
        let id = *numbers.entry(groups.root(node.0 as usize)).or_insert(next);
        if id == next {
            cut.push(Subtopology { id, nodes: Vec::new(), written: Vec::new() });
        }
        cut[id as usize].written.push(*node);
    }
    for subtopology in &mut cut {
        subtopology.nodes.clone_from(&subtopology.written);
        subtopology.nodes.sort_unstable();
    }
    cut
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
