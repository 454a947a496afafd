//! Words that have their place: what only one owner may touch, and what may stand nowhere.

use super::files::finding;
use super::source::Source;
use super::{File, Finding};

/// Words and where they may stand.
struct Rule {
    name: &'static str,
    words: &'static [&'static str],
    /// Where the rule holds: beginnings of paths.
    within: &'static [&'static str],
    /// The owners: beginnings of paths.
    except: &'static [&'static str],
    tests: Tests,
    advice: &'static str,
}

/// Whether a rule holds for tests, too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tests {
    Exempt,
    Included,
}

const EVERYWHERE: &[&str] = &[""];
const LIBRARIES: &[&str] = &["state-store/src/", "stream-core/src/", "stream-kafka/src/", "stream-kinesis/src/"];

/// Parts of the paths of files that hold nothing but tests.
const TEST_FILES: &[&str] = &["/tests.rs", "/tests/", "/conformance", "/log_conformance"];

const RULES: &[Rule] = &[
    Rule {
        name: "leftover",
        words: &["todo!", "unimplemented!", "dbg!", "#[ignore"],
        within: EVERYWHERE,
        except: &[],
        tests: Tests::Included,
        advice: "finish it or take it out",
    },
    Rule {
        name: "allow",
        words: &["#[allow(", "#![allow("],
        within: EVERYWHERE,
        except: &[],
        tests: Tests::Included,
        advice: "use #[expect(lint, reason = \"…\")]: it tells when it is needed no more",
    },
    Rule {
        name: "unsafe",
        words: &["unsafe"],
        within: EVERYWHERE,
        except: &["stream-kafka/src/ffi/"],
        tests: Tests::Included,
        advice: "unsafe code stands in stream-kafka/src/ffi/ alone",
    },
    Rule {
        name: "any",
        words: &["Any"],
        within: LIBRARIES,
        except: &[
            "stream-core/src/task/builder.rs",
            "stream-core/src/task/stores.rs",
            "stream-core/src/plan/mod.rs",
            "stream-core/src/dsl/codecs.rs",
        ],
        tests: Tests::Included,
        advice: "types are erased in task/builder.rs, task/stores.rs and the plan's codecs; keep them elsewhere",
    },
    Rule {
        name: "clock",
        words: &["SystemTime", "Instant", "UNIX_EPOCH"],
        within: LIBRARIES,
        except: &["stream-core/src/time.rs"],
        tests: Tests::Exempt,
        advice: "ask stream_core::time::Clock, so that a test or a simulator can own the time",
    },
    Rule {
        name: "thread",
        words: &[
            "thread::spawn",
            "thread::Builder",
            "thread::scope",
            "thread::sleep",
            "thread::park",
            "thread::current",
        ],
        within: LIBRARIES,
        except: &[
            "stream-core/src/runtime/",
            "stream-core/src/time.rs",
            "stream-kafka/src/group/",
            "stream-kafka/src/wire/deadline.rs",
        ],
        tests: Tests::Exempt,
        advice: "threads belong to stream_core::runtime; a loop is a step that its thread calls",
    },
    Rule {
        name: "environment",
        words: &["std::env", "env::var", "env::args", "env::temp_dir", "process::exit", "process::Command"],
        within: LIBRARIES,
        // The default folder of the state.
        except: &["stream-core/src/settings/"],
        tests: Tests::Exempt,
        advice: "settings are given as data by the application",
    },
    Rule {
        name: "file",
        words: &["std::fs", "fs::", "OpenOptions", "File::open", "File::create"],
        within: LIBRARIES,
        except: &["state-store/src/directory", "state-store/src/backend/rocks"],
        tests: Tests::Exempt,
        advice: "state_store::directory owns the state's files",
    },
    Rule {
        name: "network",
        words: &["TcpStream", "TcpListener", "UdpSocket", "std::net"],
        within: LIBRARIES,
        except: &["stream-kafka/src/wire/connection.rs"],
        tests: Tests::Exempt,
        advice: "stream-kafka/src/wire/connection.rs owns the only socket",
    },
    Rule {
        name: "random",
        words: &["new_v4", "RandomState", "thread_rng", "getrandom"],
        within: LIBRARIES,
        except: &["state-store/src/directory"],
        tests: Tests::Exempt,
        advice: "random numbers come from a seed, or from the owner of the process id",
    },
    Rule {
        name: "node",
        words: &["thread", "TopicPartition", "Mutex", "crate::runtime", "crate::memory", "crate::builder"],
        within: &["stream-core/src/node/"],
        except: &[],
        tests: Tests::Exempt,
        advice: "a node knows no topic by its name and no thread: let the task give it what it needs",
    },
    Rule {
        name: "layer",
        words: &["crate::runtime", "crate::memory", "crate::testing"],
        within: &["stream-core/src/plan/", "stream-core/src/dsl/", "stream-core/src/task/"],
        except: &[],
        tests: Tests::Exempt,
        advice: "the plan and the task do not know who runs them",
    },
    Rule {
        name: "topic",
        words: &["TopicPartition", "Partition"],
        within: &["state-store/src/"],
        except: &[],
        tests: Tests::Included,
        advice: "state-store knows bytes on one machine and no topics",
    },
];

/// Findings of all rules in one file.
pub(super) fn check(file: &File<'_>, source: &Source, findings: &mut Vec<Finding>) {
    let is_under = |folders: &[&str]| folders.iter().any(|folder| file.path.starts_with(folder));
    let is_test_file = TEST_FILES.iter().any(|part| file.path.contains(part));
    for rule in RULES {
        let holds = is_under(rule.within) && !is_under(rule.except);
        if !holds || rule.tests == Tests::Exempt && is_test_file {
            continue;
        }
        for word in rule.words {
            for at in source.words(word) {
                let is_exempt = rule.tests == Tests::Exempt && source.is_test(at);
                if !is_exempt && !is_panic_payload(word, source, at) {
                    let advice = format!("'{word}': {}", rule.advice);
                    findings.push(finding(file, source.line_of(at), rule.name, advice));
                }
            }
        }
    }
}

/// The standard library's type of what a panic carries, and its import.
fn is_panic_payload(word: &str, source: &Source, at: usize) -> bool {
    let rest = source.rest_of_line(at);
    word == "Any" && (rest.starts_with("Any + Send") && !rest.starts_with("Any + Send + Sync") || rest == "Any;")
}

#[cfg(test)]
mod tests {
    use super::super::findings_in;

    fn check(path: &str, code: &str, expect: &[&str]) {
        assert_eq!(findings_in(path, &format!("//! a\n{code}\n")), expect, "{path}: {code}");
    }

    #[test]
    fn the_clock_has_one_owner() {
        check("stream-core/src/task/mod.rs", "let now = Instant::now();", &["2:clock"]);
        check("stream-core/src/time.rs", "let now = Instant::now();", &[]);
        check("stream-core/src/task/mod.rs", "// Instant::now()\n\"Instant\"", &[]);
        check("stream-core/src/memory/tests.rs", "let now = Instant::now();", &[]);
    }

    #[test]
    fn unit_tests_may_use_threads_and_files() {
        let code = "#[cfg(test)]\nmod tests {\n    fn a() { std::thread::spawn(|| ()); }\n}";
        check("stream-core/src/task/mod.rs", code, &[]);
        check("stream-core/src/task/mod.rs", "fn a() { std::thread::spawn(|| ()); }", &["2:thread"]);
    }

    #[test]
    fn unfinished_work_is_found_in_tests_as_well() {
        check("tests/tests/a.rs", "fn a() { todo!() }", &["2:leftover"]);
        check("tests/tests/a.rs", "#[ignore = \"slow\"]\nfn a() {}", &["2:leftover"]);
        check("examples/src/a.rs", "#[allow(dead_code)]\nfn a() {}", &["2:allow"]);
    }

    #[test]
    fn erased_types_have_their_places_and_panics_their_payload() {
        check("stream-core/src/node/mod.rs", "fn a(b: &dyn Any) {}", &["2:any"]);
        check("stream-core/src/plan/mod.rs", "fn a(b: &dyn Any) {}", &[]);
        check("stream-core/src/task/mod.rs", "use std::any::Any;\nfn a(panic: &(dyn Any + Send)) {}", &[]);
        check("stream-core/src/task/mod.rs", "fn a(b: &(dyn Any + Send + Sync)) {}", &["2:any"]);
    }

    #[test]
    fn unsafe_code_has_one_folder() {
        check("stream-kafka/src/ffi/queue.rs", "unsafe { a() }", &[]);
        check("stream-kafka/src/consumer.rs", "unsafe { a() }", &["2:unsafe"]);
    }
}
