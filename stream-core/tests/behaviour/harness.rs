//! Short forms for tests: text in, text out.

use std::time::Duration;

use stream_core::StreamsBuilder;
use stream_core::record::{Headers, Timestamp};
use stream_core::testing::{DriverSettings, Produced, TopologyTestDriver};

/// A driver of a finished topology.
pub(crate) fn start(builder: StreamsBuilder) -> TopologyTestDriver {
    let topology = builder.build().expect("a valid topology");
    TopologyTestDriver::new(&topology, &DriverSettings::default()).expect("a driver")
}

/// Pipes `key=value@timestamp`; `-` stands for null.
pub(crate) fn pipe(driver: &mut TopologyTestDriver, topic: &str, record: &str) -> stream_core::Result<()> {
    let (key, rest) = record.split_once('=').expect("key=value@timestamp");
    let (value, timestamp) = rest.rsplit_once('@').expect("key=value@timestamp");
    let bytes = |text: &str| (text != "-").then(|| text.as_bytes().to_vec());
    let timestamp = Timestamp(timestamp.parse().expect("a timestamp"));
    driver.pipe(topic, bytes(key).as_deref(), bytes(value).as_deref(), timestamp, &Headers::EMPTY)
}

/// Pipes records and returns what `output` got of them, as text.
pub(crate) fn run(driver: &mut TopologyTestDriver, topic: &str, records: &[&str], output: &str) -> Vec<String> {
    for record in records {
        pipe(driver, topic, record).expect("piped");
    }
    read(driver, output)
}

/// What was sent to a topic since it was last read, as `key=value@timestamp`.
pub(crate) fn read(driver: &mut TopologyTestDriver, topic: &str) -> Vec<String> {
    driver.take_output(topic).iter().map(text).collect()
}

/// A record as `key=value@timestamp`; eight bytes of a value are a number.
pub(crate) fn text(record: &Produced) -> String {
    let show = |bytes: &Option<Vec<u8>>| match bytes {
        None => "-".to_owned(),
        Some(bytes) => match <[u8; 8]>::try_from(bytes.as_slice()) {
            Ok(number) if number[0] == 0 => i64::from_be_bytes(number).to_string(),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        },
    };
    format!("{}={}@{}", show(&record.key), show(&record.value), record.timestamp)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
