//! Real threads: states, listeners, closing in time, failing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::world::{Place, World, counting};
use crate::ProcessingGuarantee::{AtLeastOnce, ExactlyOnce};
use crate::memory::Faults;
use crate::time::{Clock, SystemClock};
use crate::{Kind, Settings, State, Streams, StreamsBuilder, ThreadState};

const SOON: Duration = Duration::from_secs(60);

/// A signal is one of the process: one test at a time listens to them.
static SIGNALS: Mutex<()> = Mutex::new(());

/// A client that tells its states, and the states that it has told.
fn client(world: &World, topology: &crate::Topology, settings: crate::Settings) -> (Streams, Arc<Mutex<Vec<State>>>) {
    let streams = Streams::new(topology, settings, Arc::new(world.log.clone())).expect("valid settings");
    let states = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&states);
    streams.on_state_change(move |_, to| heard.lock().unwrap().push(to));
    (streams, states)
}

#[test]
fn threads_commit_and_end_when_they_are_closed() {
    for guarantee in [AtLeastOnce, ExactlyOnce] {
        let world = World::new(&[("in", 4), ("out", 2)]);
        let keys: Vec<String> = (0..500).map(|n| format!("k{n}")).collect();
        world.produce("in", keys.iter().map(|key| (key.as_str(), "ant", 1)));
        let (streams, states) = client(&world, &counting(Place::Disk), world.settings(guarantee, 3));
        let (sender, receiver) = std::sync::mpsc::channel();
        streams.on_state_change(move |_, to| sender.send(to).expect("somebody waits"));
        streams.start().expect("it starts");
        while receiver.recv_timeout(SOON).expect("it runs soon") != State::Running {}
        let health = streams.health();
        assert!(health.is_healthy() && health.threads.len() == 3, "{health:?}");
        streams.close(SOON).expect("it closes");
        streams.close(SOON).expect("closing again does no harm");
        let expected = [State::Rebalancing, State::Running, State::PendingShutdown, State::NotRunning];
        assert_eq!(*states.lock().unwrap(), expected);
        assert!(streams.health().threads.iter().all(|thread| thread.state == ThreadState::Dead));
        // What was not processed before the close is processed after the next start.
        world.run_to_end(&counting(Place::Disk), &world.settings(guarantee, 1));
        assert_eq!(world.latest("out")["ant"], 500);
        assert_eq!(world.latest("app-grouped-changelog")["ant"], 500);
    }
}

#[test]
fn a_client_that_was_not_started_closes_and_does_not_start_any_more() {
    let world = World::new(&[("in", 1), ("out", 1)]);
    let (streams, states) = client(&world, &counting(Place::Disk), world.settings(AtLeastOnce, 1));
    streams.close(SOON).expect("it closes");
    assert_eq!(*states.lock().unwrap(), [State::PendingShutdown, State::NotRunning]);
    assert_eq!(streams.start().expect_err("it is closed").kind(), Kind::Invalid);
}

#[test]
fn a_failure_stops_all_threads_and_is_told() {
    let _alone = SIGNALS.lock();
    let world = World::new(&[("in", 2), ("out", 1)]);
    let builder = StreamsBuilder::new();
    builder.stream::<String, i64>("in").to("out");
    let topology = builder.build().expect("a valid topology");
    world.produce("in", [("a", "not a number", 1)]);
    let (streams, states) = client(&world, &topology, world.settings(AtLeastOnce, 2));
    let error = streams.run_until_signal().expect_err("it fails");
    assert_eq!(error.kind(), Kind::Record, "{error}");
    assert_eq!(streams.state(), State::Error);
    assert_eq!(streams.close(SOON).expect_err("it has failed").to_string(), error.to_string());
    assert_eq!(streams.health().error, Some(error.to_string()));
    assert_eq!(states.lock().unwrap().iter().rev().take(2).collect::<Vec<_>>(), [&State::Error, &State::PendingError]);
}

#[test]
fn a_listener_that_panics_keeps_nobody_from_ending() {
    let world = World::new(&[("in", 1)]);
    let builder = StreamsBuilder::new();
    builder.stream::<String, i64>("in").foreach(|_, _| {});
    world.produce("in", [("a", "not a number", 1)]);
    let topology = builder.build().expect("a valid topology");
    let (streams, states) = client(&world, &topology, world.settings(AtLeastOnce, 1));
    streams.on_state_change(|_, to| panic!("{to}"));
    streams.start().expect("it starts");
    while !streams.state().is_final() {
        std::thread::yield_now();
    }
    assert_eq!(streams.close(SOON).expect_err("it has failed").kind(), Kind::Record);
    assert_eq!(states.lock().unwrap().last(), Some(&State::Error));
}

#[test]
fn a_start_that_is_refused_is_an_error_at_once() {
    let world = World::new(&[("out", 1)]);
    let (streams, states) = client(&world, &counting(Place::Disk), world.settings(AtLeastOnce, 1));
    assert_eq!(streams.start().expect_err("no input").kind(), Kind::Invalid);
    assert_eq!(*states.lock().unwrap(), [State::Rebalancing, State::PendingError, State::Error]);
}

#[test]
fn a_signal_is_heeded_while_the_log_does_not_answer() {
    let _alone = SIGNALS.lock();
    let world = World::new(&[("in", 1), ("out", 1)]);
    world.log.inject(Faults { lost_requests_per_mille: 1000, ..Faults::default() });
    let settings = Settings { task_timeout_ms: 60_000, ..world.settings(AtLeastOnce, 1) };
    let (streams, _) = client(&world, &counting(Place::Disk), settings);
    streams.on_state_change(|_, to| {
        if to == State::Rebalancing {
            signal_hook::low_level::raise(signal_hook::consts::SIGTERM).expect("raised");
        }
    });
    let clock = SystemClock::new();
    let error = streams.run_until_signal().expect_err("it has not started");
    assert_eq!((error.kind(), streams.state()), (Kind::Retry, State::NotRunning), "{error}");
    assert!(clock.monotonic() < SOON / 2, "it was heeded after {:?}", clock.monotonic());
}

#[test]
fn a_signal_closes_it() {
    let _alone = SIGNALS.lock();
    let world = World::new(&[("in", 1), ("out", 1)]);
    let (streams, states) = client(&world, &counting(Place::Disk), world.settings(AtLeastOnce, 1));
    streams.on_state_change(|_, to| {
        if to == State::Running {
            signal_hook::low_level::raise(signal_hook::consts::SIGTERM).expect("raised");
        }
    });
    streams.run_until_signal().expect("it ends well");
    let expected = [State::Rebalancing, State::Running, State::PendingShutdown, State::NotRunning];
    assert_eq!(*states.lock().unwrap(), expected);
}

#[test]
fn a_close_that_takes_too_long_says_who_still_runs() {
    let world = World::new(&[("in", 1)]);
    let (entered, is_in) = std::sync::mpsc::channel();
    let (let_go, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    let builder = StreamsBuilder::new();
    builder.stream::<String, String>("in").foreach(move |_, _| {
        entered.send(()).expect("the test waits");
        released.lock().unwrap().recv().expect("the test lets go");
    });
    world.produce("in", [("a", "b", 1)]);
    let topology = builder.build().expect("a valid topology");
    let (streams, _) = client(&world, &topology, world.settings(AtLeastOnce, 1));
    streams.start().expect("it starts");
    is_in.recv_timeout(SOON).expect("it processes soon");
    let error = streams.close(Duration::from_millis(10)).expect_err("a function does not return");
    assert_eq!(error.kind(), Kind::Retry);
    assert!(error.to_string().contains("client-StreamThread-1 still run"), "{error}");
    let_go.send(()).expect("it waits");
    streams.close(SOON).expect("now it closes");
    assert_eq!(streams.state(), State::NotRunning);
}
