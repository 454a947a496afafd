//! Kafka Streams and this project on the same work: the same bytes in the changelog, and each goes on where the other
//! stopped.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use examples::counts::read_to_end;
use examples::workload::LateRecords;
use stream_core::time::{Clock as _, SystemClock};
use tests::fixtures;
use tests::model::truth;
use tests::trial::Trial;

const APPLICATION: &str = env!("CARGO_BIN_EXE_events_app");
const RECORDS: u64 = 100_000;
/// A Java process on a busy machine takes its time.
const PEER_MAX: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A trial with a name of its own. No record is late: Kafka Streams forgets stream time when it stops, and then counts
/// late records that it would have dropped.
fn trial(what: &str) -> Trial {
    let number = SystemClock::new().now().millis();
    Trial::new(fixtures::broker().bootstrap(), format!("{what}-{number}"), RECORDS, LateRecords::None)
}

/// Runs the Kafka Streams application on the topics of `trial` as `application_id`, until it has committed `records`.
fn run_kafka_streams(trial: &Trial, application_id: &str, output: &str, records: u64) {
    let state = tempfile::tempdir().expect("a folder for the state");
    let mut command = fixtures::peer();
    command.args(["run", "--workload", "count", "--set", "commit.interval.ms=500"]);
    command.args(["--bootstrap", &trial.bootstrap, "--app-id", application_id]);
    command.args(["--input", &trial.input(), "--output", output]);
    command.arg("--state-dir").arg(state.path());
    // It commits, leaves the group and ends when its standard input does.
    let mut peer = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the peer can be started");
    let deadline = Instant::now() + PEER_MAX;
    while trial.committed_by(application_id) < records {
        let ended = peer.try_wait().expect("a child can be asked");
        assert!(ended.is_none(), "Kafka Streams ended with {ended:?}");
        if Instant::now() > deadline {
            let _ = peer.kill();
            panic!("Kafka Streams has committed {} of {records} records", trial.committed_by(application_id));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    drop(peer.stdin.take());
    let status = peer.wait().expect("a child can be waited for");
    assert!(status.success(), "Kafka Streams ended with {status}");
}

/// Value and timestamp.
type Latest = (Option<Vec<u8>>, i64);

/// The latest record of each key in each partition of `topic`.
fn latest(trial: &Trial, topic: &str) -> BTreeMap<Vec<u8>, Latest> {
    let mut latest = BTreeMap::new();
    read_to_end(&*trial.log, topic, |record| {
        let key = record.key.expect("a changelog record has a key").to_vec();
        latest.insert(key, (record.value.map(<[u8]>::to_vec), record.timestamp.millis()));
        Ok(())
    })
    .expect("the changelog is read");
    latest
}

#[test]
fn changelogs_hold_the_same_latest_bytes() {
    let trial = trial("changelog-ours");
    trial.fill(0..RECORDS);
    let _heard = trial.run_until(APPLICATION, RECORDS);
    let theirs = format!("{}-theirs", trial.name);
    let output = format!("{theirs}-counts");
    examples::feed::create_topics(&*trial.log, &[&output], examples::workload::PARTITIONS).expect("a topic is made");
    run_kafka_streams(&trial, &theirs, &output, RECORDS);

    let ours = latest(&trial, &trial.changelog());
    let theirs = latest(&trial, &format!("{theirs}-events-per-hour-changelog"));
    assert_eq!(ours.len(), theirs.len());
    for (key, record) in &ours {
        assert_eq!(theirs.get(key), Some(record), "key {key:x?}");
    }
    println!("{} keys have the same latest bytes", ours.len());
    assert_eq!(latest(&trial, &trial.output()), latest(&trial, &output), "the outputs are the same, too");
}

#[test]
fn kafka_streams_goes_on_with_our_state() {
    let trial = trial("ours-to-theirs");
    trial.fill(0..RECORDS / 2);
    let _heard = trial.run_until(APPLICATION, RECORDS / 2);
    trial.fill(RECORDS / 2..RECORDS);
    run_kafka_streams(&trial, &trial.name, &trial.output(), RECORDS);
    assert_eq!(trial.counts(), truth(trial.workload).counts);
}

#[test]
fn we_go_on_with_the_state_of_kafka_streams() {
    let trial = trial("theirs-to-ours");
    trial.fill(0..RECORDS / 2);
    run_kafka_streams(&trial, &trial.name, &trial.output(), RECORDS / 2);
    trial.fill(RECORDS / 2..RECORDS);
    let _heard = trial.run_until(APPLICATION, RECORDS);
    assert_eq!(trial.counts(), truth(trial.workload).counts);
}
