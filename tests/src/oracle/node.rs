//! What a statement's id names: a stream, a table or a group, of plain or of windowed keys.

use std::sync::Arc;

use state_store::{CodecRef, Windowed};
use stream_core::dsl::{KGroupedStream, KStream, KTable};

use crate::oracle::codecs::{Plain, TimeWindowed};
use crate::oracle::datum::Datum;
use crate::oracle::keys::Key;
use crate::oracle::kinds::KeyKind;

/// Values in streams; `None` is null.
pub type Value = Option<Datum>;

/// One of two static types of keys.
#[derive(Clone, Copy)]
pub enum ByKey<P, W> {
    /// Plain keys.
    Plain(P),
    /// Keys within a time window.
    Windowed(W),
}

/// A stream.
pub type Stream<'b> = ByKey<KStream<'b, Datum, Value>, KStream<'b, Windowed<Datum>, Value>>;
/// A table.
pub type Table<'b> = ByKey<KTable<'b, Datum, Datum>, KTable<'b, Windowed<Datum>, Datum>>;
/// A grouped stream.
pub type Grouped<'b> = ByKey<KGroupedStream<'b, Datum, Value>, KGroupedStream<'b, Windowed<Datum>, Value>>;

/// What an id names.
#[derive(Clone, Copy)]
pub enum Node<'b> {
    /// A stream.
    Stream(Stream<'b>),
    /// A table.
    Table(Table<'b>),
    /// A grouped stream.
    Grouped(Grouped<'b>),
}

/// A static type of keys, with its codec and its place in [`ByKey`].
pub trait StaticKey: Key {
    /// The codec of keys of `kind`.
    fn codec(kind: KeyKind) -> CodecRef<Self>;

    /// A stream of such keys.
    fn stream(stream: KStream<'_, Self, Value>) -> Node<'_>;

    /// A table of such keys.
    fn table(table: KTable<'_, Self, Datum>) -> Node<'_>;

    /// A group of such keys.
    fn grouped(grouped: KGroupedStream<'_, Self, Value>) -> Node<'_>;
}

impl StaticKey for Datum {
    fn codec(kind: KeyKind) -> CodecRef<Self> {
        match kind {
            KeyKind::Plain(plain) => plain.codec(),
            KeyKind::TimeWindowed(_) => Plain::Str.codec(),
        }
    }

    fn stream(stream: KStream<'_, Self, Value>) -> Node<'_> {
        Node::Stream(ByKey::Plain(stream))
    }

    fn table(table: KTable<'_, Self, Datum>) -> Node<'_> {
        Node::Table(ByKey::Plain(table))
    }

    fn grouped(grouped: KGroupedStream<'_, Self, Value>) -> Node<'_> {
        Node::Grouped(ByKey::Plain(grouped))
    }
}

impl StaticKey for Windowed<Datum> {
    fn codec(kind: KeyKind) -> CodecRef<Self> {
        let size_ms = match kind {
            KeyKind::Plain(_) => 0,
            KeyKind::TimeWindowed(size_ms) => size_ms,
        };
        Arc::new(TimeWindowed { size_ms })
    }

    fn stream(stream: KStream<'_, Self, Value>) -> Node<'_> {
        Node::Stream(ByKey::Windowed(stream))
    }

    fn table(table: KTable<'_, Self, Datum>) -> Node<'_> {
        Node::Table(ByKey::Windowed(table))
    }

    fn grouped(grouped: KGroupedStream<'_, Self, Value>) -> Node<'_> {
        Node::Grouped(ByKey::Windowed(grouped))
    }
}
