//! What can go wrong with bytes on one machine, by what the caller must do about it.
//!
//! An [`Error`] is one pointer wide, so that a `Result<()>` on the hot path costs a register.

use std::fmt;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What the caller must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes do not decode, or a value cannot be encoded: skip the record or stop.
    Codec,
    /// A null where the type has none: use `Option<T>`.
    Null,
    /// An argument is out of its range: fix the program.
    Invalid,
    /// Another process holds the state directory: stop it, or name another directory.
    InUse,
    /// Stored bytes are damaged or of an unknown format: rebuild the store from its changelog.
    Corrupt,
    /// The disk or the file system refused: nothing is known about the last write.
    Io,
}

/// A failure with its [`Kind`] and a message that fits behind "failed to …: ".
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: Kind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `message` is a lower-case fragment.
    #[cold]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { inner: Box::new(Inner { kind, message: message.into(), source: None }) }
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// The same error, its message preceded by `context` and a colon.
    #[must_use]
    pub fn within(mut self, context: impl fmt::Display) -> Self {
        self.inner.message = format!("{context}: {}", self.inner.message);
        self
    }

    /// What the caller must do.
    pub fn kind(&self) -> Kind {
        self.inner.kind
    }

    /// The message without the cause.
    pub fn message(&self) -> &str {
        &self.inner.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        match &self.inner.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.inner.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}

impl From<std::io::Error> for Error {
    #[cold]
    fn from(source: std::io::Error) -> Self {
        Self::new(Kind::Io, "the file system refused").caused_by(source)
    }
}
