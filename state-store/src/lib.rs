//! Local state of a stream processor: typed stores over ordered bytes, with a changelog.
//!
//! ```text
//! KeyValueStore, WindowStore      typed; reads see what was put
//!   └ write-back table            what changed since the last commit, decoded
//!       ├ Codec                   values ↔ bytes
//!       ├ ChangeSink              every change, to the changelog topic
//!       └ Backend                 RocksDB or memory: committed rows only
//! ```
//!
//! This crate knows no topics, no threads and no network.

#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "tests make files of their own and look at the clock"))]

pub mod backend;
pub mod changelog;
pub mod codec;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod cursor;
pub mod directory;
mod error;
mod headers;
mod key_value;
mod layout;
mod logged;
pub mod positions;
mod segments;
pub mod store;
mod table;
#[cfg(test)]
mod tests;
mod timestamp;
mod window;
mod window_cursor;
mod windowed;
mod wipe;

pub use codec::{Codec, CodecRef, DefaultCodec};
pub use error::{Error, Kind, Result};
pub use headers::{Header, Headers};
pub use key_value::{KeyValueCursor, KeyValueStore};
pub use store::{Change, Drained, Stamped, Store, StoreConfig, Updated};
pub use timestamp::Timestamp;
pub use window::{Expiry, WindowMeasures, WindowStore};
pub use window_cursor::WindowCursor;
pub use windowed::{Window, Windowed};
pub use wipe::wipe_store;
