//! Where reading starts, stops, goes on and ends.

use super::scene::{POLL, Read, Scene, event, numbers, poll_until, read, read_nothing, take, texts};
use crate::Kind;
use crate::log::{Batch, Consumer, Log, PollEvent, StartAt};
use crate::record::TopicPartition;

/// Each start, with what is read from there.
pub fn reading_starts_at_the_beginning_the_end_or_an_offset(log: &dyn Log) {
    let scene = Scene::new(log, "start", 1);
    scene.write(0, numbers(0..10));
    for (start, first) in [(StartAt::Beginning, 0), (StartAt::Offset(0), 0), (StartAt::Offset(7), 7)] {
        let found = read(&mut *scene.reader(start), 10 - first);
        assert_eq!(found.iter().map(Read::text).collect::<Vec<_>>(), numbers(first..10), "{start:?}");
        let offsets: Vec<usize> = found.iter().map(|read| usize::try_from(read.offset).unwrap()).collect();
        assert_eq!(offsets, (first..10).collect::<Vec<_>>(), "{start:?}");
    }
    let mut readers = [StartAt::End, StartAt::Offset(10)].map(|start| scene.reader(start));
    for reader in &mut readers {
        read_nothing(&mut **reader);
    }
    scene.write(0, ["later"]);
    for reader in &mut readers {
        assert_eq!(texts(&mut **reader, 1), ["later"]);
    }
}

/// Deleted records are told once, and the partition rests until it is assigned anew.
pub fn an_offset_that_is_gone_is_told_and_nothing_is_read(log: &dyn Log) {
    let scene = Scene::new(log, "gone", 2);
    scene.write(0, numbers(0..10));
    scene.write(1, ["other"]);
    log.admin().unwrap().delete_records(&[(scene.partition(0), 5)].into()).unwrap();
    let mut consumer = scene.consumer();
    consumer.assign(&[(scene.partition(0), Some(StartAt::Offset(3)))]).unwrap();
    assert_eq!(event(&mut *consumer), PollEvent::OffsetGone { source: 0, offset: 3 });
    read_nothing(&mut *consumer);
    // Others are read meanwhile, and "go on" does not wake it.
    consumer.assign(&[(scene.partition(0), None), (scene.partition(1), Some(StartAt::Beginning))]).unwrap();
    assert_eq!(texts(&mut *consumer, 1), ["other"]);
    read_nothing(&mut *consumer);
    consumer.assign(&[(scene.partition(0), Some(StartAt::Beginning))]).unwrap();
    assert_eq!(texts(&mut *consumer, 5), numbers(5..10));
}

/// Each of several partitions is told, though the others are assigned anew, under new numbers, when the first is.
pub fn several_offsets_that_are_gone_are_all_told(log: &dyn Log) {
    let scene = Scene::new(log, "all-gone", 4);
    (0..4).for_each(|partition| scene.write(partition, numbers(0..10)));
    let deleted = (0..4).map(|partition| (scene.partition(partition), 5)).collect();
    log.admin().unwrap().delete_records(&deleted).unwrap();
    let mut consumer = scene.consumer();
    let mut order = [0, 1, 2, 3];
    let mut found = Vec::new();
    let all: Vec<_> = order.iter().map(|partition| (scene.partition(*partition), Some(StartAt::Offset(3)))).collect();
    consumer.assign(&all).unwrap();
    for _ in 0..4 {
        let PollEvent::OffsetGone { source, offset } = loop {
            let mut batch = Batch::default();
            let event = consumer.poll(POLL, 500, &mut batch).unwrap();
            take(&batch, &mut found);
            if let Some(event) = event {
                break event;
            }
            assert!(found.len() < 20, "all is read, and not all is told");
        };
        assert_eq!(offset, 3);
        let gone = order[source];
        order.rotate_left(1);
        let start = |partition: i32| (partition == gone).then_some(StartAt::Beginning);
        let next: Vec<_> = order.iter().map(|partition| (scene.partition(*partition), start(*partition))).collect();
        consumer.assign(&next).unwrap();
    }
    found.extend(read(&mut *consumer, 20 - found.len()));
    let mut found: Vec<String> = found.iter().map(Read::text).collect();
    found.sort();
    let mut expect = vec![numbers(5..10); 4].concat();
    expect.sort();
    assert_eq!(found, expect);
}

/// An offset that was never written is no better than one that was deleted.
pub fn an_offset_past_the_end_is_gone(log: &dyn Log) {
    let scene = Scene::new(log, "past-the-end", 1);
    scene.write(0, numbers(0..3));
    let mut reader = scene.reader(StartAt::Offset(100));
    assert_eq!(event(&mut *reader), PollEvent::OffsetGone { source: 0, offset: 100 });
}

/// Partitions that stay assigned go on, whatever comes and goes beside them.
pub fn a_partition_goes_on_where_it_is(log: &dyn Log) {
    let scene = Scene::new(log, "goes-on", 2);
    scene.write(0, numbers(0..10));
    let mut consumer = scene.consumer();
    consumer.assign(&[(scene.partition(0), Some(StartAt::Offset(2)))]).unwrap();
    let mut batch = Batch::default();
    let mut found = Vec::new();
    while found.len() < 4 {
        assert_eq!(consumer.poll(POLL, 4 - found.len(), &mut batch).unwrap(), None);
        take(&batch, &mut found);
    }
    scene.write(1, ["other"]);
    consumer.assign(&[(scene.partition(1), Some(StartAt::Beginning)), (scene.partition(0), None)]).unwrap();
    assert_eq!(consumer.position(1).unwrap(), 6);
    let mut rest = read(&mut *consumer, 5);
    rest.sort_by_key(|read| (read.source, read.offset));
    let rest: Vec<_> = rest.iter().map(|read| (read.source, read.text())).collect();
    let expect = [(0, "other"), (1, "6"), (1, "7"), (1, "8"), (1, "9")];
    assert_eq!(rest, expect.map(|(source, text)| (source, text.to_owned())));
}

/// "Go on" means nothing to a partition that was not assigned.
pub fn a_partition_without_a_position_is_refused(log: &dyn Log) {
    let scene = Scene::new(log, "no-position", 1);
    let error = scene.consumer().assign(&[(scene.partition(0), None)]).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.to_string().contains(&scene.topic), "{error}");
}

/// While one partition is paused others are read; afterwards it goes on with the next record.
pub fn a_paused_partition_waits_and_loses_nothing(log: &dyn Log) {
    let scene = Scene::new(log, "pause", 2);
    scene.write(0, numbers(0..100));
    scene.write(1, numbers(0..100));
    let mut consumer = scene.consumer();
    let both = [0, 1].map(|partition| (scene.partition(partition), Some(StartAt::Beginning)));
    consumer.assign(&both).unwrap();
    let mut batch = Batch::default();
    let mut found = Vec::new();
    while found.len() < 30 {
        assert_eq!(consumer.poll(POLL, 10, &mut batch).unwrap(), None);
        take(&batch, &mut found);
    }
    consumer.pause(0).unwrap();
    consumer.pause(0).unwrap();
    let position = consumer.position(0).unwrap();
    let left = 100 - found.iter().filter(|read| read.source == 1).count();
    let others = read(&mut *consumer, left);
    assert!(others.iter().all(|read| read.source == 1));
    read_nothing(&mut *consumer);
    assert_eq!(consumer.position(0).unwrap(), position);
    assert_eq!(consumer.lag(0), Some(u64::try_from(100 - position).unwrap()));
    consumer.resume(0).unwrap();
    consumer.resume(0).unwrap();
    let expect = numbers(usize::try_from(position).unwrap()..100);
    assert_eq!(texts(&mut *consumer, expect.len()), expect);
}

/// However much comes meanwhile, the order holds when the partition is resumed, paused and resumed again.
pub fn a_pause_that_lasts_loses_nothing(log: &dyn Log) {
    const RECORDS: usize = 20_000;
    let scene = Scene::new(log, "long-pause", 2);
    let padding = "x".repeat(1_000);
    let values = |from: usize, to: usize| (from..to).map(|number| format!("{number} {padding}")).collect::<Vec<_>>();
    scene.write(0, values(0, RECORDS / 2));
    let mut consumer = scene.consumer();
    let both = [0, 1].map(|partition| (scene.partition(partition), Some(StartAt::Beginning)));
    consumer.assign(&both).unwrap();
    consumer.pause(0).unwrap();
    scene.write(1, ["other"]);
    assert_eq!(texts(&mut *consumer, 1), ["other"]);
    read_nothing(&mut *consumer);
    scene.write(0, values(RECORDS / 2, RECORDS));
    read_nothing(&mut *consumer);
    let mut found = Vec::new();
    let mut batch = Batch::default();
    for pause in [10, 500, 7_000] {
        consumer.resume(0).unwrap();
        while found.len() < pause {
            assert_eq!(consumer.poll(POLL, 100, &mut batch).unwrap(), None);
            take(&batch, &mut found);
        }
        consumer.pause(0).unwrap();
        read_nothing(&mut *consumer);
    }
    consumer.resume(0).unwrap();
    found.extend(read(&mut *consumer, RECORDS - found.len()));
    let found: Vec<String> = found.iter().map(|read| read.text().replace(&padding, "")).collect();
    let expect: Vec<String> = (0..RECORDS).map(|number| format!("{number} ")).collect();
    assert!(found == expect, "records are lost or out of order");
}

/// The position is that of the next record to be polled; the lag counts what lies between it and the end.
pub fn position_and_lag_follow_the_reader(log: &dyn Log) {
    let scene = Scene::new(log, "lag", 1);
    let mut reader = scene.reader(StartAt::Beginning);
    assert_eq!((reader.position(0).unwrap(), reader.lag(0)), (0, Some(0)));
    scene.write(0, numbers(0..10));
    let mut reader = scene.reader(StartAt::Offset(4));
    assert_eq!((reader.position(0).unwrap(), reader.lag(0)), (4, Some(6)));
    read(&mut *reader, 6);
    assert_eq!((reader.position(0).unwrap(), reader.lag(0)), (10, Some(0)));
    assert_eq!(reader.position(1).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(reader.lag(1), None);
    assert_eq!(reader.pause(1).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(reader.resume(1).unwrap_err().kind(), Kind::Invalid);
    let end = scene.reader(StartAt::End);
    assert_end(end, 10);
}

fn assert_end(mut reader: Box<dyn Consumer>, end: i64) {
    poll_until(&mut *reader, |reader| reader.lag(0) == Some(0));
    assert_eq!(reader.position(0).unwrap(), end);
}

/// The limit of a poll is one of records, and what is left comes with the next.
pub fn a_poll_takes_no_more_than_it_is_told_to(log: &dyn Log) {
    let scene = Scene::new(log, "limit", 1);
    scene.write(0, numbers(0..20));
    let mut reader = scene.reader(StartAt::Beginning);
    let mut batch = Batch::default();
    let mut found = Vec::new();
    while found.len() < 20 {
        reader.poll(POLL, 3, &mut batch).unwrap();
        assert!(batch.len() <= 3);
        take(&batch, &mut found);
    }
    assert_eq!(found.iter().map(Read::text).collect::<Vec<_>>(), numbers(0..20));
}

/// A partition's number is its place in the assignment that is in force.
pub fn numbers_of_partitions_follow_the_assignment(log: &dyn Log) {
    let scene = Scene::new(log, "numbers", 3);
    for partition in 0..3 {
        scene.write(partition, [format!("p{partition}")]);
    }
    let mut consumer = scene.consumer();
    for order in [[2, 0, 1], [1, 2, 0]] {
        let all = order.map(|partition| (scene.partition(partition), Some(StartAt::Beginning)));
        consumer.assign(&all).unwrap();
        for read in read(&mut *consumer, 3) {
            assert_eq!(read.text(), format!("p{}", order[read.source]), "{order:?}");
        }
    }
    consumer.assign(&[]).unwrap();
    read_nothing(&mut *consumer);
}

/// A reader at the end gets what comes.
pub fn records_that_are_written_later_are_read(log: &dyn Log) {
    let scene = Scene::new(log, "later", 1);
    let mut reader = scene.reader(StartAt::Beginning);
    read_nothing(&mut *reader);
    for round in 0..3 {
        scene.write(0, [round.to_string()]);
        assert_eq!(texts(&mut *reader, 1), [round.to_string()]);
    }
}

/// Topics and partitions that are not there are told at once, by name, and change nothing.
pub fn unknown_partitions_are_refused(log: &dyn Log) {
    let scene = Scene::new(log, "unknown-partition", 1);
    scene.write(0, ["good"]);
    let mut consumer = scene.reader(StartAt::Beginning);
    let missing = format!("{}-missing", scene.topic);
    for unknown in [TopicPartition::new(&*scene.topic, 1), TopicPartition::new(&*missing, 0)] {
        for start in [StartAt::Beginning, StartAt::End, StartAt::Offset(0)] {
            let error = consumer.assign(&[(unknown.clone(), Some(start))]).unwrap_err();
            assert_eq!(error.kind(), Kind::Invalid, "{error}");
            assert!(error.to_string().contains(&*unknown.topic), "{error}");
        }
    }
    assert_eq!(texts(&mut *consumer, 1), ["good"]);
}
