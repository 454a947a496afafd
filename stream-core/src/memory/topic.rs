//! What a topic is told when it is made: its name and settings, checked as a broker checks them.

use std::collections::BTreeMap;

use crate::record::Timestamp;
use crate::{Error, Kind, Result, nearest_name};

const NAME_LENGTH_MAX: usize = 249;
const PARTITIONS_MAX: i32 = 10_000;

/// Settings with a meaning here, and the defaults of Apache Kafka.
const DEFAULTS: [(&str, &str); 4] = [
    ("cleanup.policy", "delete"),
    ("delete.retention.ms", "86400000"),
    ("max.message.bytes", "1048588"),
    ("retention.ms", "604800000"),
];

/// Settings that Apache Kafka knows and that have no meaning in memory.
const WITHOUT_EFFECT: [&str; 15] = [
    "compression.type",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "index.interval.bytes",
    "max.compaction.lag.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "retention.bytes",
    "segment.bytes",
    "segment.index.bytes",
    "segment.ms",
];

/// A topic's settings, read once.
#[derive(Debug)]
pub(super) struct TopicConfig {
    /// All settings, defaults included.
    pub(super) all: BTreeMap<String, String>,
    compact: bool,
    delete: bool,
    retention_ms: i64,
    tombstone_retention_ms: i64,
    pub(super) record_bytes_max: usize,
}

impl TopicConfig {
    /// Settings of `topic` from what was `given`.
    pub(super) fn new(topic: &str, given: &BTreeMap<String, String>) -> Result<Self> {
        let refuse = |why: String| Error::new(Kind::Invalid, format!("topic {topic:?} cannot be made: {why}"));
        let known: Vec<&str> = DEFAULTS.iter().map(|(name, _)| *name).chain(WITHOUT_EFFECT).collect();
        if let Some(name) = given.keys().find(|name| !known.contains(&name.as_str())) {
            let (nearest, _) = nearest_name(name, known.iter().copied()).expect("there are settings");
            return Err(refuse(format!("there is no setting {name:?}; the nearest is {nearest:?}")));
        }
        let mut all: BTreeMap<_, _> = DEFAULTS.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        all.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
        let number = |name: &str| {
            let value = &all[name];
            value.parse::<i64>().map_err(|_| refuse(format!("{name}={value} is not a number of milliseconds or bytes")))
        };
        let policy = &all["cleanup.policy"];
        let policies: Vec<&str> = policy.split(',').map(str::trim).collect();
        if policies.iter().any(|policy| !["compact", "delete"].contains(policy)) {
            let message = format!("cleanup.policy={policy} is none of delete, compact and compact,delete");
            return Err(refuse(message));
        }
        Ok(Self {
            compact: policies.contains(&"compact"),
            delete: policies.contains(&"delete"),
            retention_ms: number("retention.ms")?,
            tombstone_retention_ms: number("delete.retention.ms")?,
            record_bytes_max: usize::try_from(number("max.message.bytes")?).unwrap_or_default(),
            all,
        })
    }

    /// Whether the latest record of each key stays for ever (as far as retention does not say otherwise).
    pub(super) fn is_compacted(&self) -> bool {
        self.compact
    }

    /// Whether records go by compaction alone.
    pub(super) fn never_deletes(&self) -> bool {
        !self.delete
    }

    /// Records before this are too old at `now`; `None` where none ever is.
    pub(super) fn oldest_record(&self, now: Timestamp) -> Option<Timestamp> {
        (self.delete && self.retention_ms >= 0).then(|| Timestamp(now.millis().saturating_sub(self.retention_ms)))
    }

    /// Deletions of keys before this need not be told to anybody any more at `now`.
    pub(super) fn oldest_tombstone(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.millis().saturating_sub(self.tombstone_retention_ms))
    }
}

/// Checks what every log asks of a topic.
pub(super) fn check_name(name: &str, partitions: i32) -> Result<()> {
    let refuse = |why: String| Err(Error::new(Kind::Invalid, format!("topic {name:?} cannot be made: {why}")));
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name == "." || name == ".." || name.len() > NAME_LENGTH_MAX {
        return refuse(format!("a name has 1 to {NAME_LENGTH_MAX} characters and is not \".\" or \"..\""));
    }
    if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
        return refuse(format!("{bad:?} is not allowed: use letters, digits, '.', '_' and '-'"));
    }
    if !(1..=PARTITIONS_MAX).contains(&partitions) {
        return refuse(format!("{partitions} partitions are not within 1 to {PARTITIONS_MAX}"));
    }
    Ok(())
}
