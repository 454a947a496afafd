//! The only `unsafe` code: a thin layer over librdkafka's C interface, for what the safe crate does message by message.
//!
//! Each file owns one kind of handle and frees it: [`conf`] a configuration, [`client`] a client and its topics,
//! [`reader`] a consumer's queue, [`writer`] a producer's. Handles of librdkafka may be used from any thread; ours are
//! `Send` and not `Sync`, since nothing needs more. Codes are read as integers: a broker may send one that the
//! bindings' enum does not know.

#![expect(unsafe_code, reason = "librdkafka is a C library; this folder is where it is called")]

pub(crate) mod client;
pub(crate) mod conf;
pub(crate) mod reader;
pub(crate) mod writer;

mod interceptors;

use std::ffi::{CStr, c_char};

use rdkafka::bindings as sys;

/// Room for librdkafka's error texts.
const TEXT_BYTES: usize = 512;

/// The text at `text`, which may be null.
///
/// # Safety
/// `text` is null or a string that ends with a zero byte and lives until the return.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: it is not null, and the caller vouches for the rest.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// What an error code means, in librdkafka's words.
fn words(code: i32) -> String {
    match sys::rd_kafka_resp_err_t::try_from(code) {
        // SAFETY: it is one of librdkafka's codes, and its text is never freed.
        Ok(known) => unsafe { text(sys::rd_kafka_err2str(known)) },
        Err(_) => format!("error code {code}"),
    }
}

/// The text that librdkafka wrote into `buffer`.
fn written(buffer: &[u8]) -> String {
    CStr::from_bytes_until_nul(buffer).map_or(String::new(), |text| text.to_string_lossy().into_owned())
}
