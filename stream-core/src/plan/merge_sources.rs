//! Sources of the same topics become one: a topic is read once by a task.

use crate::plan::{NodeId, Op, PlanNode, TopicRef};
use crate::{Error, Kind, Result};

/// Moves what hangs below a second source of the same topics to the first, and takes the second out.
///
/// # Errors
/// `Kind::Invalid` where two sources share some topics but not all.
pub(crate) fn merge(nodes: &mut Vec<PlanNode>) -> Result<()> {
    let mut gone = Vec::new();
    for second in 0..nodes.len() {
        let Some(topics) = topics(&nodes[second]) else { continue };
        let earlier = (0..second).filter(|first| !gone.contains(first));
        let mut sharing = earlier.filter(|first| shares(&nodes[*first], topics));
        let Some(first) = sharing.next() else { continue };
        if !same(&nodes[first], topics) {
            return Err(overlap(&nodes[first], &nodes[second]));
        }
        let children = std::mem::take(&mut nodes[second].children);
        for child in &children {
            let parents = &mut nodes[child.0 as usize].parents;
            parents.iter_mut().filter(|parent| parent.0 as usize == second).for_each(|parent| *parent = id(first));
        }
        nodes[first].children.extend(children);
        nodes[first].children.sort_unstable();
        gone.push(second);
    }
    remove(nodes, &gone);
    Ok(())
}

fn topics(node: &PlanNode) -> Option<&[TopicRef]> {
    match &node.op {
        Op::Source(topics) => Some(topics),
        _ => None,
    }
}

fn shares(node: &PlanNode, other: &[TopicRef]) -> bool {
    topics(node).is_some_and(|topics| topics.iter().any(|topic| other.contains(topic)))
}

fn same(node: &PlanNode, other: &[TopicRef]) -> bool {
    topics(node).is_some_and(|topics| topics.len() == other.len() && topics.iter().all(|topic| other.contains(topic)))
}

fn id(index: usize) -> NodeId {
    NodeId(u32::try_from(index).expect("a plan has fewer than 2^32 nodes"))
}

#[cold]
fn overlap(first: &PlanNode, second: &PlanNode) -> Error {
    let names = |node: &PlanNode| {
        let names: Vec<_> = topics(node).unwrap_or_default().iter().map(|topic| topic.name.as_str()).collect();
        names.join(", ")
    };
    let why = format!(
        "the sources made at {} ({}) and at {} ({}) read some topics both: read the same topics in both, or none",
        first.origin,
        names(first),
        second.origin,
        names(second)
    );
    Error::new(Kind::Invalid, why)
}

/// Takes nodes out and numbers the rest anew.
fn remove(nodes: &mut Vec<PlanNode>, gone: &[usize]) {
    if gone.is_empty() {
        return;
    }
    let renumbered = |node: &NodeId| {
        let before = gone.iter().filter(|index| **index < node.0 as usize).count();
        id(node.0 as usize - before)
    };
    for node in nodes.iter_mut() {
        node.parents = node.parents.iter().map(renumbered).collect();
        node.children = node.children.iter().map(renumbered).collect();
    }
    let mut index = 0;
    nodes.retain(|_| {
        index += 1;
        !gone.contains(&(index - 1))
    });
}
