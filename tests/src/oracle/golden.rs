//! The recorded runs of `golden.txt`: a title, the text of `describe()`, and what each record gave, as bytes.

use state_store::Timestamp;
use stream_core::testing::{DriverSettings, Produced, TopologyTestDriver};
use stream_core::{Result, Topology};

use crate::oracle::datum::hex;

/// A recorded run.
#[derive(Debug, PartialEq, Eq)]
pub struct Golden {
    /// What the topology is, with its settings.
    pub title: String,
    /// The topology as text.
    pub describe: String,
    /// The records piped, each with what it gave.
    pub steps: Vec<Piped>,
}

/// A record that was piped.
#[derive(Debug, PartialEq, Eq)]
pub struct Piped {
    topic: String,
    key: String,
    value: String,
    timestamp: i64,
    /// A line for each record that came out, topic by topic.
    given: Vec<String>,
}

/// Header that each piped record has.
const HEADER: (&str, &[u8]) = ("h", &[7]);

/// The runs in `text`.
pub fn parse(text: &str) -> Vec<Golden> {
    let sections = text.split("######## ").skip(1);
    sections.map(|section| section.split_once('\n').unwrap_or((section, ""))).map(|(t, body)| run(t, body)).collect()
}

fn run(title: &str, body: &str) -> Golden {
    let (describe, steps) = body.split_once("-- in ").unwrap_or((body, ""));
    let steps = steps.split("-- in ").filter(|step| !step.trim().is_empty()).map(piped).collect();
    // A blank line stands between the text and the steps.
    let describe = format!("{}\n\n", describe.trim_end());
    Golden { title: title.trim().to_owned(), describe, steps }
}

/// `TOPIC KEY=VALUE@TIMESTAMP`, and a line for each record that came out.
fn piped(step: &str) -> Piped {
    let mut lines = step.lines();
    let head = lines.next().unwrap_or_default();
    let (topic, record) = head.split_once(' ').unwrap_or((head, ""));
    let (key, rest) = record.split_once('=').unwrap_or((record, ""));
    let (value, timestamp) = rest.rsplit_once('@').unwrap_or((rest, ""));
    Piped {
        topic: topic.to_owned(),
        key: key.to_owned(),
        value: value.to_owned(),
        timestamp: timestamp.trim().parse().unwrap_or_default(),
        given: lines.map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
    }
}

/// What `topology` says and gives for the same records.
///
/// # Errors
/// What the driver says.
pub fn replay(golden: &Golden, topology: &Topology) -> Result<Golden> {
    let mut driver = TopologyTestDriver::new(topology, &DriverSettings::default())?;
    let steps = golden.steps.iter().map(|step| {
        let Piped { topic, key, value, timestamp, .. } = step;
        let mut headers = state_store::Headers::EMPTY;
        headers.push(HEADER.0, Some(HEADER.1.to_vec()));
        let (key_bytes, value_bytes) = (key.as_bytes(), value.as_bytes());
        driver.pipe(topic, Some(key_bytes), Some(value_bytes), Timestamp(*timestamp), &headers)?;
        let mut produced = driver.take_produced();
        // The order between topics is not recorded.
        produced.sort_by(|a, b| a.topic.cmp(&b.topic));
        Ok(Piped {
            topic: topic.clone(),
            key: key.clone(),
            value: value.clone(),
            timestamp: *timestamp,
            given: produced.iter().map(line).collect(),
        })
    });
    let steps = steps.collect::<Result<_>>()?;
    Ok(Golden { title: golden.title.clone(), describe: topology.describe(), steps })
}

fn line(record: &Produced) -> String {
    let digits = |bytes: &Option<Vec<u8>>| bytes.as_deref().map_or_else(|| "null".to_owned(), hex);
    let headers = record.headers.iter().map(|header| format!("{}={}", header.name, digits(&header.value)));
    let headers = headers.collect::<Vec<_>>().join(",");
    let Produced { topic, key, value, timestamp, .. } = record;
    format!("{topic} key={} val={} ts={timestamp} hdr[{headers}]", digits(key), digits(value))
}
