//! `cargo xtask tidy`: rules of ARCHITECTURE.md and CONTRIBUTING.md that no compiler knows.
//!
//! Each file is read once; a finding says where, which rule, and what to do. Rules about words see code without its
//! comments and strings (`source.rs`); which words, and where they may stand, is a table (`words.rs`).

mod crates;
mod files;
mod source;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;

use crate::error::{Attempt, Error, Result};
use crate::folders;
use lexopt::prelude::*;

const HELP: &str = "\
cargo xtask tidy

Checks the source: which crate uses which, length of files and functions, documentation of modules,
words that have their place (clock, threads, files, Any, unsafe, …), leftovers of unfinished work.
Prints one finding a line: 'path:line: rule: what to do'.
";

/// Something to be changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// From 1.
    line: usize,
    rule: &'static str,
    advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.advice)
    }
}

/// A file as rules see it.
struct File<'a> {
    /// From the top of the repository, with `/`.
    path: &'a str,
    text: &'a str,
}

/// The command `tidy`.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<()> {
    match arguments.next()? {
        None => {}
        Some(Short('h') | Long("help")) => {
            print!("{HELP}");
            return Ok(());
        }
        Some(other) => return Err(Error::Usage(format!("{}; 'tidy' takes nothing", other.unexpected()))),
    }
    let findings = check(&folders::repository())?;
    findings.iter().for_each(|finding| println!("{finding}"));
    match findings.len() {
        0 => Ok(()),
        number => Err(Error::failed(format!("{number} places to be tidied"))),
    }
}

/// All findings in the repository, by place.
pub(crate) fn check(repository: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    walk(repository, repository, &mut |file| check_file(file, &mut findings))?;
    findings.sort();
    Ok(findings)
}

fn check_file(file: &File<'_>, findings: &mut Vec<Finding>) {
    files::check_text(file, findings);
    match file.path.rsplit('.').next() {
        Some("rs") => {
            let source = source::Source::new(file.text);
            files::check_rust(file, &source, findings);
            words::check(file, &source, findings);
            crates::check_uses(file, &source, findings);
        }
        Some("md") => files::check_markdown(file, findings),
        Some("toml") => crates::check_manifest(file, findings),
        _ => {}
    }
}

fn walk(top: &Path, folder: &Path, visit: &mut dyn FnMut(&File<'_>)) -> Result<()> {
    let entries = fs::read_dir(folder).attempt(|| format!("read the folder {}", folder.display()))?;
    for entry in entries {
        let path = entry.attempt(|| format!("read the folder {}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                walk(top, &path, visit)?;
            }
            continue;
        }
        let bytes = fs::read(&path).attempt(|| format!("read {}", path.display()))?;
        // What is no text has no lines to complain of.
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let relative = path.strip_prefix(top).expect("the walk began at the top").to_string_lossy().replace('\\', "/");
        visit(&File { path: &relative, text: &text });
    }
    Ok(())
}

/// What the rules find in one file: for the tests of the rules.
#[cfg(test)]
fn findings_in(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    check_file(&File { path, text }, &mut findings);
    findings.sort();
    findings.iter().map(|finding| format!("{}:{}", finding.line, finding.rule)).collect()
}
