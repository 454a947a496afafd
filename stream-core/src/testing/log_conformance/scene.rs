//! What the scenarios share: names that are free, records as text, readers that wait.

use std::time::Duration;

use crate::log::{Batch, Consumer, Isolation, Log, Member, NewTopic, Outgoing, PollEvent, Producer, StartAt};
use crate::record::{Headers, Timestamp, TopicPartition};

/// A poll waits that long for a first record.
pub(super) const POLL: Duration = Duration::from_millis(200);
/// So many polls in a row without anything mean that nothing comes.
const EMPTY_POLLS_MAX: usize = 150;
/// So many runs of a scenario find a name on one log.
const NAMES_MAX: usize = 200;

/// A scenario's own topic, on a log that may have others.
pub(super) struct Scene<'a> {
    pub(super) log: &'a dyn Log,
    pub(super) topic: String,
}

impl<'a> Scene<'a> {
    /// A new topic called after the scenario.
    pub(super) fn new(log: &'a dyn Log, scenario: &str, partitions: i32) -> Self {
        let topic = free_name(log, scenario);
        create(log, &topic, partitions);
        Self { log, topic }
    }

    pub(super) fn partition(&self, partition: i32) -> TopicPartition {
        TopicPartition::new(&*self.topic, partition)
    }

    pub(super) fn producer(&self) -> Box<dyn Producer> {
        self.log.producer("conformance-writer", None).unwrap()
    }

    pub(super) fn consumer(&self) -> Box<dyn Consumer> {
        self.log.consumer("conformance-reader", Isolation::ReadCommitted).unwrap()
    }

    /// A consumer that reads partition 0 from `start`.
    pub(super) fn reader(&self, start: StartAt) -> Box<dyn Consumer> {
        let mut consumer = self.consumer();
        consumer.assign(&[(self.partition(0), Some(start))]).unwrap();
        consumer
    }

    /// Writes values to a partition and flushes.
    pub(super) fn write(&self, partition: i32, values: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut producer = self.producer();
        for value in values {
            send(&mut *producer, &self.topic, partition, value.as_ref());
        }
        producer.flush().unwrap();
    }

    /// A member of the group that is called like the topic.
    pub(super) fn member(&self, client_id: &str, process: u8) -> Member {
        Member {
            group: self.topic.clone(),
            client_id: client_id.to_owned(),
            process_id: [process; 16],
            member_id: None,
            topics: vec![self.topic.clone()],
            session_timeout: Duration::from_secs(6),
            rebalance_timeout: Duration::from_secs(10),
        }
    }
}

/// A name that no topic has.
pub(super) fn free_name(log: &dyn Log, scenario: &str) -> String {
    let names: Vec<String> = (0..NAMES_MAX).map(|number| format!("conformance-{scenario}-{number}")).collect();
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let taken = log.admin().unwrap().partitions(&asked).unwrap();
    let free = names.into_iter().find(|name| !taken.contains_key(name));
    free.expect("the log is made anew before a scenario has run that often")
}

/// Makes a topic whose records stay, however old.
pub(super) fn create(log: &dyn Log, name: &str, partitions: i32) {
    let config = [("retention.ms".to_owned(), "-1".to_owned())].into();
    let topic = NewTopic { name: name.to_owned(), partitions, replication: -1, config };
    log.admin().unwrap().create(&[topic]).unwrap();
}

/// Sends a value without a key.
pub(super) fn send(producer: &mut dyn Producer, topic: &str, partition: i32, value: &str) {
    let (topic, _) = producer.topic(topic).unwrap();
    let (value, timestamp) = (Some(value.as_bytes()), Timestamp(1_000));
    producer.send(Outgoing { topic, partition, key: None, value, timestamp, headers: &Headers::EMPTY }).unwrap();
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) source: usize,
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Headers,
}

impl Read {
    /// The value as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.value.clone().unwrap_or_default()).unwrap()
    }
}

/// Reads until there are `count` records; more are too many.
pub(super) fn read(consumer: &mut dyn Consumer, count: usize) -> Vec<Read> {
    let mut found = Vec::new();
    let mut batch = Batch::default();
    let mut empty = 0;
    while found.len() < count {
        let event = consumer.poll(POLL, 500, &mut batch).unwrap();
        assert_eq!(event, None, "after {} of {count} records", found.len());
        take(&batch, &mut found);
        empty = if batch.is_empty() { empty + 1 } else { 0 };
        assert!(empty < EMPTY_POLLS_MAX, "nothing comes after {} of {count} records", found.len());
    }
    assert_eq!(found.len(), count, "more records than were written");
    found
}

/// The texts of `count` records.
pub(super) fn texts(consumer: &mut dyn Consumer, count: usize) -> Vec<String> {
    read(consumer, count).iter().map(Read::text).collect()
}

/// Polls for a while and finds nothing.
pub(super) fn read_nothing(consumer: &mut dyn Consumer) {
    let mut batch = Batch::default();
    for _ in 0..3 {
        assert_eq!(consumer.poll(POLL, 500, &mut batch).unwrap(), None);
        let mut found = Vec::new();
        take(&batch, &mut found);
        assert_eq!(found, []);
    }
}

/// Polls until there is an event, before any record.
pub(super) fn event(consumer: &mut dyn Consumer) -> PollEvent {
    let mut batch = Batch::default();
    for _ in 0..EMPTY_POLLS_MAX {
        let event = consumer.poll(POLL, 500, &mut batch).unwrap();
        assert!(batch.is_empty(), "records came instead of an event");
        if let Some(event) = event {
            return event;
        }
    }
    panic!("no event comes");
}

/// Polls without taking records until `condition` holds.
pub(super) fn poll_until(consumer: &mut dyn Consumer, condition: impl Fn(&mut dyn Consumer) -> bool) {
    let mut batch = Batch::default();
    for _ in 0..EMPTY_POLLS_MAX {
        if condition(consumer) {
            return;
        }
        assert_eq!(consumer.poll(POLL, 500, &mut batch).unwrap(), None);
        assert!(batch.is_empty(), "records came");
    }
    panic!("what is waited for does not come");
}

/// Adds the records of `batch` to `found`.
pub(super) fn take(batch: &Batch, found: &mut Vec<Read>) {
    found.extend((0..batch.len()).map(|index| {
        let (source, record) = batch.get(index);
        Read {
            source,
            offset: record.offset,
            timestamp: record.timestamp.millis(),
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers.clone(),
        }
    }));
}

/// The numbers in `range` as texts.
pub(super) fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}
