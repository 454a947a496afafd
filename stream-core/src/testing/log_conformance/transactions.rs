//! Transactions: all or nothing, one producer at a time, offsets included.

use super::groups::offset;
use super::scene::{POLL, Scene, poll_until, read, read_nothing, send, texts};
use crate::Kind;
use crate::log::{Batch, Isolation, Log, Offsets, Producer, StartAt};

/// Readers of committed records wait, then see everything; others see it at once.
pub fn a_committed_transaction_is_seen_as_a_whole(log: &dyn Log) {
    let scene = Scene::new(log, "transaction", 2);
    let group = log.join(&scene.member("one", 1)).unwrap();
    let mut producer = begin(&scene);
    send(&mut *producer, &scene.topic, 0, "a");
    send(&mut *producer, &scene.topic, 1, "b");
    producer.flush().unwrap();
    let both = [0, 1].map(|partition| (scene.partition(partition), Some(StartAt::Beginning)));
    let mut committed = scene.consumer();
    committed.assign(&both).unwrap();
    read_nothing(&mut *committed);
    let mut all = log.consumer("reader", Isolation::ReadUncommitted).unwrap();
    all.assign(&both).unwrap();
    read(&mut *all, 2);
    producer.commit(&Offsets::new(), &*group).unwrap();
    read(&mut *committed, 2);
    group.leave().unwrap();
}

/// What was aborted is hidden, and what comes behind it is not.
pub fn an_aborted_transaction_leaves_no_trace_for_readers_of_committed_records(log: &dyn Log) {
    let scene = Scene::new(log, "aborted", 1);
    scene.write(0, ["before"]);
    let mut producer = begin(&scene);
    send(&mut *producer, &scene.topic, 0, "aborted");
    producer.flush().unwrap();
    producer.abort().unwrap();
    scene.write(0, ["after"]);
    assert_eq!(texts(&mut *scene.reader(StartAt::Beginning), 2), ["before", "after"]);
}

/// A reader that has read everything is at the end, although the last offset is a marker's.
pub fn positions_pass_the_markers_of_transactions(log: &dyn Log) {
    let scene = Scene::new(log, "markers", 1);
    let group = log.join(&scene.member("one", 1)).unwrap();
    let mut producer = begin(&scene);
    send(&mut *producer, &scene.topic, 0, "a");
    producer.commit(&Offsets::new(), &*group).unwrap();
    producer.begin().unwrap();
    send(&mut *producer, &scene.topic, 0, "aborted");
    producer.flush().unwrap();
    producer.abort().unwrap();
    let end = log.admin().unwrap().offsets(&[scene.partition(0)]).unwrap()[&scene.partition(0)].end;
    let mut reader = scene.reader(StartAt::Beginning);
    assert_eq!(texts(&mut *reader, 1), ["a"]);
    poll_until(&mut *reader, |reader| reader.position(0).unwrap() == end);
    assert_eq!(reader.lag(0), Some(0));
    group.leave().unwrap();
}

/// The older producer's transaction is aborted, and it can do nothing any more.
pub fn a_newer_producer_fences_the_older(log: &dyn Log) {
    let scene = Scene::new(log, "fenced", 1);
    let group = log.join(&scene.member("one", 1)).unwrap();
    let mut older = begin(&scene);
    send(&mut *older, &scene.topic, 0, "older");
    older.flush().unwrap();
    let mut newer = begin(&scene);
    send(&mut *newer, &scene.topic, 0, "newer");
    newer.commit(&Offsets::new(), &*group).unwrap();
    assert_eq!(older.commit(&Offsets::new(), &*group).unwrap_err().kind(), Kind::Migrated);
    assert_eq!(texts(&mut *scene.reader(StartAt::Beginning), 1), ["newer"]);
    group.leave().unwrap();
}

/// Offsets and records count together, or not at all.
pub fn offsets_count_once_their_transaction_is_committed(log: &dyn Log) {
    let scene = Scene::new(log, "offsets", 1);
    let group = log.join(&scene.member("one", 1)).unwrap();
    let mut admin = log.admin().unwrap();
    let partition = scene.partition(0);
    let mut producer = begin(&scene);
    send(&mut *producer, &scene.topic, 0, "a");
    let offsets: Offsets = [offset(&partition, 3, "meta")].into();
    producer.commit(&offsets, &*group).unwrap();
    assert_eq!(admin.committed(&scene.topic, std::slice::from_ref(&partition)).unwrap(), offsets);
    producer.begin().unwrap();
    send(&mut *producer, &scene.topic, 0, "b");
    producer.abort().unwrap();
    assert_eq!(admin.committed(&scene.topic, std::slice::from_ref(&partition)).unwrap(), offsets);
    group.leave().unwrap();
}

/// A transaction with offsets of a member that has lost its place does not commit.
pub fn offsets_of_a_member_that_is_out_are_refused(log: &dyn Log) {
    let scene = Scene::new(log, "stale-offsets", 1);
    let member = scene.member("one", 1);
    let stale = log.join(&member).unwrap();
    let twin = log.join(&crate::log::Member { member_id: Some(stale.member_id()), ..member }).unwrap();
    twin.leave().unwrap();
    let mut producer = begin(&scene);
    send(&mut *producer, &scene.topic, 0, "a");
    let offsets: Offsets = [offset(&scene.partition(0), 3, "")].into();
    assert_eq!(producer.commit(&offsets, &*stale).unwrap_err().kind(), Kind::Migrated);
    producer.abort().unwrap();
    let mut reader = scene.reader(StartAt::Beginning);
    let mut batch = Batch::default();
    reader.poll(POLL, 10, &mut batch).unwrap();
    assert!(batch.is_empty());
}

/// Without a transactional id there is nothing to begin.
pub fn a_producer_without_an_id_has_no_transactions(log: &dyn Log) {
    let scene = Scene::new(log, "no-transactions", 1);
    let group = log.join(&scene.member("one", 1)).unwrap();
    let mut producer = scene.producer();
    assert_eq!(producer.begin().unwrap_err().kind(), Kind::Invalid);
    assert_eq!(producer.commit(&Offsets::new(), &*group).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(producer.abort().unwrap_err().kind(), Kind::Invalid);
    group.leave().unwrap();
}

/// A producer of the scenario's transactional id, with a transaction begun.
fn begin(scene: &Scene<'_>) -> Box<dyn Producer> {
    let mut producer = scene.log.producer("conformance-writer", Some(&scene.topic)).unwrap();
    producer.begin().unwrap();
    producer
}
