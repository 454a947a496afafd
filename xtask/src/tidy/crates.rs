//! Which crate may use which: read from the manifests and from the code.
//!
//! ```text
//! state-store ◀ stream-core ◀ { stream-kafka, stream-kinesis } ◀ examples ◀ tests        xtask: none of them
//! ```

use super::files::finding;
use super::source::Source;
use super::{File, Finding};

/// A crate of the workspace and the others that it may use.
struct Member {
    name: &'static str,
    may_use: &'static [&'static str],
}

const MEMBERS: &[Member] = &[
    Member { name: "state-store", may_use: &[] },
    Member { name: "stream-core", may_use: &["state-store"] },
    Member { name: "stream-kafka", may_use: &["state-store", "stream-core"] },
    Member { name: "stream-kinesis", may_use: &["state-store", "stream-core"] },
    Member { name: "examples", may_use: &["state-store", "stream-core", "stream-kafka", "stream-kinesis"] },
    Member { name: "tests", may_use: &["state-store", "stream-core", "stream-kafka", "stream-kinesis", "examples"] },
    Member { name: "xtask", may_use: &[] },
];

/// Crates of others that only some of ours may use: a name, or its beginning with `*`.
const FOREIGN: &[(&str, &[&str], &str)] = &[
    ("rocksdb", &["state-store"], "RocksDB stays behind state_store::backend"),
    ("rdkafka*", &["stream-kafka", "tests"], "librdkafka stays behind stream_core::log"),
    ("kafka-protocol", &["stream-kafka"], "Kafka's messages stay behind stream_core::log"),
    ("aws-*", &["stream-kinesis"], "the AWS SDK stays behind stream_core::log"),
    ("tokio*", &["stream-kinesis"], "async stays inside stream-kinesis"),
    ("futures*", &["stream-kinesis"], "async stays inside stream-kinesis"),
    ("async-*", &["stream-kinesis"], "async stays inside stream-kinesis"),
];

/// All that xtask may depend on: it is built before anything else is.
const XTASK: &[&str] = &["lexopt", "serde_json", "signal-hook"];

/// Reads the dependencies of a manifest.
pub(super) fn check_manifest(file: &File<'_>, findings: &mut Vec<Finding>) {
    let Some(member) = file.path.strip_suffix("/Cargo.toml").and_then(member) else { return };
    let mut section = "";
    for (index, line) in file.text.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim().trim_matches(['[', ']']);
            continue;
        }
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
        if !section.ends_with("dependencies") || name.is_empty() || name.starts_with('#') {
            continue;
        }
        if let Some(advice) = refused(member, name) {
            findings.push(finding(file, index + 1, "dependency", advice));
        }
    }
}

/// Reads the crates that code names: `name::…`.
pub(super) fn check_uses(file: &File<'_>, source: &Source, findings: &mut Vec<Finding>) {
    let Some(member) = file.path.split('/').next().and_then(member) else { return };
    let ours = MEMBERS.iter().map(|other| other.name);
    let foreign = FOREIGN.iter().map(|(name, ..)| name.trim_end_matches(['*', '-']));
    for name in ours.chain(foreign).filter(|name| *name != member.name) {
        let Some(advice) = refused(member, name) else { continue };
        let path = format!("{}::", name.replace('-', "_"));
        for at in source.words(&path).filter(|&at| !source.is_within_path(at)) {
            findings.push(finding(file, source.line_of(at), "dependency", advice.clone()));
        }
    }
}

fn member(name: &str) -> Option<&'static Member> {
    MEMBERS.iter().find(|member| member.name == name)
}

/// Why `member` may not use the crate `name`.
fn refused(member: &Member, name: &str) -> Option<String> {
    if self::member(name).is_some() {
        let is_allowed = member.may_use.contains(&name);
        return (!is_allowed).then(|| format!("{} does not use {name}: dependencies point one way", member.name));
    }
    if member.name == "xtask" && !XTASK.contains(&name) && !FOREIGN.iter().any(|(known, ..)| is_named(known, name)) {
        return Some(format!("xtask does not use {name}: it has to build in seconds"));
    }
    let (_, users, why) = FOREIGN.iter().find(|(known, ..)| is_named(known, name))?;
    (!users.contains(&member.name)).then(|| format!("{} does not use {name}: {why}", member.name))
}

fn is_named(known: &str, name: &str) -> bool {
    match known.strip_suffix('*') {
        Some(start) => name.starts_with(start.trim_end_matches('-')),
        None => name == known,
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings_in;

    #[test]
    fn dependencies_point_one_way() {
        let check = |path: &str, name: &str, expect: &[&str]| {
            let text = format!("[package]\nname = \"x\"\n\n[dependencies]\n{name}.workspace = true\n");
            assert_eq!(findings_in(path, &text), expect, "{path}: {name}");
        };
        check("stream-core/Cargo.toml", "state-store", &[]);
        check("state-store/Cargo.toml", "stream-core", &["5:dependency"]);
        check("stream-core/Cargo.toml", "stream-kafka", &["5:dependency"]);
        check("stream-core/Cargo.toml", "tokio", &["5:dependency"]);
        check("stream-kinesis/Cargo.toml", "aws-sdk-kinesis", &[]);
        check("stream-kafka/Cargo.toml", "aws-sdk-kinesis", &["5:dependency"]);
        check("xtask/Cargo.toml", "serde", &["5:dependency"]);
        check("xtask/Cargo.toml", "state-store", &["5:dependency"]);
        check("Cargo.toml", "anything", &[]);
    }

    #[test]
    fn code_names_only_what_its_crate_may_use() {
        let check = |path: &str, code: &str, expect: &[&str]| {
            assert_eq!(findings_in(path, &format!("//! a\n{code}\n")), expect, "{path}: {code}");
        };
        check("stream-core/src/a.rs", "use state_store::Store;", &[]);
        check("state-store/src/a.rs", "use stream_core::Record;", &["2:dependency"]);
        check("stream-core/src/a.rs", "use rdkafka::Offset;", &["2:dependency"]);
        check("examples/src/a.rs", "use crate::tests::x;", &[]);
        check("examples/src/a.rs", "// rdkafka::Offset", &[]);
    }
}
