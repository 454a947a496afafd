//! The suite that every log must pass, on Apache Kafka; and what only a log with brokers can be asked, where librdkafka's
//! own clients are the others in the group and in the topic.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use stream_core::log::{
    Batch, CommittedOffset, Consumer, Isolation, Log, Member, NewTopic, Outgoing, Producer, StartAt,
};
use stream_core::record::{Headers, Timestamp, TopicPartition};
use stream_core::{Error, Kind};
use stream_kafka::{KafkaLog, KafkaSettings};
use tests::fixtures::broker;

mod suite {
    stream_core::log_conformance!(super::broker().log());
}

/// How long anything here may take.
const LIMIT: Duration = Duration::from_secs(60);
/// The shortest session that a broker grants by default.
const SESSION: Duration = Duration::from_secs(6);

/// Makes a topic of one partition under a name of its own.
fn topic(scenario: &str, settings: &[(&str, &str)]) -> TopicPartition {
    let mut admin = broker().log().admin().unwrap();
    let names: Vec<String> = (0..100).map(|number| format!("kafka-{scenario}-{number}")).collect();
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let taken = admin.partitions(&asked).unwrap();
    let name = names.into_iter().find(|name| !taken.contains_key(name)).unwrap();
    let settings = settings.iter().chain(&[("retention.ms", "-1")]);
    let config = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    admin.create(&[NewTopic { name: name.clone(), partitions: 1, replication: -1, config }]).unwrap();
    TopicPartition::new(name, 0)
}

fn member(group: &str, process: u8) -> Member {
    Member {
        group: group.to_owned(),
        client_id: format!("instance-{process}"),
        process_id: [process; 16],
        member_id: None,
        topics: vec![group.to_owned()],
        session_timeout: SESSION,
        rebalance_timeout: SESSION,
    }
}

fn client(settings: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker().bootstrap());
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config
}

/// An address where nobody answers.
fn nowhere() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn is_told_in_time(started: Instant, error: &Error, address: &str) {
    assert_eq!(error.kind(), Kind::Retry, "{error}");
    assert!(error.to_string().contains(address), "{error}");
    assert!(started.elapsed() < LIMIT / 2, "it took {:?}", started.elapsed());
}

#[test]
fn a_broker_that_is_not_there_is_told_by_its_address_in_time() {
    let address = nowhere();
    let log = KafkaLog::new(KafkaSettings { request_timeout_ms: 500, ..KafkaSettings::new(&address) }).unwrap();
    let partition = TopicPartition::new("events", 0);
    let started = Instant::now();
    let mut consumer = log.consumer("reader", Isolation::ReadCommitted).unwrap();
    let errors = [
        log.admin().unwrap().partitions(&["events"]).unwrap_err(),
        log.admin().unwrap().committed("group", std::slice::from_ref(&partition)).unwrap_err(),
        log.producer("writer", None).unwrap().topic("events").unwrap_err(),
        consumer.assign(&[(partition, Some(StartAt::Beginning))]).unwrap_err(),
        log.join(&member("group", 1)).err().unwrap(),
    ];
    for error in errors {
        is_told_in_time(started, &error, &address);
    }
}

#[test]
fn what_answers_without_being_a_broker_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        use std::io::Write as _;
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let log = KafkaLog::new(KafkaSettings { request_timeout_ms: 300, ..KafkaSettings::new(&address) }).unwrap();
    let started = Instant::now();
    is_told_in_time(started, &log.admin().unwrap().partitions(&["events"]).unwrap_err(), &address);
    server.join().unwrap();
}

#[test]
fn exactly_once_is_refused_until_it_is_built() {
    let error = broker().log().producer("writer", Some("id")).err().unwrap();
    assert_eq!(error.kind(), Kind::Invalid);
    assert_eq!(error.message(), "exactly once on Kafka is not built yet: use at least once");
}

#[test]
fn a_small_queue_makes_the_sender_wait_and_loses_nothing() {
    const RECORDS: usize = 20_000;
    let partition = topic("backpressure", &[]);
    let mut settings = KafkaSettings::new(broker().bootstrap());
    settings.producer.insert("queue.buffering.max.kbytes".into(), "512".into());
    settings.consumer.insert("queued.max.messages.kbytes".into(), "512".into());
    let log = KafkaLog::new(settings).unwrap();
    let mut producer = log.producer("writer", None).unwrap();
    let (number, _) = producer.topic(&partition.topic).unwrap();
    for index in 0..RECORDS {
        let value = index.to_string().repeat(200);
        let (value, timestamp) = (Some(value.as_bytes()), Timestamp(1));
        let record = Outgoing { topic: number, partition: 0, key: None, value, timestamp, headers: &Headers::EMPTY };
        producer.send(record).unwrap();
    }
    producer.flush().unwrap();
    let mut consumer = log.consumer("reader", Isolation::ReadCommitted).unwrap();
    consumer.assign(&[(partition, Some(StartAt::Beginning))]).unwrap();
    let found = read(&mut *consumer, RECORDS);
    assert!(found.iter().enumerate().all(|(index, value)| *value == index.to_string().repeat(200)));
}

#[test]
fn a_record_that_waits_for_company_is_written_when_the_round_ends() {
    let partition = topic("hand-over", &[]);
    let log = broker().log();
    let mut producer = log.producer("writer", None).unwrap();
    let (number, _) = producer.topic(&partition.topic).unwrap();
    let (value, timestamp) = (Some(&b"lonely"[..]), Timestamp(1));
    producer
        .send(Outgoing { topic: number, partition: 0, key: None, value, timestamp, headers: &Headers::EMPTY })
        .unwrap();
    producer.hand_over().unwrap();
    let mut consumer = log.consumer("reader", Isolation::ReadCommitted).unwrap();
    consumer.assign(&[(partition, Some(StartAt::Beginning))]).unwrap();
    assert_eq!(read(&mut *consumer, 1), ["lonely"]);
}

#[test]
fn a_record_that_is_too_large_fails_the_flush_and_later_ones_go_through() {
    let partition = topic("too-large", &[("max.message.bytes", "2000")]);
    let log = broker().log();
    let mut producer = log.producer("writer", None).unwrap();
    let (number, _) = producer.topic(&partition.topic).unwrap();
    // Refused by the broker, and before it gets there.
    for size in [5_000_usize, 3 << 20] {
        // What cannot be compressed.
        let large: Vec<u8> = (0..size).map(|index| (index.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        let send = |producer: &mut dyn Producer, value: &[u8]| {
            let (value, timestamp) = (Some(value), Timestamp(1));
            let headers = &Headers::EMPTY;
            producer.send(Outgoing { topic: number, partition: 0, key: None, value, timestamp, headers })
        };
        let sent = send(&mut *producer, &large);
        let flushed = producer.flush();
        let error = flushed.unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{error} {sent:?}");
        assert!(error.to_string().contains(&partition.to_string()), "{error}");
        send(&mut *producer, b"small").unwrap();
        producer.flush().unwrap();
    }
    let mut consumer = log.consumer("reader", Isolation::ReadCommitted).unwrap();
    consumer.assign(&[(partition, Some(StartAt::Beginning))]).unwrap();
    assert_eq!(read(&mut *consumer, 2), ["small", "small"]);
}

#[test]
fn positions_pass_the_markers_of_transactions_and_aborted_records_are_hidden() {
    let partition = topic("markers", &[]);
    let producer: BaseProducer = client(&[("transactional.id", &*partition.topic)]).create().unwrap();
    let producer = std::sync::Arc::new(producer);
    let polled = std::sync::Arc::downgrade(&producer);
    // An abort hangs where nobody polls.
    let poller = std::thread::spawn(move || {
        while let Some(producer) = polled.upgrade() {
            producer.poll(Duration::from_millis(10));
        }
    });
    producer.init_transactions(LIMIT).unwrap();
    for (value, is_committed) in [("a", true), ("aborted", false), ("b", true)] {
        producer.begin_transaction().unwrap();
        producer
            .send(BaseRecord::<(), str>::to(&partition.topic).partition(0).payload(value))
            .map_err(|(e, _)| e)
            .unwrap();
        producer.flush(LIMIT).unwrap();
        let ended = if is_committed { producer.commit_transaction(LIMIT) } else { producer.abort_transaction(LIMIT) };
        ended.unwrap();
    }
    let log = broker().log();
    let end = log.admin().unwrap().offsets(std::slice::from_ref(&partition)).unwrap()[&partition].end;
    assert_eq!(end, 6, "three records and three markers");
    for (isolation, expect) in
        [(Isolation::ReadCommitted, &["a", "b"][..]), (Isolation::ReadUncommitted, &["a", "aborted", "b"])]
    {
        let mut consumer = log.consumer("reader", isolation).unwrap();
        consumer.assign(&[(partition.clone(), Some(StartAt::Beginning))]).unwrap();
        assert_eq!(read(&mut *consumer, expect.len()), expect);
        reaches(&mut *consumer, end);
    }
    // A transaction that is open ends what readers of committed records see.
    producer.begin_transaction().unwrap();
    producer
        .send(BaseRecord::<(), str>::to(&partition.topic).partition(0).payload("open"))
        .map_err(|(e, _)| e)
        .unwrap();
    producer.flush(LIMIT).unwrap();
    let mut consumer = log.consumer("reader", Isolation::ReadCommitted).unwrap();
    consumer.assign(&[(partition, Some(StartAt::Beginning))]).unwrap();
    assert_eq!(read(&mut *consumer, 2), ["a", "b"]);
    reaches(&mut *consumer, end);
    producer.abort_transaction(LIMIT).unwrap();
    drop(producer);
    poller.join().unwrap();
}

#[test]
fn offsets_committed_by_others_are_read_and_ours_by_them() {
    let partition = topic("offsets", &[]);
    let group = &*partition.topic;
    let log = broker().log();
    let joined = log.join(&member(group, 1)).unwrap();
    let ours = CommittedOffset { offset: 7, metadata: "AgAAAAAAAAPo".to_owned() };
    joined.commit(&[(partition.clone(), ours)].into()).unwrap();
    joined.leave().unwrap();
    let other: BaseConsumer = client(&[("group.id", group)]).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(group, 0);
    let told = other.committed_offsets(list.clone(), LIMIT).unwrap();
    let told = told.find_partition(group, 0).unwrap();
    assert_eq!((told.offset(), told.metadata()), (Offset::Offset(7), "AgAAAAAAAAPo"));
    list.set_partition_offset(group, 0, Offset::Offset(9)).unwrap();
    other.commit(&list, rdkafka::consumer::CommitMode::Sync).unwrap();
    let told = log.admin().unwrap().committed(group, std::slice::from_ref(&partition)).unwrap();
    assert_eq!(told[&partition].offset, 9);
}

#[test]
fn a_member_of_another_protocol_is_refused_while_one_runs() {
    let partition = topic("foreign-newcomer", &[]);
    let joined = broker().log().join(&member(&partition.topic, 1)).unwrap();
    let foreign: BaseConsumer = client(&[("group.id", &*partition.topic)]).create().unwrap();
    foreign.subscribe(&[&partition.topic]).unwrap();
    let started = Instant::now();
    let refused = loop {
        assert!(started.elapsed() < LIMIT, "the newcomer is not told");
        match foreign.poll(Duration::from_millis(100)) {
            Some(Err(KafkaError::MessageConsumption(code))) => break code,
            _ => continue,
        }
    };
    assert_eq!(refused, rdkafka::types::RDKafkaErrorCode::InconsistentGroupProtocol);
    joined.commit(&[(partition, CommittedOffset { offset: 1, metadata: String::new() })].into()).unwrap();
    joined.leave().unwrap();
}

#[test]
fn a_group_of_another_protocol_refuses_us_and_is_waited_for_when_it_is_dead() {
    let partition = topic("foreign-group", &[]);
    let session = SESSION.as_millis().to_string();
    let settings = [("group.id", &*partition.topic), ("session.timeout.ms", &session), ("client.id", "java-app")];
    let foreign: BaseConsumer = client(&settings).create().unwrap();
    foreign.subscribe(&[&partition.topic]).unwrap();
    let started = Instant::now();
    while foreign.assignment().unwrap().count() == 0 {
        assert!(started.elapsed() < LIMIT, "the other member gets no assignment");
        foreign.poll(Duration::from_millis(100));
    }
    let mut impatient = member(&partition.topic, 1);
    impatient.session_timeout = Duration::from_secs(6);
    let log = broker().log();
    let error = log.join(&impatient).err().unwrap();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    assert!(error.to_string().contains("java-app"), "{error}");
    foreign.unsubscribe();
    drop(foreign);
    log.join(&member(&partition.topic, 2)).unwrap().leave().unwrap();
}

#[test]
fn a_dead_member_is_waited_for_until_its_session_has_run_out() {
    let partition = topic("dead-member", &[]);
    let log = broker().log();
    let dead = log.join(&member(&partition.topic, 1)).unwrap();
    dead.commit(&[(partition.clone(), CommittedOffset { offset: 3, metadata: String::new() })].into()).unwrap();
    drop(dead);
    let started = Instant::now();
    let next = log.join(&member(&partition.topic, 2)).unwrap();
    assert!(started.elapsed() < SESSION + Duration::from_secs(15), "it took {:?}", started.elapsed());
    let told = log.admin().unwrap().committed(&partition.topic, std::slice::from_ref(&partition)).unwrap();
    assert_eq!(told[&partition].offset, 3);
    next.leave().unwrap();
}

/// The values of `count` records, as text.
fn read(consumer: &mut dyn Consumer, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut batch = Batch::default();
    let started = Instant::now();
    while found.len() < count {
        assert!(started.elapsed() < LIMIT, "{} of {count} records have come", found.len());
        assert_eq!(consumer.poll(Duration::from_millis(200), 1_000, &mut batch).unwrap(), None);
        let value = |index| String::from_utf8(batch.get(index).1.value.unwrap().to_vec()).unwrap();
        found.extend((0..batch.len()).map(value));
    }
    assert_eq!(found.len(), count);
    found
}

/// Polls, without records, until the position is `end`, where nothing lags.
fn reaches(consumer: &mut dyn Consumer, end: i64) {
    let started = Instant::now();
    while consumer.position(0).unwrap() < end || consumer.lag(0) != Some(0) {
        assert!(started.elapsed() < LIMIT, "the reader stays at {:?} of {end}", consumer.position(0));
        consumer.poll(Duration::from_millis(50), 10, &mut Batch::default()).unwrap();
    }
    assert_eq!(consumer.position(0).unwrap(), end);
}
