//! The log: makes consumers, producers, administrators and members that share its settings.

use std::time::Duration;

use stream_core::log::{Admin, Consumer, Group, Isolation, Log, Member, Producer};
use stream_core::{Error, Kind, Result};

use crate::admin::KafkaAdmin;
use crate::consumer::KafkaConsumer;
use crate::ffi::reader::Reader;
use crate::ffi::writer::Writer;
use crate::producer::KafkaProducer;
use crate::settings::KafkaSettings;
use crate::wire::cluster::Cluster;

/// Apache Kafka.
///
/// ```no_run
/// use stream_core::log::{Isolation, Log};
/// use stream_kafka::{KafkaLog, KafkaSettings};
///
/// # fn main() -> stream_core::Result<()> {
/// let mut settings = KafkaSettings::new("localhost:9092");
/// settings.producer.insert("linger.ms".into(), "20".into());
/// let log = KafkaLog::new(settings)?;
/// assert!(log.admin()?.partitions(&["events"])?.contains_key("events"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct KafkaLog {
    settings: KafkaSettings,
    addresses: Vec<String>,
}

impl KafkaLog {
    /// The cluster that `settings` name. Nothing is asked of it yet.
    ///
    /// # Errors
    /// `Kind::Invalid` for a setting that does not exist, does not fit, or is not the user's to set.
    pub fn new(settings: KafkaSettings) -> Result<Self> {
        settings.validate()?;
        let addresses = settings.addresses()?;
        Ok(Self { settings, addresses })
    }

    fn cluster(&self, client_id: &str) -> Cluster {
        Cluster::new(client_id, self.addresses.clone(), self.settings.request_timeout())
    }
}

/// Records fail by themselves after `message.timeout.ms`; a flush waits this much longer for the news.
const NEWS_TIMEOUT: Duration = Duration::from_secs(10);

/// `message.timeout.ms` may be 0, for records that are never given up. A flush ends all the same.
const GIVEN_UP_NEVER: Duration = Duration::from_secs(24 * 3600);

impl Log for KafkaLog {
    fn consumer(&self, client_id: &str, isolation: Isolation) -> Result<Box<dyn Consumer>> {
        let reader = Reader::new(self.settings.consumer_conf(client_id, isolation)?)?;
        Ok(Box::new(KafkaConsumer::new(reader, self.cluster(client_id), isolation)))
    }

    fn producer(&self, client_id: &str, transactional_id: Option<&str>) -> Result<Box<dyn Producer>> {
        if transactional_id.is_some() {
            return Err(Error::new(Kind::Invalid, "exactly once on Kafka is not built yet: use at least once"));
        }
        let conf = self.settings.producer_conf(client_id)?;
        let given_up = conf.get("message.timeout.ms").and_then(|value| value.parse().ok()).map(Duration::from_millis);
        let patience = given_up.filter(|limit| !limit.is_zero()).unwrap_or(GIVEN_UP_NEVER) + NEWS_TIMEOUT;
        Ok(Box::new(KafkaProducer::new(Writer::new(conf)?, self.cluster(client_id), patience)))
    }

    fn admin(&self) -> Result<Box<dyn Admin>> {
        Ok(Box::new(KafkaAdmin::new(self.cluster("admin"))))
    }

    fn join(&self, member: &Member) -> Result<Box<dyn Group>> {
        crate::group::join(self.cluster(&member.client_id), member)
    }
}
