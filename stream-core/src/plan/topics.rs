//! Internal topics of a plan: repartitions and changelogs, with Kafka Streams' names and settings.
//!
//! What is said here needs no log. How many partitions they get depends on the source topics that exist:
//! [`partitions`](super::partitions).

use std::collections::BTreeMap;

use crate::plan::{Op, Plan, SinkTopic, StoreKind, StorePlan, Topology};

/// Kafka Streams' `windowstore.changelog.additional.retention.ms`: how long the changelog of a window store is kept
/// beyond the store's own retention, since the broker's clock and event time differ.
pub(crate) const ADDITIONAL_RETENTION_MS: i64 = 24 * 60 * 60 * 1000;

/// A topic that an application makes for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalTopic {
    /// Its name: the application id in front.
    pub name: String,
    /// What it is for.
    pub kind: InternalTopicKind,
    /// How many partitions it has, where the topology says so; else it follows from the source topics.
    pub partitions: Option<i32>,
    /// The settings it is made with.
    pub config: BTreeMap<String, String>,
}

/// What an internal topic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InternalTopicKind {
    /// Records on their way to the partition of their new key.
    Repartition,
    /// The changes of a store.
    Changelog,
}

impl Topology {
    /// The topics that an application with this id makes for itself, by name, as it makes them with default settings.
    #[must_use]
    pub fn internal_topics(&self, application_id: &str) -> Vec<InternalTopic> {
        self.plan.internal_topics(application_id, ADDITIONAL_RETENTION_MS, &BTreeMap::new())
    }
}

impl Plan {
    /// All internal topics by name. `given` are settings for each of them; those of a store or of the library itself
    /// come after and before them: library, then `given`, then the store's own.
    pub(crate) fn internal_topics(
        &self,
        application_id: &str,
        additional_retention_ms: i64,
        given: &BTreeMap<String, String>,
    ) -> Vec<InternalTopic> {
        let mut topics = Vec::new();
        for node in &self.nodes {
            let Op::Sink(SinkTopic::Repartition { topic, partitions }) = &node.op else { continue };
            let mut config = repartition_config();
            config.extend(given.clone());
            let name = topic.resolve(application_id);
            topics.push(InternalTopic { name, kind: InternalTopicKind::Repartition, partitions: *partitions, config });
        }
        for store in self.used_stores() {
            let Some(own) = &store.logging else { continue };
            let mut config = changelog_config(store, additional_retention_ms);
            config.extend(given.clone());
            config.extend(own.clone());
            let name = changelog_name(application_id, &store.name);
            topics.push(InternalTopic { name, kind: InternalTopicKind::Changelog, partitions: None, config });
        }
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        // Several sinks may write into one repartition topic.
        topics.dedup_by(|a, b| a.name == b.name);
        topics
    }

    /// Stores that a node uses: others are never opened.
    pub(crate) fn used_stores(&self) -> impl Iterator<Item = &StorePlan> {
        let used = |index: &usize| self.nodes.iter().any(|node| node.stores.iter().any(|id| id.0 as usize == *index));
        (0..self.stores.len()).filter(used).map(|index| &self.stores[index])
    }
}

/// The changelog topic of a store.
pub(crate) fn changelog_name(application_id: &str, store: &str) -> String {
    format!("{application_id}-{store}-changelog")
}

fn repartition_config() -> BTreeMap<String, String> {
    config(&[("cleanup.policy", "delete"), ("segment.bytes", "52428800"), ("retention.ms", "-1")])
}

fn changelog_config(store: &StorePlan, additional_retention_ms: i64) -> BTreeMap<String, String> {
    match store.kind {
        StoreKind::KeyValue { .. } => config(&[("cleanup.policy", "compact")]),
        StoreKind::Window { retention_ms, retain_duplicates, .. } => {
            // With duplicates, a key's latest record is not all that counts.
            let policy = if retain_duplicates { "delete" } else { "compact,delete" };
            let retention_ms = retention_ms.saturating_add(additional_retention_ms).to_string();
            config(&[("cleanup.policy", policy), ("retention.ms", &retention_ms)])
        }
    }
}

fn config(own: &[(&str, &str)]) -> BTreeMap<String, String> {
    let all = own.iter().chain(&[("message.timestamp.type", "CreateTime")]);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::StreamsBuilder;
    use crate::dsl::{Grouped, Materialized, TimeWindows};

    #[test]
    fn topics_have_kafka_streams_names_and_settings_in_their_order_of_precedence() {
        let builder = StreamsBuilder::new();
        let grouped = builder.stream::<String, String>("in").group_by_with(|_, v| v.clone(), Grouped::as_name("by"));
        let windows = TimeWindows::of_size_with_no_grace(Duration::from_millis(25));
        let materialized = Materialized::as_store("windows").logging([("segment.ms", "5"), ("segment.bytes", "7")]);
        grouped.windowed_by(windows).count_with(materialized);
        let topology = builder.build().expect("a valid topology");
        let given = BTreeMap::from([("segment.bytes", "9"), ("retention.ms", "-1")].map(|(k, v)| (k.into(), v.into())));
        let text = |given: &BTreeMap<String, String>| -> Vec<String> {
            let topics = topology.plan.internal_topics("app", ADDITIONAL_RETENTION_MS, given).into_iter();
            topics.map(|topic| format!("{} {:?} {:?}", topic.name, topic.kind, topic.config)).collect()
        };
        let repartition = "app-by-repartition Repartition {\"cleanup.policy\": \"delete\", \
                           \"message.timestamp.type\": \"CreateTime\", \"retention.ms\": \"-1\", \"segment.bytes\": ";
        let changelog = "app-windows-changelog Changelog {\"cleanup.policy\": \"compact,delete\", \
                         \"message.timestamp.type\": \"CreateTime\", \"retention.ms\": ";
        let own = "\"segment.bytes\": \"7\", \"segment.ms\": \"5\"}";
        let plain = [format!("{repartition}\"52428800\"}}"), format!("{changelog}\"86400025\", {own}")];
        assert_eq!(text(&BTreeMap::new()), plain);
        assert_eq!(text(&given), [format!("{repartition}\"9\"}}"), format!("{changelog}\"-1\", {own}")]);
    }
}
