//! A configuration of librdkafka: names and values, checked as they are set.

use std::ffi::{CString, c_char, c_int};
use std::ptr::NonNull;

use rdkafka::bindings as sys;

use super::{TEXT_BYTES, text, written};

/// A configuration, until a client takes it over.
pub(crate) struct Conf {
    handle: NonNull<sys::rd_kafka_conf_t>,
}

// SAFETY: a configuration is plain memory that belongs to no thread.
unsafe impl Send for Conf {}

/// Why a setting was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no setting of that name.
    Unknown,
    /// The value does not fit, with librdkafka's reason. It may hold the value.
    Value(String),
}

impl Conf {
    /// librdkafka's defaults, its log lines sent to ours.
    pub(crate) fn new() -> Self {
        // SAFETY: has no preconditions.
        let conf = unsafe { sys::rd_kafka_conf_new() };
        let handle = NonNull::new(conf).expect("librdkafka allocates a configuration or aborts");
        // SAFETY: the handle is valid, and the callback has the signature that is asked for.
        unsafe { sys::rd_kafka_conf_set_log_cb(conf, Some(log_line)) };
        Self { handle }
    }

    /// Sets `name` to `value`.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let zero = |_| Refusal::Value("it has a zero byte".to_owned());
        let (c_name, c_value) = (CString::new(name).map_err(zero)?, CString::new(value).map_err(zero)?);
        let mut why = [0_u8; TEXT_BYTES];
        // SAFETY: handle, strings and the buffer of the given size are valid during the call.
        let result = unsafe {
            let buffer = why.as_mut_ptr().cast::<c_char>();
            sys::rd_kafka_conf_set(self.as_ptr(), c_name.as_ptr(), c_value.as_ptr(), buffer, why.len())
        };
        match result {
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => Ok(()),
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_UNKNOWN => Err(Refusal::Unknown),
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_INVALID => Err(Refusal::Value(written(&why))),
        }
    }

    /// The value of `name`, of the client or by default of its topics.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let name = CString::new(name).ok()?;
        let mut value = [0_u8; TEXT_BYTES];
        let mut size = value.len();
        // SAFETY: handle, name, buffer and its size are valid during the call.
        let result = unsafe {
            let buffer = value.as_mut_ptr().cast::<c_char>();
            sys::rd_kafka_conf_get(self.as_ptr(), name.as_ptr(), buffer, &raw mut size)
        };
        (result == sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK).then(|| written(&value))
    }

    /// The names of all settings of clients and of topics.
    pub(crate) fn names() -> Vec<String> {
        let mut names = Vec::new();
        // SAFETY: both configurations are made here and destroyed below; a dump is an array of `count` strings, names
        // and values by turns, which lives until it is freed.
        unsafe {
            let (client, topic) = (sys::rd_kafka_conf_new(), sys::rd_kafka_topic_conf_new());
            let mut count = 0_usize;
            let dump = sys::rd_kafka_conf_dump(client, &raw mut count);
            names.extend((0..count).step_by(2).map(|index| text(*dump.add(index))));
            sys::rd_kafka_conf_dump_free(dump, count);
            let dump = sys::rd_kafka_topic_conf_dump(topic, &raw mut count);
            names.extend((0..count).step_by(2).map(|index| text(*dump.add(index))));
            sys::rd_kafka_conf_dump_free(dump, count);
            sys::rd_kafka_conf_destroy(client);
            sys::rd_kafka_topic_conf_destroy(topic);
        }
        names
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_conf_t {
        self.handle.as_ptr()
    }

    /// Gives the configuration away to a client.
    pub(super) fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Conf {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and no client has taken it over, or `forget` would have been called.
        unsafe { sys::rd_kafka_conf_destroy(self.as_ptr()) };
    }
}

/// A log line of librdkafka, called on its threads.
unsafe extern "C" fn log_line(
    client: *const sys::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    line: *const c_char,
) {
    // SAFETY: librdkafka gives strings that live during the call, and a client or null.
    let (client, facility, line) = unsafe {
        let name = if client.is_null() { std::ptr::null() } else { sys::rd_kafka_name(client) };
        (text(name), text(facility), text(line))
    };
    // Levels of syslog.
    match level {
        0..=3 => tracing::error!(target: "librdkafka", client, facility, "{line}"),
        4 => tracing::warn!(target: "librdkafka", client, facility, "{line}"),
        5 | 6 => tracing::info!(target: "librdkafka", client, facility, "{line}"),
        _ => tracing::debug!(target: "librdkafka", client, facility, "{line}"),
    }
}
