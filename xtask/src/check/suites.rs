//! Which suites there are. The fixed ones stand here; each file of integration tests is one more, under its own name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Attempt, Error, Result};
use crate::folders;

/// The suite that lints; it has to build what the tests build.
pub(crate) const CLIPPY: &str = "clippy";

/// All suites that need a broker.
const KAFKA: &str = "kafka";
const FORMAT: &[&str] = &["fmt", "--all", "--check"];
const LINT: &[&str] = &["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"];

/// A suite of the gate.
#[derive(Clone, Debug)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) what: String,
    pub(crate) work: Work,
    /// It is given a broker.
    pub(crate) needs_kafka: bool,
}

/// What a suite does.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// A command of Cargo that succeeds or does not.
    Command(&'static [&'static str]),
    /// The checker of the source.
    Tidy,
    /// `cargo test` with these arguments.
    Tests(Vec<String>),
}

/// All suites, in the order in which they run: what fails fast comes first.
pub(crate) fn all() -> Result<Vec<Suite>> {
    let fixed = |name: &str, what: &str, work| Suite { name: name.into(), what: what.into(), work, needs_kafka: false };
    let tests = |arguments: &[&str]| Work::Tests(arguments.iter().map(|&argument| argument.to_owned()).collect());
    let mut suites = vec![
        fixed("fmt", "the format of the code", Work::Command(FORMAT)),
        fixed("tidy", "the rules that no compiler knows", Work::Tidy),
        fixed(CLIPPY, "lints, warnings denied", Work::Command(LINT)),
        fixed("unit", "tests beside the code", tests(&["--lib", "--bins"])),
        fixed("doc", "examples in the documentation", tests(&["--doc"])),
    ];
    suites.extend(integration(&folders::repository())?);
    Ok(suites)
}

/// The suite of this name, or all that [`KAFKA`] stands for.
pub(crate) fn named(name: &str, all: &[Suite]) -> Result<Vec<Suite>> {
    let is_meant = |suite: &&Suite| if name == KAFKA { suite.needs_kafka } else { suite.name == name };
    let found: Vec<Suite> = all.iter().filter(is_meant).cloned().collect();
    if found.is_empty() {
        return Err(Error::Usage(format!("there is no suite '{name}'; there are\n{}", table(all))));
    }
    Ok(found)
}

/// One line for each suite.
pub(crate) fn table(suites: &[Suite]) -> String {
    let line = |name: &str, what: &str| format!("  {name:<16} {what}\n");
    let each: String = suites.iter().map(|suite| line(&suite.name, &suite.what)).collect();
    each + &line(KAFKA, "those of them that need a broker")
}

/// The files in `tests/` of each crate; files of one name in two crates are one suite.
fn integration(repository: &Path) -> Result<Vec<Suite>> {
    let mut found: BTreeMap<String, Suite> = BTreeMap::new();
    for folder in folders_in(repository)? {
        for path in entries(&folder.join("tests"))? {
            let is_folder_of_one = path.join("main.rs").is_file();
            let is_file = path.extension().is_some_and(|extension| extension == "rs");
            if !folder.join("Cargo.toml").is_file() || !is_folder_of_one && !is_file {
                continue;
            }
            let name = path.file_stem().expect("an entry of a folder has a name").to_string_lossy().into_owned();
            let text = text_of(&path)?;
            let suite = found.entry(name.clone()).or_insert_with(|| Suite {
                what: purpose(&text),
                work: Work::Tests(vec!["--test".to_owned(), name.clone()]),
                name,
                needs_kafka: false,
            });
            // Whoever uses a broker asks the fixture for it by this word.
            suite.needs_kafka |= text.contains("broker");
        }
    }
    Ok(found.into_values().collect())
}

/// The text of a file, or of all files of a folder, `main.rs` first.
fn text_of(path: &Path) -> Result<String> {
    if path.is_file() {
        return fs::read_to_string(path).attempt(|| format!("read {}", path.display()));
    }
    let mut files = entries(path)?;
    files.sort_by_key(|file| !file.ends_with("main.rs"));
    files.iter().map(|file| text_of(file)).collect()
}

/// The first sentence of the documentation of a file.
fn purpose(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let text = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let first = text.split(". ").next().unwrap_or_default();
    first.trim_end_matches('.').to_owned()
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// What is in `folder`, by name; nothing if there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).attempt(|| format!("read the folder {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_found_by_their_names() {
        let suite = |name: &str, needs_kafka| Suite {
            name: name.to_owned(),
            what: String::new(),
            work: Work::Tidy,
            needs_kafka,
        };
        let all = [suite("unit", false), suite("recovery", true), suite("interop", true)];
        let check = |name, expect: &[&str]| {
            let found = named(name, &all).expect("a known name");
            assert_eq!(found.iter().map(|suite| suite.name.as_str()).collect::<Vec<_>>(), expect);
        };
        check("unit", &["unit"]);
        check("kafka", &["recovery", "interop"]);
        let message = named("oracel", &all).map(drop).expect_err("an unknown name").to_string();
        assert!(message.contains("'oracel'") && message.contains("  interop"), "{message}");
    }

    #[test]
    fn the_purpose_is_the_first_sentence() {
        let text = "//! Recovery on Kafka, with the process\n//! killed. Ten times.\n//!\n//! More.\nuse x;\n";
        assert_eq!(purpose(text), "Recovery on Kafka, with the process killed");
        assert_eq!(purpose("use x;"), "");
    }
}
