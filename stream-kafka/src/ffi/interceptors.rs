//! What a producer hears of each record on its way, from librdkafka's own threads: when it is queued, and when a broker has
//! acknowledged it. Nothing is allocated or locked.
//!
//! **Acknowledged offsets.** A record carries the address of a cell, which takes the offset behind it.
//!
//! **Timestamp zero.** librdkafka takes it for "now", so a record of 1970-01-01T00:00:00Z would be written with today's
//! time. Such a record is sent with a mark instead, which is replaced before anything reads it. The field lies behind the
//! public part of a message, at a place that depends on librdkafka's version. So it is written only where it holds the
//! mark, and librdkafka's own function has to tell the mark before and zero after; else the record keeps the mark, which
//! no broker takes: it fails, and is never written with a wrong time.

use std::ffi::{c_char, c_void};
use std::mem::size_of;
use std::sync::atomic::{AtomicI64, Ordering};

use rdkafka::bindings as sys;

use super::conf::Conf;

/// Stands for timestamp zero on the way through librdkafka. Brokers refuse negative timestamps.
pub(super) const ZERO: i64 = i64::MIN + 1;

const NAME: &std::ffi::CStr = c"stream-kafka";

/// Where a message keeps its timestamp: behind its public part, two pointers of a list, flags and the timestamp's kind.
const OFFSET: usize = size_of::<sys::rd_kafka_message_t>() + 2 * size_of::<*mut c_void>() + 2 * size_of::<i32>();

/// Lets clients of this configuration send timestamp zero, and keep acknowledged offsets in the cells (`AtomicI64`) that
/// records carry as their opaque pointers.
pub(super) fn install(conf: &mut Conf) {
    let name = NAME.as_ptr();
    // SAFETY: configuration and name are valid, and the callback has the signature that is asked for.
    unsafe { sys::rd_kafka_conf_interceptor_add_on_new(conf.as_ptr(), name, Some(on_new), std::ptr::null_mut()) };
}

unsafe extern "C" fn on_new(
    client: *mut sys::rd_kafka_t,
    _conf: *const sys::rd_kafka_conf_t,
    _opaque: *mut c_void,
    _why: *mut c_char,
    _why_size: usize,
) -> sys::rd_kafka_resp_err_t {
    let (name, none) = (NAME.as_ptr(), std::ptr::null_mut());
    // SAFETY: librdkafka gives a client that is being made, which is when interceptors may be added.
    unsafe {
        sys::rd_kafka_interceptor_add_on_acknowledgement(client, name, Some(on_acknowledgement), none);
        sys::rd_kafka_interceptor_add_on_send(client, name, Some(on_send), none)
    }
}

unsafe extern "C" fn on_acknowledgement(
    _client: *mut sys::rd_kafka_t,
    message: *mut sys::rd_kafka_message_t,
    _opaque: *mut c_void,
) -> sys::rd_kafka_resp_err_t {
    // SAFETY: librdkafka gives a valid message with the opaque pointer it was sent with, which is null or the address of
    // a cell that outlives the client. The code is read as a number, for the enum may not have it.
    unsafe {
        let code = std::ptr::addr_of!((*message).err).cast::<i32>().read();
        let cell = (*message)._private.cast::<AtomicI64>();
        // The offset is unknown (negative) of a record that a broker had already.
        if code == 0 && (*message).offset >= 0 && !cell.is_null() {
            (*cell).fetch_max((*message).offset + 1, Ordering::Release);
        }
    }
    sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}

unsafe extern "C" fn on_send(
    _client: *mut sys::rd_kafka_t,
    message: *mut sys::rd_kafka_message_t,
    _opaque: *mut c_void,
) -> sys::rd_kafka_resp_err_t {
    // SAFETY: librdkafka gives a message of its own making, whose memory goes on behind the public part for more than
    // `OFFSET` and eight bytes in every version that has interceptors; it is written only where the mark stands.
    unsafe {
        if told(message) == ZERO {
            let field = message.cast::<u8>().add(OFFSET).cast::<i64>();
            if field.read_unaligned() == ZERO {
                field.write_unaligned(0);
                if told(message) != 0 {
                    field.write_unaligned(ZERO);
                }
            }
        }
    }
    sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}

/// The timestamp of a message as librdkafka tells it.
///
/// # Safety
/// `message` is a valid message.
unsafe fn told(message: *const sys::rd_kafka_message_t) -> i64 {
    let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    // SAFETY: the message and the place to write to are valid.
    unsafe { sys::rd_kafka_message_timestamp(message, &raw mut kind) }
}
