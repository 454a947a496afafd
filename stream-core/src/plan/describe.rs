//! The text of `Topology::describe`, equal to Kafka Streams' (`InternalTopologyBuilder.TopologyDescription`).
//!
//! Nodes stand by descending size of what lies below them, then by name. Kafka Streams sorts the names behind the arrows
//! while the sizes are still growing, in the order of a Java hash map, and so must we; see [`java_order`] and [`TreeSet`].

use std::cmp::Ordering;
use std::fmt::Write;

use hashbrown::HashMap;

use crate::plan::tree_set::TreeSet;
use crate::plan::{NodeId, Op, Plan, SinkTopic, Subtopology};

pub(crate) fn describe(plan: &Plan) -> String {
    let mut text = String::from("Topologies:\n ");
    for subtopology in &plan.subtopologies {
        let _ = writeln!(text, "  Sub-topology: {}", subtopology.id);
        let nodes = Nodes::linked(plan, subtopology);
        for node in nodes.sorted() {
            describe_node(plan, &nodes, node, &mut text);
        }
        text.push('\n');
    }
    text
}

fn describe_node(plan: &Plan, nodes: &Nodes, index: usize, text: &mut String) {
    let drawn = &nodes.list[index];
    let node = plan.node(drawn.id);
    let predecessors = nodes.names(&drawn.predecessors);
    let name = &node.name;
    let _ = match &node.op {
        Op::Source(topics) => {
            let topics: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
            let topics = as_copied(&topics).join(", ");
            let _ = write!(text, "    Source: {name} (topics: [{topics}])\n      --> ");
            writeln!(text, "{}", nodes.names(&drawn.successors))
        }
        Op::Sink(topic) => {
            let target = match topic {
                SinkTopic::Topic(topic) | SinkTopic::Repartition { topic, .. } => format!("topic: {}", topic.name),
                SinkTopic::PerRecord(extractor) => format!("extractor class: {extractor}"),
            };
            writeln!(text, "    Sink: {name} ({target})\n      <-- {predecessors}")
        }
        _ => {
            let stores: Vec<_> = node.stores.iter().map(|store| plan.store(*store).name.as_str()).collect();
            let stores = as_copied(&stores).join(", ");
            let successors = nodes.names(&drawn.successors);
            writeln!(
                text,
                "    Processor: {name} (stores: [{stores}])\n      --> {successors}\n      <-- {predecessors}"
            )
        }
    };
}

/// The nodes of a subtopology as they are drawn.
struct Nodes<'p> {
    list: Vec<Drawn<'p>>,
}

struct Drawn<'p> {
    id: NodeId,
    name: &'p str,
    /// Nodes below it, itself included, each once for every path to it.
    size: usize,
    predecessors: TreeSet,
    successors: TreeSet,
}

impl<'p> Nodes<'p> {
    /// Connects each node to its parents, one after the other in Java's order.
    fn linked(plan: &'p Plan, subtopology: &Subtopology) -> Self {
        let drawn = |id: &NodeId| {
            let name = plan.node(*id).name.as_str();
            Drawn { id: *id, name, size: 1, predecessors: TreeSet::default(), successors: TreeSet::default() }
        };
        let mut nodes = Self { list: subtopology.written.iter().map(drawn).collect() };
        let places: HashMap<NodeId, usize> = subtopology.written.iter().copied().zip(0..).collect();
        let names: Vec<_> = nodes.list.iter().map(|node| node.name).collect();
        // A hash set of names is copied into a hash map: the second sees the first's order.
        let in_set = java_order(&names);
        let copied: Vec<_> = in_set.iter().map(|index| names[*index]).collect();
        for position in java_order(&copied) {
            let index = in_set[position];
            for parent in &plan.node(nodes.list[index].id).parents {
                let parent = places[parent];
                nodes.insert(index, parent, |node| &mut node.predecessors);
                nodes.insert(parent, index, |node| &mut node.successors);
                nodes.grow(parent, nodes.list[index].size);
            }
        }
        nodes
    }

    /// Adds `added` to the neighbours of `node`, where it belongs by the sizes of now.
    fn insert(&mut self, node: usize, added: usize, side: for<'a> fn(&'a mut Drawn<'p>) -> &'a mut TreeSet) {
        let mut neighbours = std::mem::take(side(&mut self.list[node]));
        neighbours.insert(added, |a, b| if a == b { Ordering::Equal } else { self.rank(a).cmp(&self.rank(b)) });
        *side(&mut self.list[node]) = neighbours;
    }

    fn grow(&mut self, node: usize, by: usize) {
        self.list[node].size += by;
        for parent in self.list[node].predecessors.values() {
            self.grow(parent, by);
        }
    }

    fn rank(&self, node: usize) -> (std::cmp::Reverse<usize>, &'p str) {
        (std::cmp::Reverse(self.list[node].size), self.list[node].name)
    }

    fn sorted(&self) -> Vec<usize> {
        let mut sorted: Vec<_> = (0..self.list.len()).collect();
        sorted.sort_by_key(|node| self.rank(*node));
        sorted
    }

    fn names(&self, neighbours: &TreeSet) -> String {
        let names: Vec<_> = neighbours.values().into_iter().map(|node| self.list[node].name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

/// The names as a Java `HashSet` copied from a collection of them gives them.
fn as_copied<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let capacity = (names.len() * 4 / 3 + 1).max(16).next_power_of_two();
    in_buckets(names, capacity).into_iter().map(|index| names[index]).collect()
}

/// The order in which a Java `HashMap` that these keys are put into one by one gives them, as indices.
fn java_order(keys: &[&str]) -> Vec<usize> {
    let mut buckets: usize = 16;
    while keys.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    in_buckets(keys, buckets)
}

/// By bucket, then by insertion.
fn in_buckets(keys: &[&str], buckets: usize) -> Vec<usize> {
    let bucket = |key: &str| {
        let hash = key.encode_utf16().fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
        (hash ^ (hash >> 16)) as usize & (buckets - 1)
    };
    let mut order: Vec<_> = (0..keys.len()).collect();
    order.sort_by_key(|index| bucket(keys[*index]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamsBuilder;

    #[test]
    fn a_chain_stands_from_source_to_sink() {
        let builder = StreamsBuilder::new();
        builder.stream::<String, String>("in").filter(|_, _| true).to("out");
        let expected = "Topologies:\n   Sub-topology: 0\n    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n      --> \
            KSTREAM-FILTER-0000000001\n    Processor: KSTREAM-FILTER-0000000001 (stores: [])\n      --> \
            KSTREAM-SINK-0000000002\n      <-- KSTREAM-SOURCE-0000000000\n    Sink: KSTREAM-SINK-0000000002 (topic: out)\n      \
            <-- KSTREAM-FILTER-0000000001\n\n";
        assert_eq!(builder.build().expect("a valid topology").describe(), expected);
    }

    #[test]
    fn keys_stand_as_in_a_java_hash_map() {
        // `new HashMap` of these prints {banana=…, apple=…, cherry=…} on a JVM.
        assert_eq!(as_copied(&["apple", "banana", "cherry"]), ["banana", "apple", "cherry"]);
    }
}
