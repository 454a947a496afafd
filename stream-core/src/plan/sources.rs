//! Which source reads a topic: streams of the same topics share one, and no topic has two.

use std::fmt::Display;

use crate::plan::{NodeId, Op, PlanBuilder, PlanNode, TopicRef, TypeTag};
use crate::{Error, Kind};

impl PlanBuilder {
    /// The source of an earlier stream of the same topics, in whatever order. That it is read as another type is kept as
    /// a mistake.
    pub(crate) fn shared_source(&mut self, topics: &[TopicRef], output: TypeTag, line: &dyn Display) -> Option<NodeId> {
        let same = |source: &&NodeId| {
            let read = topics_of(self.node(**source));
            read.len() == topics.len() && topics.iter().all(|topic| read.contains(topic))
        };
        let source = *self.stream_sources.iter().find(same)?;
        let first = self.node(source);
        if first.output == output {
            return Some(source);
        }
        let why = format!(
            "{} is read as {} at {} and as {} at {line}: a topic is read once, so read it with the same types",
            names(topics),
            first.output.name,
            first.origin,
            output.name
        );
        self.keep_mistake(Error::new(Kind::Invalid, why));
        None
    }

    /// Lets later streams of the same topics share a source.
    pub(crate) fn share_source(&mut self, source: NodeId) {
        self.stream_sources.push(source);
    }

    /// Keeps who reads the topics of a node that was just added.
    pub(super) fn note_topics(&mut self, id: NodeId) {
        let Op::Source(topics) = &self.node(id).op else { return };
        for topic in topics.clone() {
            if let Some(first) = self.readers.insert(topic, id).filter(|first| *first != id) {
                let mistake = overlap(self.node(first), self.node(id));
                self.keep_mistake(mistake);
                return;
            }
        }
    }
}

fn topics_of(node: &PlanNode) -> &[TopicRef] {
    match &node.op {
        Op::Source(topics) => topics,
        _ => &[],
    }
}

fn names(topics: &[TopicRef]) -> String {
    let names: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
    names.join(", ")
}

#[cold]
fn overlap(first: &PlanNode, second: &PlanNode) -> Error {
    let why = format!(
        "the sources made at {} ({}) and at {} ({}) read some topics both: streams may read the same topics, all of \
         them, and nothing else may",
        first.origin,
        names(topics_of(first)),
        second.origin,
        names(topics_of(second))
    );
    Error::new(Kind::Invalid, why)
}
