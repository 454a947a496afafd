//! Internal topics at the start: those that are missing are made, those that do not fit are refused.

use std::collections::BTreeMap;

use crate::log::{Admin, NewTopic};
use crate::plan::partitions::PartitionCounts;
use crate::plan::{Op, Plan, SinkTopic};
use crate::settings::Settings;
use crate::{Error, Kind, Result};

/// How many partitions everything has, once the topics that users make are there.
///
/// # Errors
/// `Kind::Invalid` where a source or a sink topic is missing, or joined topics differ; `Kind::Retry`.
pub(crate) fn count_partitions(admin: &mut dyn Admin, plan: &Plan, application_id: &str) -> Result<PartitionCounts> {
    let sources: Vec<&str> = plan.external_sources().into_iter().collect();
    let existing = admin.partitions(&sources)?;
    let counts = plan.partition_counts(application_id, &existing)?;
    let sinks: Vec<&str> = plan.nodes.iter().filter_map(|node| external_sink(&node.op)).collect();
    let existing = admin.partitions(&sinks)?;
    let missing: Vec<_> = sinks.into_iter().filter(|sink| !existing.contains_key(*sink)).collect();
    if missing.is_empty() {
        return Ok(counts);
    }
    let missing = missing.join(", ");
    let why = format!("output topics are missing: {missing}; create them before the application is started");
    Err(Error::new(Kind::Invalid, why))
}

fn external_sink(op: &Op) -> Option<&str> {
    match op {
        Op::Sink(SinkTopic::Topic(topic)) if !topic.internal => Some(&topic.name),
        _ => None,
    }
}

/// Makes the internal topics that are missing.
///
/// # Errors
/// `Kind::Invalid` where one exists with another number of partitions: its records lie where their tasks do not look.
/// `Kind::Retry` where one that was made is not seen yet.
pub(crate) fn ensure(admin: &mut dyn Admin, plan: &Plan, settings: &Settings, counts: &PartitionCounts) -> Result<()> {
    let additional_retention_ms = settings.windowstore_changelog_additional_retention_ms;
    let topics = plan.internal_topics(&settings.application_id, additional_retention_ms, &settings.topic);
    let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
    let existing = admin.partitions(&names)?;
    check(&existing, counts)?;
    let missing = topics.iter().filter(|topic| !existing.contains_key(&topic.name));
    let new: Vec<_> = missing
        .map(|topic| NewTopic {
            name: topic.name.clone(),
            partitions: counts.topics[&topic.name],
            replication: settings.replication_factor,
            config: topic.config.clone(),
        })
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    admin.create(&new)?;
    // Somebody else may have made one of them at the same time, and a broker tells of a new topic after a while.
    let existing = admin.partitions(&names)?;
    check(&existing, counts)?;
    match names.iter().find(|name| !existing.contains_key(**name)) {
        Some(name) => Err(Error::new(Kind::Retry, format!("the internal topic {name} was made and is not seen yet"))),
        None => Ok(()),
    }
}

fn check(existing: &BTreeMap<String, i32>, counts: &PartitionCounts) -> Result<()> {
    for (name, partitions) in existing {
        let needed = counts.topics[name];
        if *partitions != needed {
            let why = format!(
                "the internal topic {name} has {partitions} partitions, and the topology needs {needed}: the number of \
                 partitions of a source has changed, or of the topology; delete the application's internal topics and \
                 committed offsets, or give it another application id"
            );
            return Err(Error::new(Kind::Invalid, why));
        }
    }
    Ok(())
}
