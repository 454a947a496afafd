//! What can go wrong in a topology, by the runtime's reaction to it.
//!
//! An [`Error`] is one pointer wide; where it happened is filled in by whoever knows it, from the inside out: the
//! operator adds the user's line, the task adds topic, partition and offset.

use std::fmt;
use std::panic::Location;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// How the runtime reacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The topology, a setting or an argument is wrong: nothing is started; fix the program.
    Invalid,
    /// One record cannot be processed: it does not decode, or a user's function failed. Stop, or skip and count, as configured.
    Record,
    /// A service does not answer now: try again until the time limit.
    Retry,
    /// The task belongs to somebody else now: close it without a commit and join again.
    Migrated,
    /// Local state cannot be used: rebuild the store from its changelog.
    Corrupted,
    /// Another instance or process holds what this one needs: it does not start.
    Refused,
    /// Nothing can be done here: close and report.
    Fatal,
}

/// A failure, the reaction it asks for, and where it happened.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: Kind,
    message: String,
    place: Place,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Where an error happened, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The operator's name in the topology.
    pub node: Option<String>,
    /// The user's line that made the operator.
    pub origin: Option<&'static Location<'static>>,
    /// The record's topic.
    pub topic: Option<String>,
    /// The record's partition.
    pub partition: Option<i32>,
    /// The record's offset.
    pub offset: Option<i64>,
}

impl Error {
    /// An error of `kind`; `message` is a lower-case fragment.
    #[cold]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { inner: Box::new(Inner { kind, message: message.into(), place: Place::default(), source: None }) }
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

    /// The same error at an operator, unless a deeper one is named already.
    #[must_use]
    pub fn at_node(mut self, name: &str, origin: &'static Location<'static>) -> Self {
        if self.inner.place.node.is_none() {
            self.inner.place.node = Some(name.to_owned());
            self.inner.place.origin = Some(origin);
        }
        self
    }

    /// The same error at a record, unless one is named already.
    #[must_use]
    pub fn at_record(mut self, topic: &str, partition: i32, offset: i64) -> Self {
        let place = &mut self.inner.place;
        if place.topic.is_none() {
            place.topic = Some(topic.to_owned());
            place.partition = Some(partition);
            place.offset = Some(offset);
        }
        self
    }

    /// The same error once more: for whoever asks a second time why a client has failed.
    #[must_use]
    pub(crate) fn copy(&self) -> Self {
        let Inner { kind, message, place, source } = &*self.inner;
        let source = source.as_ref().map(|source| source.to_string().into());
        Self { inner: Box::new(Inner { kind: *kind, message: message.clone(), place: place.clone(), source }) }
    }

    /// The reaction it asks for.
    pub fn kind(&self) -> Kind {
        self.inner.kind
    }

    /// The message without place and cause.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Where it happened.
    pub fn place(&self) -> &Place {
        &self.inner.place
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(topic) = &self.topic {
            write!(f, " at {topic}-{} offset {}", self.partition.unwrap_or(-1), self.offset.unwrap_or(-1))?;
        }
        if let Some(node) = &self.node {
            write!(f, " in {node}")?;
        }
        match self.origin {
            Some(origin) => write!(f, " ({origin})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.inner.message, self.inner.place)?;
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

impl From<state_store::Error> for Error {
    #[cold]
    fn from(error: state_store::Error) -> Self {
        use state_store::Kind as Store;
        let kind = match error.kind() {
            Store::Codec | Store::Null => Kind::Record,
            Store::Invalid => Kind::Invalid,
            Store::InUse => Kind::Refused,
            Store::Corrupt => Kind::Corrupted,
            Store::Io => Kind::Fatal,
        };
        let message = error.message().to_owned();
        let kept = Self::new(kind, message);
        match std::error::Error::source(&error) {
            Some(cause) => kept.caused_by(cause.to_string()),
            None => kept,
        }
    }
}
