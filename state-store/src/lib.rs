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

pub mod backend;
pub mod changelog;
pub mod codec;
mod error;
mod headers;
mod key_value;
pub mod store;
mod timestamp;
mod window;
mod windowed;

pub use codec::{Codec, CodecRef, DefaultCodec};
pub use error::{Error, Kind, Result};
pub use headers::{Header, Headers};
pub use key_value::{KeyValueCursor, KeyValueStore};
pub use store::{Change, Drained, Stamped, Store, StoreConfig, Updated};
pub use timestamp::Timestamp;
pub use window::{Expiry, WindowCursor, WindowMeasures, WindowStore};
pub use windowed::{Window, Windowed};
