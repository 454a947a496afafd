//! Records go in and come out as they were.

use super::scene::{Read, Scene, numbers, read, send, texts};
use crate::log::{Consumer, Log, Outgoing, Producer, StartAt};
use crate::record::{Header, Headers, Timestamp};
use crate::{Error, Kind};

/// Partitions interleave as they like; within one nothing changes places.
pub fn records_of_a_partition_come_back_in_their_order(log: &dyn Log) {
    const PARTITIONS: i32 = 3;
    const RECORDS: usize = 3_000;
    let scene = Scene::new(log, "order", PARTITIONS);
    let mut producer = scene.producer();
    for number in 0..RECORDS {
        let partition = [0, 2, 1, 1, 0][number % 5];
        send(&mut *producer, &scene.topic, partition, &number.to_string());
    }
    producer.flush().unwrap();
    let mut consumer = scene.consumer();
    let all: Vec<_> = (0..PARTITIONS).map(|of| (scene.partition(of), Some(StartAt::Beginning))).collect();
    consumer.assign(&all).unwrap();
    let found = read(&mut *consumer, RECORDS);
    for partition in 0..PARTITIONS as usize {
        let of: Vec<&Read> = found.iter().filter(|read| read.source == partition).collect();
        assert!(of.is_sorted_by_key(|read| read.offset), "offsets of partition {partition} go back");
        let found: Vec<usize> = of.iter().map(|read| read.text().parse().unwrap()).collect();
        let expect: Vec<usize> = (0..RECORDS).filter(|number| [0, 2, 1, 1, 0][number % 5] == partition).collect();
        assert_eq!(found, expect, "partition {partition}");
    }
}

/// Null is not empty, in keys and in values.
pub fn null_and_empty_keys_and_values_stay_what_they_are(log: &dyn Log) {
    let scene = Scene::new(log, "null", 1);
    let mut producer = scene.producer();
    let (topic, _) = producer.topic(&scene.topic).unwrap();
    let kinds = [None, Some(&b""[..]), Some(&b"x"[..]), Some(&b"\0\xff"[..])];
    let all: Vec<_> = kinds.iter().flat_map(|key| kinds.map(|value| (*key, value))).collect();
    for (key, value) in &all {
        let (timestamp, headers) = (Timestamp(5), &Headers::EMPTY);
        producer.send(Outgoing { topic, partition: 0, key: *key, value: *value, timestamp, headers }).unwrap();
    }
    producer.flush().unwrap();
    let found = read(&mut *scene.reader(StartAt::Beginning), all.len());
    let found: Vec<_> = found.iter().map(|read| (read.key.as_deref(), read.value.as_deref())).collect();
    assert_eq!(found, all);
}

/// Names may repeat; values are bytes, none at all, or null.
pub fn headers_come_back_with_their_bytes_in_order(log: &dyn Log) {
    let scene = Scene::new(log, "headers", 1);
    let header = |name: &str, value: Option<&[u8]>| Header { name: name.into(), value: value.map(<[u8]>::to_vec) };
    let some: Headers = [
        header("b", Some(&[0, 159, 255])),
        header("a", None),
        header("b", Some(b"")),
        header("", Some(b"unnamed")),
        header("größe", Some(b"5")),
    ]
    .into_iter()
    .collect();
    let lists = [some.clone(), Headers::EMPTY, some];
    let mut producer = scene.producer();
    for headers in &lists {
        send_with(&mut *producer, &scene.topic, Timestamp(5), headers).unwrap();
    }
    producer.flush().unwrap();
    let found = read(&mut *scene.reader(StartAt::Beginning), lists.len());
    assert_eq!(found.iter().map(|read| read.headers.clone()).collect::<Vec<_>>(), lists);
}

/// Zero is a time as others are, and times need not grow.
pub fn timestamps_come_back_as_they_were(log: &dyn Log) {
    let scene = Scene::new(log, "timestamps", 1);
    let times = [1_000, 0, 1, 1_700_000_000_000, 0, 999];
    let mut producer = scene.producer();
    for time in times {
        send_with(&mut *producer, &scene.topic, Timestamp(time), &Headers::EMPTY).unwrap();
    }
    producer.flush().unwrap();
    let found = read(&mut *scene.reader(StartAt::Beginning), times.len());
    assert_eq!(found.iter().map(|read| read.timestamp).collect::<Vec<_>>(), times);
}

/// After a flush the log's end lies behind all that was sent, and the producer says so.
pub fn a_flush_makes_everything_visible_and_acknowledged(log: &dyn Log) {
    let scene = Scene::new(log, "flush", 2);
    let mut producer = scene.producer();
    let (topic, partitions) = producer.topic(&scene.topic).unwrap();
    assert_eq!(partitions, 2);
    assert_eq!(producer.acknowledged(topic, 0), None);
    for round in 1..=3_i64 {
        for number in 0..100 {
            send(&mut *producer, &scene.topic, 0, &number.to_string());
        }
        producer.flush().unwrap();
        let end = log.admin().unwrap().offsets(&[scene.partition(0)]).unwrap()[&scene.partition(0)].end;
        assert_eq!(end, 100 * round);
        assert_eq!(producer.acknowledged(topic, 0), Some(end));
        assert_eq!(producer.acknowledged(topic, 1), None);
    }
    producer.flush().unwrap();
}

/// More bytes than a queue takes: sending waits, nothing is lost.
pub fn many_records_find_their_way_through_a_bounded_queue(log: &dyn Log) {
    const RECORDS: usize = 60_000;
    let scene = Scene::new(log, "many", 1);
    let mut producer = scene.producer();
    let (topic, _) = producer.topic(&scene.topic).unwrap();
    let padding = "x".repeat(1_000);
    for number in 0..RECORDS {
        let value = format!("{number} {padding}");
        let (value, timestamp) = (Some(value.as_bytes()), Timestamp(5));
        producer.send(Outgoing { topic, partition: 0, key: None, value, timestamp, headers: &Headers::EMPTY }).unwrap();
    }
    producer.flush().unwrap();
    let found = read(&mut *scene.reader(StartAt::Beginning), RECORDS);
    let numbered = found.iter().enumerate().all(|(number, read)| read.text() == format!("{number} {padding}"));
    assert!(numbered, "a record is missing or not at its place");
}

/// A record cannot be sent to a partition or topic that the producer does not know, and others go on.
pub fn a_record_for_a_partition_that_is_not_there_is_refused(log: &dyn Log) {
    let scene = Scene::new(log, "refused", 1);
    let mut producer = scene.producer();
    let (topic, _) = producer.topic(&scene.topic).unwrap();
    let missing = crate::log::OutTopic(topic.0 + 1);
    for (topic, partition) in [(topic, 1), (topic, -1), (missing, 0)] {
        let (value, timestamp) = (Some(&b"x"[..]), Timestamp(5));
        let record = Outgoing { topic, partition, key: None, value, timestamp, headers: &Headers::EMPTY };
        assert_eq!(producer.send(record).unwrap_err().kind(), Kind::Invalid, "{topic:?} {partition}");
    }
    send(&mut *producer, &scene.topic, 0, "good");
    producer.flush().unwrap();
    assert_eq!(texts(&mut *scene.reader(StartAt::Beginning), 1), ["good"]);
}

/// Asking again gives the same number; an unknown topic none.
pub fn a_topic_has_one_number(log: &dyn Log) {
    let scene = Scene::new(log, "number", 3);
    let other = Scene::new(log, "number", 1);
    let mut producer = scene.producer();
    let first = producer.topic(&scene.topic).unwrap();
    assert_eq!(first.1, 3);
    assert_ne!(producer.topic(&other.topic).unwrap().0, first.0);
    assert_eq!(producer.topic(&scene.topic).unwrap(), first);
    let unknown = producer.topic(&format!("{}-unknown", scene.topic)).unwrap_err();
    assert_eq!(unknown.kind(), Kind::Invalid, "{unknown}");
    assert!(unknown.to_string().contains(&scene.topic), "{unknown}");
    scene.write(0, numbers(0..2));
    let mut consumer: Box<dyn Consumer> = scene.reader(StartAt::Beginning);
    assert_eq!(texts(&mut *consumer, 2), numbers(0..2));
}

fn send_with(
    producer: &mut dyn Producer,
    topic: &str,
    timestamp: Timestamp,
    headers: &Headers,
) -> std::result::Result<(), Error> {
    let (topic, _) = producer.topic(topic)?;
    producer.send(Outgoing { topic, partition: 0, key: Some(b"k"), value: Some(b"v"), timestamp, headers })
}
