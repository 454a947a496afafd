//! Each small example runs, on the embedded log, and prints what its text promises.

use std::process::Command;

use tests::process::example;

/// Runs the example `name` and checks that its output ends with the lines `expect`.
fn check(name: &str, expect: &[&str]) {
    let output = Command::new(example(name)).output().expect("the example starts");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} ended with {}\n{text}{errors}", output.status);
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    assert!(lines.ends_with(expect), "{name} printed\n{text}");
}

#[test]
fn word_count() {
    let counts = ["all 2", "and 1", "hello 1", "join 1", "kafka 3", "lead 1", "streams 3", "summit 1", "to 1"];
    check("01_word_count", &counts);
}

#[test]
fn events_per_hour() {
    check("02_events_per_hour", &["ann 00:00–01:00 3", "ann 01:00–02:00 2"]);
}

#[test]
fn stateless_pipeline() {
    check("03_stateless_pipeline", &["alarms: web-2: disk is full", "warnings: web-2: WARN disk is slow"]);
}

#[test]
fn an_unknown_argument_is_named() {
    let output = Command::new(example("01_word_count")).arg("--kafka").output().expect("the example starts");
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("--kafka") && errors.contains("--bootstrap"), "{errors}");
}
