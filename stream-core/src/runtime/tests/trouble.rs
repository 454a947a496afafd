//! Failures that pass: what a client survives, and for how long.

use std::time::Duration;

use super::world::{Place, World, counting};
use crate::Kind;
use crate::ProcessingGuarantee::{AtLeastOnce, ExactlyOnce};
use crate::memory::Faults;
use crate::time::Clock;

/// Every request is lost.
fn silence(world: &World) {
    world.log.inject(Faults { lost_requests_per_mille: 1000, ..Faults::default() });
}

#[test]
fn trouble_of_long_ago_does_not_count_against_an_application_that_had_nothing_to_commit() {
    let world = World::new(&[("in", 1), ("out", 1)]);
    let settings = world.settings(ExactlyOnce, 1);
    let mut app = world.start(&counting(Place::Disk), &settings).expect("it starts");
    silence(&world);
    app.threads[0].step().expect("it opens its tasks again");
    world.log.heal();
    app.settle().expect("it runs");
    for _ in 0..10 {
        world.clock.advance(Duration::from_secs(3600));
        app.settle().expect("nothing to do");
    }
    // The second trouble has as much time as the first.
    world.produce("in", [("k", "ant", 1)]);
    for _ in 0..10 {
        app.threads[0].step().expect("it processes");
    }
    silence(&world);
    world.clock.advance(Duration::from_secs(1));
    app.threads[0].step().expect("it opens its tasks again");
    assert!(!app.threads[0].is_running(), "the commit was answered");
    world.log.heal();
    app.settle().expect("it runs");
    assert_eq!(world.latest("out")["ant"], 1);
}

#[test]
fn trouble_that_lasts_ends_it() {
    let world = World::new(&[("in", 1), ("out", 1)]);
    let settings = world.settings(ExactlyOnce, 1);
    let mut app = world.start(&counting(Place::Disk), &settings).expect("it starts");
    silence(&world);
    let started = world.clock.monotonic();
    let error = app.settle().expect_err("nobody answers");
    assert_eq!(error.kind(), Kind::Retry, "{error}");
    let waited = world.clock.monotonic() - started;
    let limit = Duration::from_millis(settings.task_timeout_ms);
    assert!(waited >= limit && waited < 2 * limit, "it gave up after {waited:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test is whoever damages the files")]
fn damage_that_shows_when_a_database_is_read_is_rebuilt() {
    let world = World::new(&[("in", 2), ("out", 1)]);
    let settings = world.settings(AtLeastOnce, 1);
    let words: Vec<_> = (0..200).map(|n| (format!("k{n}"), ["ant", "bee", "cat", "dog"][n % 4])).collect();
    world.produce("in", words.iter().map(|(key, word)| (key.as_str(), *word, 1)));
    world.run_to_end(&counting(Place::Disk), &settings);
    let mut damaged = 0;
    for task in std::fs::read_dir(world.folder.path().join("app")).expect("listed") {
        let task = task.expect("an entry").path();
        for file in std::fs::read_dir(&task).into_iter().flatten() {
            let file = file.expect("an entry").path();
            if file.extension().is_some_and(|extension| extension == "sst") {
                // The first block of rows; what is read when the file is opened lies at its end.
                let mut bytes = std::fs::read(&file).expect("read");
                bytes[2] ^= 0xff;
                std::fs::write(&file, bytes).expect("written");
                damaged += 1;
            }
        }
    }
    assert!(damaged > 1, "nothing was flushed");
    world.produce("in", [("k", "ant", 1)]);
    world.run_to_end(&counting(Place::Disk), &settings);
    let expected = [("ant", 51), ("bee", 50), ("cat", 50), ("dog", 50)].map(|(word, count)| (word.to_owned(), count));
    assert_eq!(world.latest("app-counts-changelog"), expected.into());
    assert_eq!(world.latest("out")["ant"], 51);
}
