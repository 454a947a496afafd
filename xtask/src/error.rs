//! The one error of this program: a sentence for the person at the terminal, which says what to do.

use std::fmt;

/// The result of everything here.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why a command stopped, by the exit code it ends with.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line names something that does not exist.
    Usage(String),
    /// The work failed; the message says what to do.
    Failed(String),
    /// A signal asked to stop, and everything was stopped.
    Interrupted,
    /// A child told the person what is wrong; its exit code is passed on.
    Reported(u8),
}

impl Error {
    /// A failure with a lower-case message.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// The code that the process ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
            Self::Interrupted => 130,
            Self::Reported(code) => *code,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Failed(message) => f.write_str(message),
            Self::Interrupted => f.write_str("interrupted; everything that was started is stopped"),
            Self::Reported(code) => write!(f, "the program ended with exit code {code}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<lexopt::Error> for Error {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Adds what was attempted to an error of the system.
pub(crate) trait Attempt<T> {
    /// The value, or "failed to `what`: reason".
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Attempt<T> for std::result::Result<T, E> {
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::Failed(format!("failed to {}: {error}", what())))
    }
}
