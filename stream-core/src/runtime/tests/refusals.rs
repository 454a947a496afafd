//! What keeps an application from starting or running, and what it says.

use super::world::{CLIENT, Place, World, counting};
use crate::ProcessingGuarantee::{AtLeastOnce, ExactlyOnce};
use crate::log::Log;
use crate::{BadRecords, Kind, Settings, StreamsBuilder};

#[test]
fn missing_topics_are_listed() {
    let world = World::new(&[("out", 1)]);
    let error = world.start(&counting(Place::Disk), &world.settings(AtLeastOnce, 1)).err().expect("no input");
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.to_string().contains("source topics are missing: in;"), "{error}");

    let world = World::new(&[("in", 1)]);
    let error = world.start(&counting(Place::Disk), &world.settings(AtLeastOnce, 1)).err().expect("no output");
    assert!(error.to_string().contains("output topics are missing: out;"), "{error}");
}

#[test]
fn an_internal_topic_with_another_number_of_partitions_is_refused() {
    let world = World::new(&[("in", 3), ("out", 1), ("app-counts-changelog", 2)]);
    let error = world.start(&counting(Place::Disk), &world.settings(AtLeastOnce, 1)).err().expect("refused");
    assert_eq!(error.kind(), Kind::Invalid);
    let text = error.to_string();
    assert!(text.contains("app-counts-changelog has 2 partitions, and the topology needs 3"), "{text}");
}

#[test]
fn a_second_instance_is_refused_on_this_machine_and_on_another() {
    let world = World::new(&[("in", 1), ("out", 1)]);
    let settings = world.settings(AtLeastOnce, 1);
    let _first = world.start(&counting(Place::Disk), &settings).expect("the first starts");
    let error = world.start(&counting(Place::Disk), &settings).err().expect("the folder is held");
    assert_eq!(error.kind(), Kind::Refused, "{error}");

    let elsewhere = tempfile::tempdir().expect("a folder");
    let other = Settings { state_dir: elsewhere.path().to_owned(), client_id: Some("other".to_owned()), ..settings };
    let error = world.start(&counting(Place::Disk), &other).err().expect("the group is run");
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    assert!(error.to_string().contains(CLIENT), "{error}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test is whoever spoils the folder")]
fn a_start_that_fails_behind_the_group_leaves_it() {
    let world = World::new(&[("in", 1), ("out", 1)]);
    let settings = world.settings(AtLeastOnce, 1);
    let in_the_way = world.folder.path().join("app").join("member-ids.new");
    std::fs::create_dir_all(&in_the_way).expect("a folder where a file is to be written");
    world.start(&counting(Place::Disk), &settings).err().expect("the member id cannot be kept");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let other = Settings { state_dir: elsewhere.path().to_owned(), client_id: Some("other".to_owned()), ..settings };
    world.start(&counting(Place::Disk), &other).expect("another instance need not wait for its session");
}

#[test]
fn a_lost_membership_ends_the_tasks_without_a_commit() {
    for guarantee in [AtLeastOnce, ExactlyOnce] {
        let world = World::new(&[("in", 1), ("out", 1)]);
        let mut app = world.start(&counting(Place::Disk), &world.settings(guarantee, 1)).expect("it starts");
        app.settle().expect("it runs");
        world.produce("in", [("k", "ant", 1)]);
        world.log.expire("app");
        let error = app.settle().expect_err("it is out");
        assert_eq!(error.kind(), Kind::Migrated, "{error}");
        assert!(world.read("out").is_empty());
    }
}

#[test]
fn a_record_that_does_not_decode_stops_or_is_skipped() {
    let world = World::new(&[("in", 1), ("out", 1)]);
    let builder = StreamsBuilder::new();
    builder.stream::<String, i64>("in").to("out");
    let topology = builder.build().expect("a valid topology");
    world.produce("in", [("a", "12345678", 1), ("b", "seven", 2), ("c", "87654321", 3)]);

    let mut settings = world.settings(AtLeastOnce, 1);
    let mut app = world.start(&topology, &settings).expect("it starts");
    let error = app.settle().expect_err("the second does not decode");
    assert_eq!(error.kind(), Kind::Record);
    let place = error.place();
    assert_eq!((place.topic.as_deref(), place.partition, place.offset), (Some("in"), Some(0), Some(1)), "{error}");
    drop(app);

    settings.bad_records = BadRecords::Skip;
    world.run_to_end(&topology, &settings);
    let keys: Vec<_> = world.read("out").into_iter().map(|read| read.key).collect();
    assert_eq!(keys, ["a", "c"]);
    let group = world.log.admin().unwrap().committed("app", &[crate::record::TopicPartition::new("in", 0)]).unwrap();
    assert_eq!(group.values().next().map(|committed| committed.offset), Some(3));
}

#[test]
fn a_panic_of_a_function_names_the_operator_and_the_record() {
    let world = World::new(&[("in", 1), ("out", 1)]);
    let builder = StreamsBuilder::new();
    let numbers = builder
        .stream::<String, String>("in")
        .named("parse")
        .map_values(|_, text| text.parse::<i64>().expect("a number"));
    numbers.to("out");
    world.produce("in", [("a", "1", 1), ("a", "one", 2)]);
    let mut app = world.start(&builder.build().expect("valid"), &world.settings(AtLeastOnce, 1)).expect("it starts");
    let error = app.settle().expect_err("it panics");
    let place = error.place();
    assert_eq!((place.node.as_deref(), place.offset), (Some("parse"), Some(1)), "{error}");
}
