//! How many partitions each topic has, and so how many tasks there are: Kafka Streams' own steps.
//!
//! ```text
//! source topics that exist ─▶ repartitions: named number, or the most of the topics that feed them (until none changes)
//!                          ─▶ topics read together by a join: all equal
//!                          ─▶ tasks of a subtopology: the most of its source topics ─▶ partitions of its changelogs
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::topics::changelog_name;
use crate::plan::{NodeId, Op, Plan, SinkTopic, Subtopology};
use crate::{Error, Kind, Result};

/// The partitions of all topics that a plan reads or makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartitionCounts {
    /// By topic: sources, repartitions, changelogs.
    pub(crate) topics: BTreeMap<String, i32>,
    /// Tasks of each subtopology.
    pub(crate) tasks: Vec<i32>,
}

impl Plan {
    /// Names of the source topics that must exist before the start.
    pub(crate) fn external_sources(&self) -> BTreeSet<&str> {
        let sources = self.nodes.iter().filter_map(|node| match &node.op {
            Op::Source(topics) => Some(topics),
            _ => None,
        });
        sources.flatten().filter(|topic| !topic.internal).map(|topic| topic.name.as_str()).collect()
    }

    /// Source topics of a subtopology, by their names in the log.
    pub(crate) fn source_topics(&self, subtopology: &Subtopology, application_id: &str) -> BTreeSet<String> {
        subtopology.nodes.iter().flat_map(|node| self.topics_of_source(*node, application_id)).collect()
    }

    fn topics_of_source(&self, node: NodeId, application_id: &str) -> Vec<String> {
        match &self.node(node).op {
            Op::Source(topics) => topics.iter().map(|topic| topic.resolve(application_id)).collect(),
            _ => Vec::new(),
        }
    }

    /// Partition counts of everything; `existing` are those of the source topics that exist.
    ///
    /// # Errors
    /// `Kind::Invalid` where source topics are missing, listing them, or where topics that are joined differ.
    pub(crate) fn partition_counts(
        &self,
        application_id: &str,
        existing: &BTreeMap<String, i32>,
    ) -> Result<PartitionCounts> {
        let missing: Vec<_> =
            self.external_sources().into_iter().filter(|name| !existing.contains_key(*name)).collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            let why = format!("source topics are missing: {missing}; create them before the application is started");
            return Err(Error::new(Kind::Invalid, why));
        }
        let mut counting = Counting { plan: self, application_id, topics: existing.clone(), fixed: BTreeSet::new() };
        counting.fix_named();
        counting.follow_sources()?;
        for group in self.joined_topics(application_id) {
            counting.equalize(&group)?;
        }
        Ok(counting.finish())
    }

    /// Sets of source topics that a join reads together.
    fn joined_topics(&self, application_id: &str) -> Vec<BTreeSet<String>> {
        let joins = self.nodes.iter().filter(|node| matches!(node.op, Op::StreamTableJoin(_)));
        joins
            .map(|join| {
                let mut sources = BTreeSet::new();
                for parent in &join.parents {
                    self.collect_sources(*parent, application_id, &mut sources);
                }
                // The table's side: whoever writes the store that the join reads.
                for (index, node) in self.nodes.iter().enumerate() {
                    let writes = node.stores.iter().any(|store| join.stores.contains(store));
                    if writes && !matches!(node.op, Op::StreamTableJoin(_)) {
                        let id = NodeId(u32::try_from(index).expect("a plan has fewer than 2^32 nodes"));
                        self.collect_sources(id, application_id, &mut sources);
                    }
                }
                sources
            })
            .collect()
    }

    fn collect_sources(&self, node: NodeId, application_id: &str, sources: &mut BTreeSet<String>) {
        sources.extend(self.topics_of_source(node, application_id));
        for parent in &self.node(node).parents {
            self.collect_sources(*parent, application_id, sources);
        }
    }
}

struct Counting<'a> {
    plan: &'a Plan,
    application_id: &'a str,
    topics: BTreeMap<String, i32>,
    /// Repartitions whose number the user named.
    fixed: BTreeSet<String>,
}

impl Counting<'_> {
    /// Name and named number of every repartition that `nodes` write.
    fn repartitions<'n>(&'n self, nodes: &'n [NodeId]) -> impl Iterator<Item = (String, Option<i32>)> + 'n {
        nodes.iter().filter_map(|node| match &self.plan.node(*node).op {
            Op::Sink(SinkTopic::Repartition { topic, partitions }) => {
                Some((topic.resolve(self.application_id), *partitions))
            }
            _ => None,
        })
    }

    fn fix_named(&mut self) {
        for subtopology in &self.plan.subtopologies {
            let named: Vec<_> = self.repartitions(&subtopology.nodes).collect();
            for (name, partitions) in named {
                if let Some(partitions) = partitions {
                    self.topics.insert(name.clone(), partitions);
                    self.fixed.insert(name);
                }
            }
        }
    }

    /// Gives the other repartitions the most partitions of the topics that feed them, until all have a number.
    fn follow_sources(&mut self) -> Result<()> {
        loop {
            let (mut unknown, mut progress) = (Vec::new(), false);
            for subtopology in &self.plan.subtopologies {
                let sources = self.plan.source_topics(subtopology, self.application_id);
                let counts: Option<Vec<i32>> = sources.iter().map(|topic| self.topics.get(topic).copied()).collect();
                let wanted: Vec<_> = self.repartitions(&subtopology.nodes).collect();
                for (name, _) in wanted {
                    if self.topics.contains_key(&name) {
                        continue;
                    }
                    match counts.as_deref().and_then(|counts| counts.iter().max()) {
                        Some(most) => {
                            self.topics.insert(name, *most);
                            progress = true;
                        }
                        None => unknown.push(name),
                    }
                }
            }
            if unknown.is_empty() {
                return Ok(());
            }
            if !progress {
                let why = format!(
                    "the number of partitions of {} follows from no source topic: name it in the repartition",
                    unknown.join(", ")
                );
                return Err(Error::new(Kind::Invalid, why));
            }
        }
    }

    /// Makes topics that are joined equal: repartitions follow, all others must be equal already.
    fn equalize(&mut self, group: &BTreeSet<String>) -> Result<()> {
        let repartitions: BTreeSet<String> = self
            .plan
            .subtopologies
            .iter()
            .flat_map(|sub| self.repartitions(&sub.nodes))
            .map(|(name, _)| name)
            .collect();
        let is_free = |topic: &&String| repartitions.contains(*topic) && !self.fixed.contains(*topic);
        let set: BTreeSet<i32> = group.iter().filter(|topic| !is_free(topic)).map(|topic| self.topics[topic]).collect();
        if set.len() > 1 {
            let counts: Vec<_> = group.iter().map(|topic| format!("{topic} has {}", self.topics[topic])).collect();
            let why = format!(
                "topics that are joined must have equally many partitions, but {}: repartition one of them first",
                counts.join(", ")
            );
            return Err(Error::new(Kind::Invalid, why));
        }
        let most = group.iter().map(|topic| self.topics[topic]).max();
        let Some(count) = set.first().copied().or(most) else { return Ok(()) };
        let free: Vec<String> = group.iter().filter(is_free).cloned().collect();
        for topic in free {
            self.topics.insert(topic, count);
        }
        Ok(())
    }

    /// Counts tasks, and with them the partitions of changelogs.
    fn finish(mut self) -> PartitionCounts {
        let mut tasks = Vec::new();
        for subtopology in &self.plan.subtopologies {
            let sources = self.plan.source_topics(subtopology, self.application_id);
            let count = sources.iter().map(|topic| self.topics[topic]).max().unwrap_or(0);
            tasks.push(count);
            for node in &subtopology.nodes {
                for store in &self.plan.node(*node).stores {
                    let store = self.plan.store(*store);
                    if store.logging.is_some() {
                        self.topics.insert(changelog_name(self.application_id, &store.name), count);
                    }
                }
            }
        }
        PartitionCounts { topics: self.topics, tasks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsl::{Grouped, Materialized, Repartitioned};
    use crate::{StreamsBuilder, Topology};

    fn build(write: impl FnOnce(&StreamsBuilder)) -> Topology {
        let builder = StreamsBuilder::new();
        write(&builder);
        builder.build().expect("a valid topology")
    }

    fn counts(topology: &Topology, existing: &[(&str, i32)]) -> Result<PartitionCounts> {
        let existing = existing.iter().map(|(name, partitions)| ((*name).to_owned(), *partitions)).collect();
        topology.plan.partition_counts("app", &existing)
    }

    #[test]
    fn repartitions_follow_what_feeds_them_and_changelogs_follow_the_tasks() {
        let topology = build(|builder| {
            let both = builder.stream::<String, String>(["a", "b"]);
            let first = both.select_key(|_, v| v.clone()).repartition_with(Repartitioned::as_name("first"));
            let second = first.select_key(|_, v| v.clone()).group_by_key_with(Grouped::as_name("second"));
            second.count_with(Materialized::as_store("counts"));
        });
        let counts = counts(&topology, &[("a", 2), ("b", 5)]).expect("they fit");
        assert_eq!(counts.tasks, [5, 5, 5]);
        for topic in ["app-first-repartition", "app-second-repartition", "app-counts-changelog"] {
            assert_eq!(counts.topics[topic], 5, "{topic}");
        }
    }

    #[test]
    fn a_number_that_is_named_is_taken() {
        let topology = build(|builder| {
            let stream = builder.stream::<String, String>("a");
            let three = stream.repartition_with(Repartitioned::as_name("three").partitions(3));
            three.group_by_key().count_with(Materialized::as_store("counts"));
        });
        let counts = counts(&topology, &[("a", 8)]).expect("they fit");
        assert_eq!(counts.tasks, [8, 3]);
        assert_eq!((counts.topics["app-three-repartition"], counts.topics["app-counts-changelog"]), (3, 3));
    }

    #[test]
    fn topics_that_are_joined_must_be_equal_and_repartitions_follow() {
        let join = |named: Option<i32>| {
            build(|builder| {
                let table = builder.table::<String, String>("table");
                let stream = builder.stream::<String, String>("stream").select_key(|_, v| v.clone());
                let by = Repartitioned::as_name("by");
                let by = stream.repartition_with(if let Some(named) = named { by.partitions(named) } else { by });
                by.join(table, |_, v, _| v).foreach(|_, _| {});
            })
        };
        let fitted = counts(&join(None), &[("stream", 2), ("table", 5)]).expect("the repartition follows the table");
        assert_eq!((fitted.topics["app-by-repartition"], fitted.tasks), (5, vec![5, 2]));
        let error = counts(&join(Some(4)), &[("stream", 2), ("table", 5)]).expect_err("they differ");
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.to_string().contains("app-by-repartition has 4, table has 5"), "{error}");

        let direct = build(|builder| {
            let table = builder.table::<String, String>("table");
            builder.stream::<String, String>("stream").join(table, |_, v, _| v).foreach(|_, _| {});
        });
        let error = counts(&direct, &[("stream", 2), ("table", 5)]).expect_err("they differ");
        assert!(error.to_string().contains("stream has 2, table has 5"), "{error}");
        assert_eq!(counts(&direct, &[("stream", 3), ("table", 3)]).expect("they are equal").tasks, [3]);
    }

    #[test]
    fn all_missing_sources_are_listed() {
        let topology = build(|builder| builder.stream::<String, String>(["b", "a", "c"]).foreach(|_, _| {}));
        let error = counts(&topology, &[("a", 1)]).expect_err("two are missing");
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.to_string().contains("missing: b, c;"), "{error}");
    }
}
