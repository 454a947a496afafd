//! What only the memory log can do; everything else is in the conformance suite.

use std::time::Duration;

use super::MemoryLog;
use crate::log::{Batch, Isolation, Log, NewTopic, Outgoing, Producer, StartAt};
use crate::record::{Headers, Timestamp, TopicPartition};

crate::log_conformance!(MemoryLog::new());
crate::log_transactions_conformance!(MemoryLog::new());

fn topic(log: &MemoryLog, name: &str, config: &[(&str, &str)]) -> TopicPartition {
    let config = config.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let topic = NewTopic { name: name.to_owned(), partitions: 1, replication: -1, config };
    log.admin().unwrap().create(&[topic]).unwrap();
    TopicPartition::new(name, 0)
}

fn send(producer: &mut dyn Producer, topic: &str, key: &str, value: Option<&str>, timestamp: i64) {
    let (topic, _) = producer.topic(topic).unwrap();
    let (key, value) = (Some(key.as_bytes()), value.map(str::as_bytes));
    let timestamp = Timestamp(timestamp);
    producer.send(Outgoing { topic, partition: 0, key, value, timestamp, headers: &Headers::EMPTY }).unwrap();
}

/// Keys, values and offsets of a partition, as a new reader sees them.
fn read(log: &MemoryLog, partition: &TopicPartition, isolation: Isolation) -> Vec<String> {
    let mut consumer = log.consumer("reader", isolation).unwrap();
    consumer.assign(&[(partition.clone(), Some(StartAt::Beginning))]).unwrap();
    let mut found = Vec::new();
    let mut batch = Batch::default();
    loop {
        consumer.poll(Duration::ZERO, 3, &mut batch).unwrap();
        if batch.is_empty() {
            return found;
        }
        for index in 0..batch.len() {
            let (_, record) = batch.get(index);
            let text = |bytes: Option<&[u8]>| bytes.map_or_else(|| "null".into(), String::from_utf8_lossy).into_owned();
            found.push(format!("{}: {}={}", record.offset, text(record.key), text(record.value)));
        }
    }
}

#[test]
fn compaction_keeps_the_latest_record_of_each_key_at_its_offset() {
    let log = MemoryLog::new();
    let partition = topic(&log, "table", &[("cleanup.policy", "compact")]);
    let mut producer = log.producer("writer", None).unwrap();
    for (key, value) in [("a", Some("1")), ("b", Some("1")), ("a", Some("2")), ("b", None), ("c", Some("1"))] {
        send(&mut *producer, "table", key, value, 5);
    }
    producer.flush().unwrap();
    log.compact();
    assert_eq!(read(&log, &partition, Isolation::ReadCommitted), ["2: a=2", "3: b=null", "4: c=1"]);
}

#[test]
fn a_reader_that_polls_finds_what_a_producer_has_not_flushed() {
    let log = MemoryLog::new();
    let partition = topic(&log, "events", &[]);
    let mut producer = log.producer("writer", None).unwrap();
    send(&mut *producer, "events", "a", Some("1"), 5);
    assert_eq!(read(&log, &partition, Isolation::ReadCommitted), ["0: a=1"]);
}
