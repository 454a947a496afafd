//! Settings: where the brokers are, and what is passed on to librdkafka.
//!
//! Names and values are checked once, before anything runs; values of secrets appear neither in `Debug` nor in errors.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stream_core::log::Isolation;
use stream_core::{Error, Kind, Result};

use crate::ffi::conf::{Conf, Refusal};
use crate::names;

/// Records fetched ahead, per consumer, in kilobytes of 1024 bytes.
pub(crate) const CONSUMER_QUEUE_KBYTES: u32 = 16 << 10;
/// Bytes of one answer to a fetch; with the queue it bounds a consumer's memory.
pub(crate) const FETCH_BYTES_MAX: u32 = 8 << 20;
/// Records on their way out, per producer, in kilobytes of 1024 bytes.
pub(crate) const PRODUCER_QUEUE_KBYTES: u32 = 8 << 10;
/// Records on their way out, per producer.
pub(crate) const PRODUCER_QUEUE_RECORDS: u32 = 100_000;

/// How to reach a Kafka cluster. Plain data; what it does not name has librdkafka's default, or ours:
///
/// | setting | ours | why |
/// |---|---|---|
/// | `queued.max.messages.kbytes` | 16384 | records fetched ahead, per consumer |
/// | `fetch.max.bytes` | 8388608 | one answer to a fetch |
/// | `fetch.queue.backoff.ms` | 5 | a full queue pauses a partition for a second otherwise |
/// | `queue.buffering.max.kbytes` | 8192 | records on their way out, per producer |
/// | `queue.buffering.max.messages` | 100000 | the same, counted |
/// | `linger.ms` | 100 | batches are worth more than a tenth of a second; a flush does not wait for it |
/// | `compression.type` | lz4 | |
/// | `enable.idempotence`, `acks` | true, all | order and no duplicates within a partition |
/// | `message.timeout.ms` | 120000 | a record that no broker takes fails after that |
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// Addresses of some brokers: `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// Settings of librdkafka for consumers and producers.
    #[serde(default)]
    pub common: BTreeMap<String, String>,
    /// Settings of librdkafka for consumers.
    #[serde(default)]
    pub consumer: BTreeMap<String, String>,
    /// Settings of librdkafka for producers.
    #[serde(default)]
    pub producer: BTreeMap<String, String>,
    /// How long a request may take, retries included, before it fails with the address that was asked. Milliseconds,
    /// default 30000.
    #[serde(default = "request_timeout_default")]
    pub request_timeout_ms: u64,
}

const REQUEST_TIMEOUT_MS: u64 = 30_000;

fn request_timeout_default() -> u64 {
    REQUEST_TIMEOUT_MS
}

/// Our defaults for consumers.
const CONSUMER: [(&str, &str); 2] = [("fetch.queue.backoff.ms", "5"), ("socket.nagle.disable", "true")];

/// Our defaults for producers.
const PRODUCER: [(&str, &str); 6] = [
    ("linger.ms", "100"),
    ("compression.type", "lz4"),
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("message.timeout.ms", "120000"),
    ("socket.nagle.disable", "true"),
];

/// Settings that decide what is right, not how fast: they are not the user's.
const RESERVED: [(&str, &str); 13] = [
    ("bootstrap.servers", "it is a field of the settings: bootstrap_servers"),
    ("metadata.broker.list", "it is a field of the settings: bootstrap_servers"),
    ("client.id", "each client has its own, made of the application id"),
    ("group.id", "the group is the application id"),
    ("isolation.level", "it follows from the processing guarantee"),
    ("transactional.id", "it follows from the processing guarantee"),
    ("auto.offset.reset", "where to start is said per topic"),
    ("enable.auto.commit", "offsets are committed with the state"),
    ("enable.auto.offset.store", "offsets are committed with the state"),
    ("enable.partition.eof", "positions are kept with it"),
    ("enable.idempotence", "the order of records in a partition rests on it"),
    ("delivery.report.only.error", "failures are counted, successes are not"),
    ("allow.auto.create.topics", "a topic that is missing is told, not made"),
];

impl KafkaSettings {
    /// The cluster that `bootstrap_servers` belong to, everything else at its default.
    pub fn new(bootstrap_servers: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into(),
            common: BTreeMap::new(),
            consumer: BTreeMap::new(),
            producer: BTreeMap::new(),
            request_timeout_ms: REQUEST_TIMEOUT_MS,
        }
    }

    /// How long a request may take.
    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// Checks all that can be checked without a broker.
    pub(crate) fn validate(&self) -> Result<()> {
        self.addresses()?;
        if self.request_timeout_ms == 0 {
            return Err(invalid("request_timeout_ms is 0: no request could be answered; the default is 30000"));
        }
        let protocol = self.common.iter().chain(&self.consumer).chain(&self.producer);
        for (name, value) in protocol.filter(|(name, _)| *name == "security.protocol") {
            if !value.eq_ignore_ascii_case("plaintext") {
                return Err(invalid(format!("{name} = {value} is not built yet: brokers are reached as plaintext")));
            }
        }
        self.consumer_conf("check", Isolation::ReadCommitted)?;
        self.producer_conf("check")?;
        Ok(())
    }

    /// The addresses to begin with.
    pub(crate) fn addresses(&self) -> Result<Vec<String>> {
        let addresses: Vec<_> =
            self.bootstrap_servers.split(',').map(str::trim).filter(|address| !address.is_empty()).collect();
        if addresses.is_empty() {
            return Err(invalid("bootstrap_servers names no broker: host:port, separated by commas"));
        }
        for address in &addresses {
            let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none() {
                return Err(invalid(format!("bootstrap_servers has {address:?}, which is not host:port")));
            }
        }
        Ok(addresses.into_iter().map(str::to_owned).collect())
    }

    pub(crate) fn consumer_conf(&self, client_id: &str, isolation: Isolation) -> Result<Conf> {
        let mut conf = self.base(client_id)?;
        let defaults = CONSUMER.map(|(name, value)| (name, value.to_owned()));
        set_all(&mut conf, defaults)?;
        set_all(
            &mut conf,
            [
                ("queued.max.messages.kbytes", CONSUMER_QUEUE_KBYTES.to_string()),
                ("fetch.max.bytes", FETCH_BYTES_MAX.to_string()),
            ],
        )?;
        self.set_users(&mut conf, &self.consumer, "consumer")?;
        let isolation = match isolation {
            Isolation::ReadCommitted => "read_committed",
            Isolation::ReadUncommitted => "read_uncommitted",
        };
        let fixed = [
            ("isolation.level", isolation),
            ("auto.offset.reset", "error"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("enable.partition.eof", "true"),
            ("allow.auto.create.topics", "false"),
        ];
        set_all(&mut conf, fixed.map(|(name, value)| (name, value.to_owned())))?;
        Ok(conf)
    }

    pub(crate) fn producer_conf(&self, client_id: &str) -> Result<Conf> {
        let mut conf = self.base(client_id)?;
        set_all(&mut conf, PRODUCER.map(|(name, value)| (name, value.to_owned())))?;
        set_all(
            &mut conf,
            [
                ("queue.buffering.max.kbytes", PRODUCER_QUEUE_KBYTES.to_string()),
                ("queue.buffering.max.messages", PRODUCER_QUEUE_RECORDS.to_string()),
            ],
        )?;
        self.set_users(&mut conf, &self.producer, "producer")?;
        // A record that is acknowledged is of no interest any more; only failures come back.
        set_all(&mut conf, [("delivery.report.only.error", "true".to_owned())])?;
        Ok(conf)
    }

    fn base(&self, client_id: &str) -> Result<Conf> {
        let mut conf = Conf::new();
        let addresses = self.addresses()?.join(",");
        set_all(&mut conf, [("bootstrap.servers", addresses), ("client.id", client_id.to_owned())])?;
        Ok(conf)
    }

    fn set_users(&self, conf: &mut Conf, own: &BTreeMap<String, String>, field: &str) -> Result<()> {
        for (from, settings) in [("common", &self.common), (field, own)] {
            for (name, value) in settings {
                if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| reserved == name) {
                    return Err(invalid(format!("{from}.{name} cannot be set: {why}")));
                }
                conf.set(name, value).map_err(|refusal| refused(from, name, refusal))?;
            }
        }
        Ok(())
    }
}

fn set_all<const N: usize>(conf: &mut Conf, settings: [(&str, String); N]) -> Result<()> {
    settings
        .iter()
        .try_for_each(|(name, value)| conf.set(name, value).map_err(|refusal| refused("ours", name, refusal)))
}

#[cold]
fn refused(from: &str, name: &str, refusal: Refusal) -> Error {
    match refusal {
        Refusal::Unknown => match names::nearest(name, Conf::names().iter().map(String::as_str)) {
            Some(nearest) => invalid(format!("librdkafka has no setting {from}.{name}; did you mean {nearest}?")),
            None => invalid(format!("librdkafka has no setting {from}.{name}")),
        },
        Refusal::Value(_) if names::is_secret(name) => {
            invalid(format!("the value of {from}.{name} is refused; it is not shown, as it may be a secret"))
        }
        Refusal::Value(why) => invalid(format!("the value of {from}.{name} is refused: {why}")),
    }
}

#[cold]
fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, message)
}

impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |settings: &BTreeMap<String, String>| -> BTreeMap<String, String> {
            let value = |name: &str, value: &str| if names::is_secret(name) { "***" } else { value }.to_owned();
            settings.iter().map(|(name, set)| (name.clone(), value(name, set))).collect()
        };
        f.debug_struct("KafkaSettings")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("common", &shown(&self.common))
            .field("consumer", &shown(&self.consumer))
            .field("producer", &shown(&self.producer))
            .field("request_timeout_ms", &self.request_timeout_ms)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(field: &str, name: &str, value: &str) -> KafkaSettings {
        let mut settings = KafkaSettings::new("localhost:9092");
        let map = match field {
            "common" => &mut settings.common,
            "consumer" => &mut settings.consumer,
            _ => &mut settings.producer,
        };
        map.insert(name.to_owned(), value.to_owned());
        settings
    }

    fn refusal(settings: &KafkaSettings) -> String {
        let error = settings.validate().unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        error.to_string()
    }

    #[test]
    fn defaults_are_accepted() {
        KafkaSettings::new("localhost:9092, other:9093").validate().unwrap();
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_one() {
        let message = refusal(&with("consumer", "fetch.max.byte", "1"));
        assert_eq!(message, "librdkafka has no setting consumer.fetch.max.byte; did you mean fetch.max.bytes?");
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused() {
        let message = refusal(&with("producer", "linger.ms", "soon"));
        assert!(message.starts_with("the value of producer.linger.ms is refused: "), "{message}");
    }

    #[test]
    fn what_decides_on_correctness_cannot_be_set() {
        let message = refusal(&with("consumer", "group.id", "other"));
        assert_eq!(message, "consumer.group.id cannot be set: the group is the application id");
    }

    #[test]
    fn secured_brokers_are_refused_until_they_are_built() {
        assert!(refusal(&with("common", "security.protocol", "SASL_SSL")).contains("not built yet"));
    }

    #[test]
    fn addresses_without_a_port_are_refused() {
        assert!(refusal(&KafkaSettings::new("localhost")).contains("host:port"));
        assert!(refusal(&KafkaSettings::new(" , ")).contains("names no broker"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut settings = with("common", "sasl.password", "hunter2");
        settings.common.insert("ssl.key.pem".to_owned(), "hunter2".to_owned());
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
