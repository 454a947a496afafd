//! Settings from names and values, as a properties file has them: Kafka Streams' names, dots or underscores.

use std::str::FromStr;

use crate::settings::{ProcessingGuarantee, Settings};
use crate::task::BadRecords;
use crate::{Error, Kind, Result, nearest_name};

/// Sets one setting from its text; the error says what the text should be.
type Set = fn(&mut Settings, &str) -> std::result::Result<(), String>;

/// Every name, with the setting that it means. Names that mean the same stand side by side.
const NAMES: [(&str, Set); 28] = [
    ("application.id", |s, v| put(&mut s.application_id, v)),
    ("client.id", |s, v| put(s.client_id.get_or_insert_default(), v)),
    ("state.dir", |s, v| put(&mut s.state_dir, v)),
    ("num.stream.threads", |s, v| put(&mut s.num_stream_threads, v)),
    ("processing.guarantee", |s, v| guarantee(v).map(|it| s.processing_guarantee = it)),
    ("commit.interval.ms", |s, v| put(s.commit_interval_ms.get_or_insert_default(), v)),
    ("cache.max.bytes", |s, v| put(&mut s.cache_max_bytes, v)),
    ("statestore.cache.max.bytes", |s, v| put(&mut s.cache_max_bytes, v)),
    ("cache.max.bytes.buffering", |s, v| put(&mut s.cache_max_bytes, v)),
    ("state.memory.bytes", |s, v| put(&mut s.state_memory_bytes, v)),
    ("max.task.idle.ms", |s, v| put(&mut s.max_task_idle_ms, v)),
    ("buffered.records.per.partition", |s, v| put(&mut s.buffered_records_per_partition, v)),
    ("poll.ms", |s, v| put(&mut s.poll_ms, v)),
    ("poll.records.max", |s, v| put(&mut s.poll_records_max, v)),
    ("max.poll.records", |s, v| put(&mut s.poll_records_max, v)),
    ("bad.records", |s, v| bad_records(v).map(|it| s.bad_records = it)),
    ("deserialization.exception.handler", |s, v| bad_records(v).map(|it| s.bad_records = it)),
    ("session.timeout.ms", |s, v| put(&mut s.session_timeout_ms, v)),
    ("rebalance.timeout.ms", |s, v| put(&mut s.rebalance_timeout_ms, v)),
    ("max.poll.interval.ms", |s, v| put(&mut s.rebalance_timeout_ms, v)),
    ("replication.factor", |s, v| put(&mut s.replication_factor, v)),
    ("windowstore.changelog.additional.retention.ms", |s, v| {
        put(&mut s.windowstore_changelog_additional_retention_ms, v)
    }),
    ("repartition.purge.interval.ms", |s, v| put(&mut s.repartition_purge_interval_ms, v)),
    ("task.timeout.ms", |s, v| put(&mut s.task_timeout_ms, v)),
    ("close.timeout.ms", |s, v| put(&mut s.close_timeout_ms, v)),
    ("state.flush.interval.ms", |s, v| put(&mut s.state_flush_interval_ms, v)),
    ("state.flush.records.max", |s, v| put(&mut s.state_flush_records_max, v)),
    ("default.deserialization.exception.handler", |s, v| bad_records(v).map(|it| s.bad_records = it)),
];

/// Names of Kafka Streams that configure its clients: here they belong to the log.
const OF_THE_LOG: [&str; 8] = [
    "bootstrap.servers",
    "security.protocol",
    "consumer.",
    "main.consumer.",
    "restore.consumer.",
    "producer.",
    "admin.",
    "ssl.",
];

impl Settings {
    /// Settings from pairs of name and value. Names are Kafka Streams' (`commit.interval.ms`), with dots or with
    /// underscores; `topic.NAME` sets `NAME` for every internal topic.
    ///
    /// # Errors
    /// `Kind::Invalid` for an unknown name, with the nearest one; for a value of another type; for two names of the same
    /// setting with different values; and for what [`validate`](Settings::validate) refuses.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self> {
        let mut settings = Self::default();
        let mut seen: Vec<(String, Settings)> = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref().trim());
            let dotted = name.trim().replace('_', ".");
            let before = settings.clone();
            if let Some(topic_setting) = dotted.strip_prefix("topic.") {
                settings.topic.insert(topic_setting.to_owned(), value.to_owned());
            } else {
                let set = find(&dotted, name)?;
                set(&mut settings, value).map_err(|wanted| {
                    Error::new(Kind::Invalid, format!("the setting {name}={value} is not {wanted}"))
                })?;
            }
            check_repeated(&dotted, &before, &settings, &mut seen)?;
        }
        settings.validate()?;
        Ok(settings)
    }
}

/// Refuses a second name of a setting that changes what the first has set.
fn check_repeated(name: &str, before: &Settings, after: &Settings, seen: &mut Vec<(String, Settings)>) -> Result<()> {
    let same = seen.iter().find(|(earlier, _)| earlier == name || same_setting(earlier, name));
    if let Some((earlier, _)) = same
        && before != after
    {
        let why =
            format!("the settings {earlier} and {name} contradict each other: they mean the same; give one of them");
        return Err(Error::new(Kind::Invalid, why));
    }
    seen.push((name.to_owned(), after.clone()));
    Ok(())
}

/// Whether two names set the same setting: found out by setting it.
fn same_setting(a: &str, b: &str) -> bool {
    let probe = |name: &str| {
        let (_, set) = NAMES.iter().find(|(known, _)| *known == name)?;
        let mut settings = Settings::default();
        ["7", "skip", "exactly_once_v2"].iter().find(|value| set(&mut settings, value).is_ok())?;
        Some(settings)
    };
    match (probe(a), probe(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

fn find(dotted: &str, name: &str) -> Result<Set> {
    if let Some((_, set)) = NAMES.iter().find(|(known, _)| *known == dotted) {
        return Ok(*set);
    }
    if OF_THE_LOG.iter().any(|prefix| dotted.starts_with(prefix)) {
        let why = format!("the setting {name} belongs to the log: give it to the log's own settings");
        return Err(Error::new(Kind::Invalid, why));
    }
    let (nearest, _) = nearest_name(dotted, NAMES.iter().map(|(known, _)| *known)).expect("there are settings");
    Err(Error::new(Kind::Invalid, format!("there is no setting {name:?}; the nearest is {nearest:?}")))
}

fn put<T: FromStr>(target: &mut T, value: &str) -> std::result::Result<(), String> {
    *target = value.parse().map_err(|_| match std::any::type_name::<T>() {
        "i16" | "i64" => "a whole number".to_owned(),
        "u64" | "usize" => "a whole number of 0 or more".to_owned(),
        other => format!("a {other}"),
    })?;
    Ok(())
}

fn guarantee(value: &str) -> std::result::Result<ProcessingGuarantee, String> {
    match value {
        "at_least_once" => Ok(ProcessingGuarantee::AtLeastOnce),
        "exactly_once" | "exactly_once_v2" => Ok(ProcessingGuarantee::ExactlyOnce),
        _ => Err("at_least_once or exactly_once_v2".to_owned()),
    }
}

/// Short words, or the names of Kafka Streams' handlers.
fn bad_records(value: &str) -> std::result::Result<BadRecords, String> {
    match value.rsplit('.').next().unwrap_or_default() {
        "fail" | "LogAndFailExceptionHandler" => Ok(BadRecords::Fail),
        "skip" | "LogAndContinueExceptionHandler" => Ok(BadRecords::Skip),
        _ => Err("fail, skip, LogAndFailExceptionHandler or LogAndContinueExceptionHandler".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn names_come_with_dots_or_underscores() {
        let pairs = [
            ("application.id", "counts"),
            ("num_stream_threads", "3"),
            ("state.dir", "/data/state"),
            ("commit.interval.ms", "1000"),
            ("processing.guarantee", "exactly_once_v2"),
            ("deserialization.exception.handler", "org.apache.kafka.streams.errors.LogAndContinueExceptionHandler"),
            ("topic.retention.ms", "-1"),
        ];
        let settings = Settings::from_pairs(pairs).expect("valid settings");
        let expected = Settings {
            num_stream_threads: 3,
            state_dir: "/data/state".into(),
            commit_interval_ms: Some(1000),
            processing_guarantee: ProcessingGuarantee::ExactlyOnce,
            bad_records: BadRecords::Skip,
            topic: BTreeMap::from([("retention.ms".to_owned(), "-1".to_owned())]),
            ..Settings::new("counts")
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (("comit.interval.ms", "1"), "\"commit.interval.ms\""),
            (("num.threads", "1"), "\"num.stream.threads\""),
            (("num.stream.threads", "many"), "num.stream.threads=many is not a whole number"),
            (("processing.guarantee", "exactly_once_v3"), "exactly_once_v2"),
            (("bootstrap.servers", "localhost:9092"), "belongs to the log"),
            (("application.id", "other"), "contradict"),
        ];
        for (pair, expected) in cases {
            let error = Settings::from_pairs([("application.id", "app"), pair]).expect_err("a mistake");
            assert_eq!(error.kind(), Kind::Invalid);
            assert!(error.to_string().contains(expected), "{pair:?}: {error}");
        }
    }

    #[test]
    fn two_names_of_a_setting_must_agree() {
        let with = |bytes| {
            let (a, b) = (("statestore.cache.max.bytes", "100"), ("cache.max.bytes.buffering", bytes));
            Settings::from_pairs([("application.id", "app"), a, b])
        };
        assert_eq!(with("100").expect("they agree").cache_max_bytes, 100);
        let message = with("200").expect_err("they contradict each other").to_string();
        assert!(message.contains("statestore.cache.max.bytes"), "{message}");
    }
}
