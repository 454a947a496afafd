//! What a run of many cases says at its end: how many ran, passed, failed, and what the others wait for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How a run went.
#[derive(Debug, Default)]
pub struct Report {
    passed: usize,
    failures: Vec<Failure>,
    /// How many cases wait for each operator or option, and for how many it is all that they wait for.
    waiting: BTreeMap<String, Waits>,
    waiting_cases: usize,
}

#[derive(Debug)]
struct Failure {
    case: String,
    difference: String,
}

#[derive(Debug, Default)]
struct Waits {
    cases: usize,
    alone: usize,
}

impl Report {
    /// A case ran.
    pub fn ran(&mut self, case: &str, difference: Option<String>) {
        match difference {
            None => self.passed += 1,
            Some(difference) => self.failures.push(Failure { case: case.to_owned(), difference }),
        }
    }

    /// A case waits for what is `missing`.
    pub fn waits(&mut self, missing: &BTreeSet<String>) {
        self.waiting_cases += 1;
        for name in missing {
            let waits = self.waiting.entry(name.clone()).or_default();
            waits.cases += 1;
            waits.alone += usize::from(missing.len() == 1);
        }
    }

    /// Whether it tells of no case.
    pub fn is_empty(&self) -> bool {
        self.ran_cases() + self.waiting_cases == 0
    }

    fn ran_cases(&self) -> usize {
        self.passed + self.failures.len()
    }

    /// How many cases failed.
    pub fn failed(&self) -> usize {
        self.failures.len()
    }

    /// The report of the run `title`: every failure with its first difference, what waits for what, and the summary.
    pub fn titled<'a>(&'a self, title: &'a str) -> impl fmt::Display + 'a {
        Titled { title, report: self }
    }
}

struct Titled<'a> {
    title: &'a str,
    report: &'a Report,
}

impl fmt::Display for Titled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { title, report } = self;
        for failure in &report.failures {
            writeln!(f, "{} failed: {}", failure.case, failure.difference)?;
        }
        if !report.waiting.is_empty() {
            writeln!(f, "{:<40} {:>12} {:>16}", "missing", "cases wait", "for it alone")?;
        }
        let mut waiting: Vec<_> = report.waiting.iter().collect();
        waiting.sort_by_key(|(name, waits)| (std::cmp::Reverse(waits.cases), *name));
        for (name, waits) in waiting {
            writeln!(f, "{name:<40} {:>12} {:>16}", waits.cases, waits.alone)?;
        }
        let (ran, failed, wait) = (report.ran_cases(), report.failed(), report.waiting_cases);
        write!(f, "{title}: {ran} ran, {} passed, {failed} failed, {wait} wait", report.passed)
    }
}
