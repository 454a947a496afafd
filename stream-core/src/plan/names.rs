//! Names of operators and stores, equal to Kafka Streams': one counter per builder, prefix and ten digits.

use crate::{Error, Kind, Result};

/// The counter of one builder.
#[derive(Debug, Default)]
pub(crate) struct Names {
    next: u32,
}

impl Names {
    /// The next generated name.
    pub(crate) fn generate(&mut self, prefix: &str) -> String {
        let index = self.next;
        self.next += 1;
        format!("{prefix}{index:010}")
    }

    /// The user's name, or the next generated one. An index is used up either way, as in Kafka Streams.
    pub(crate) fn or_generate(&mut self, user: Option<String>, prefix: &str) -> String {
        let generated = self.generate(prefix);
        user.unwrap_or(generated)
    }
}

/// Kafka Streams' rule for names (`Named.validate`).
pub(crate) fn validate(name: &str) -> Result<()> {
    const LENGTH_MAX: usize = 249;
    let problem = if name.is_empty() {
        "is empty"
    } else if name == "." || name == ".." {
        "is \".\" or \"..\""
    } else if name.len() > LENGTH_MAX {
        "is longer than 249 characters"
    } else if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        "has characters other than ASCII letters, digits, '.', '_' and '-'"
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Invalid, format!("the name {name:?} {problem}")))
}
