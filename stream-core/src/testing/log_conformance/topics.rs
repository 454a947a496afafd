//! Topics: made, described, cut.

use std::collections::BTreeMap;

use super::scene::{Scene, create, free_name, numbers, read};
use crate::Kind;
use crate::log::{Log, NewTopic, OffsetRange, StartAt};
use crate::record::TopicPartition;

/// Making it again changes nothing and is no error, not even with other settings.
pub fn a_topic_is_made_once_and_stays_as_it_is(log: &dyn Log) {
    let scene = Scene::new(log, "made-once", 3);
    scene.write(2, ["kept"]);
    create(log, &scene.topic, 3);
    create(log, &scene.topic, 5);
    let mut admin = log.admin().unwrap();
    assert_eq!(admin.partitions(&[&scene.topic]).unwrap(), [(scene.topic.clone(), 3)].into());
    let offsets = admin.offsets(&[scene.partition(2)]).unwrap();
    assert_eq!(offsets, [(scene.partition(2), OffsetRange { beginning: 0, end: 1 })].into());
    admin.create(&[]).unwrap();
}

/// Of several topics those that exist are told.
pub fn topics_that_do_not_exist_are_absent(log: &dyn Log) {
    let scene = Scene::new(log, "absent", 2);
    let missing = format!("{}-missing", scene.topic);
    let mut admin = log.admin().unwrap();
    assert_eq!(admin.partitions(&[&missing, &scene.topic]).unwrap(), [(scene.topic.clone(), 2)].into());
    assert_eq!(admin.partitions(&[&missing]).unwrap(), BTreeMap::new());
    assert_eq!(admin.partitions(&[]).unwrap(), BTreeMap::new());
}

/// What a topic was made with is told, and what it was not made with has a default.
pub fn settings_of_a_topic_are_told(log: &dyn Log) {
    let name = free_name(log, "settings");
    let given = [("cleanup.policy", "compact"), ("retention.ms", "-1"), ("segment.bytes", "52428800")];
    let config = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut admin = log.admin().unwrap();
    admin.create(&[NewTopic { name: name.clone(), partitions: 1, replication: -1, config }]).unwrap();
    let told = admin.config(&name).unwrap();
    for (name, value) in given {
        assert_eq!(told.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(told.get("delete.retention.ms").map(String::as_str), Some("86400000"));
}

/// A bad name, no partitions, an unknown setting: refused with the reason, and nothing is made.
pub fn a_topic_that_no_log_takes_is_refused(log: &dyn Log) {
    let name = free_name(log, "bad");
    let topic = |name: &str, partitions, setting: Option<(&str, &str)>| {
        let config = setting.map(|(name, value)| (name.to_owned(), value.to_owned()));
        NewTopic { name: name.to_owned(), partitions, replication: -1, config: config.into_iter().collect() }
    };
    let mut admin = log.admin().unwrap();
    for bad in [
        topic("no/slash", 1, None),
        topic("", 1, None),
        topic(&name, 0, None),
        topic(&name, 1, Some(("cleanup.polizy", "compact"))),
        topic(&name, 1, Some(("cleanup.policy", "forget"))),
        topic(&name, 1, Some(("retention.ms", "long"))),
    ] {
        let error = admin.create(std::slice::from_ref(&bad)).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{bad:?}: {error}");
        assert!(error.to_string().contains(&format!("{:?}", bad.name)), "{bad:?}: {error}");
    }
    assert_eq!(admin.partitions(&[&name]).unwrap(), BTreeMap::new());
}

/// Offsets stay; only the beginning moves, and never back.
pub fn deleted_records_move_the_beginning(log: &dyn Log) {
    let scene = Scene::new(log, "deleted", 2);
    scene.write(0, numbers(0..10));
    scene.write(1, numbers(0..10));
    let mut admin = log.admin().unwrap();
    let both = [scene.partition(0), scene.partition(1)];
    for (before, beginning) in [(4, 4), (4, 4), (7, 7), (10, 10)] {
        admin.delete_records(&[(scene.partition(0), before)].into()).unwrap();
        let told = admin.offsets(&both).unwrap();
        assert_eq!(told[&both[0]], OffsetRange { beginning, end: 10 });
        assert_eq!(told[&both[1]], OffsetRange { beginning: 0, end: 10 });
    }
    scene.write(0, ["after"]);
    let found = read(&mut *scene.reader(StartAt::Beginning), 1);
    assert_eq!((found[0].offset, found[0].text()), (10, "after".to_owned()));
    admin.delete_records(&BTreeMap::new()).unwrap();
}

/// Whatever is asked of a topic that is not there names it.
pub fn unknown_topics_are_refused(log: &dyn Log) {
    let name = free_name(log, "unknown");
    let partition = TopicPartition::new(&*name, 0);
    let mut admin = log.admin().unwrap();
    let errors = [
        admin.config(&name).unwrap_err(),
        admin.offsets(std::slice::from_ref(&partition)).unwrap_err(),
        admin.delete_records(&[(partition, 1)].into()).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
        assert!(error.to_string().contains(&name), "{error}");
    }
}
