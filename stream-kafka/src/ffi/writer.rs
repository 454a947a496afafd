//! Producing: a record at a time into librdkafka's queue, with partition, timestamp and headers; failures come back as
//! events, successes not at all.
//!
//! `rd_kafka_produce_batch` cannot carry a timestamp per record, so records go through `rd_kafka_produceva` with an array
//! on the stack and the topic's handle: one copy, no look-up by name.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rdkafka::bindings as sys;
use stream_core::Result;
use stream_core::record::Headers;

use super::client::{Client, Queue, Role, Topic};
use super::conf::Conf;
use super::{TEXT_BYTES, interceptors, text, words, written};

/// `RD_KAFKA_RESP_ERR__QUEUE_FULL`.
const QUEUE_FULL: i32 = -184;
/// Null, wherever librdkafka asks for a pointer.
const NULL: *mut c_void = ptr::null_mut();

/// A producer. Its fields are dropped in this order: queue and topics before the client, what the client writes to after.
pub(crate) struct Writer {
    events: Queue,
    topics: Vec<Topic>,
    client: Client,
    /// By topic and partition the offset behind the last record that was acknowledged.
    acknowledged: Vec<Box<[AtomicI64]>>,
}

/// A topic, as [`Writer::topic`] numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopicNumber(pub(crate) usize);

/// Why a record was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The queue is full.
    Full,
    /// librdkafka's code and words.
    Failed(i32, String),
}

/// A record that no broker took.
pub(crate) struct Undelivered {
    /// Its topic.
    pub(crate) topic: String,
    /// Its partition.
    pub(crate) partition: i32,
    /// librdkafka's code.
    pub(crate) code: i32,
    /// Its words.
    pub(crate) why: String,
}

impl Writer {
    pub(crate) fn new(mut conf: Conf) -> Result<Self> {
        interceptors::install(&mut conf);
        // SAFETY: the configuration is valid. Delivery reports become events instead of callbacks.
        unsafe { sys::rd_kafka_conf_set_events(conf.as_ptr(), sys::RD_KAFKA_EVENT_DR | sys::RD_KAFKA_EVENT_ERROR) };
        let client = Client::new(conf, Role::Producer)?;
        Ok(Self { events: Queue::main(&client), topics: Vec::new(), client, acknowledged: Vec::new() })
    }

    /// The number of a topic with so many partitions; each call makes a new one.
    pub(crate) fn topic(&mut self, name: &str, partitions: i32) -> Result<TopicNumber> {
        self.topics.push(Topic::new(&self.client, name)?);
        self.acknowledged.push((0..partitions).map(|_| AtomicI64::new(0)).collect());
        Ok(TopicNumber(self.topics.len() - 1))
    }

    /// The offset behind the last record that a broker has acknowledged in a partition.
    pub(crate) fn acknowledged(&self, topic: TopicNumber, partition: i32) -> Option<i64> {
        let cell = self.acknowledged[topic.0].get(usize::try_from(partition).ok()?)?;
        Some(cell.load(Ordering::Acquire)).filter(|offset| *offset > 0)
    }

    /// Copies a record into the queue. The topic has that partition.
    pub(crate) fn send(
        &mut self,
        topic: TopicNumber,
        partition: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: i64,
        headers: &Headers,
    ) -> std::result::Result<(), Refused> {
        use sys::rd_kafka_vtype_t as Type;
        let timestamp = if timestamp == 0 { interceptors::ZERO } else { timestamp };
        let cell = &raw const self.acknowledged[topic.0][partition as usize];
        let mut fields = [
            field(Type::RD_KAFKA_VTYPE_RKT, Field { rkt: self.topics[topic.0].as_ptr() }),
            field(Type::RD_KAFKA_VTYPE_PARTITION, Field { i32_: partition }),
            field(Type::RD_KAFKA_VTYPE_MSGFLAGS, Field { i: sys::RD_KAFKA_MSG_F_COPY }),
            field(Type::RD_KAFKA_VTYPE_OPAQUE, Field { ptr: cell.cast::<c_void>().cast_mut() }),
            field(Type::RD_KAFKA_VTYPE_KEY, memory(key)),
            field(Type::RD_KAFKA_VTYPE_VALUE, memory(value)),
            field(Type::RD_KAFKA_VTYPE_TIMESTAMP, Field { i64_: timestamp }),
            field(Type::RD_KAFKA_VTYPE_HEADERS, Field { headers: ptr::null_mut() }),
        ];
        let mut list = ptr::null_mut();
        let mut used = fields.len() - 1;
        if !headers.is_empty() {
            list = c_headers(headers);
            fields[used].u = Field { headers: list };
            used += 1;
        }
        // SAFETY: client, topic and all that the first `used` fields point to are valid during the call, and key and
        // value are copied in it. On success the headers belong to the record, on failure they stay ours.
        unsafe {
            let error = sys::rd_kafka_produceva(self.client.as_ptr(), fields.as_ptr(), used);
            if error.is_null() {
                return Ok(());
            }
            if !list.is_null() {
                sys::rd_kafka_headers_destroy(list);
            }
            Err(refused(error))
        }
    }

    /// How many records are not acknowledged or given up yet, and failures that were not taken.
    pub(crate) fn outstanding(&self) -> usize {
        // SAFETY: the client is valid.
        usize::try_from(unsafe { sys::rd_kafka_outq_len(self.client.as_ptr()) }).unwrap_or_default()
    }

    /// Sends what waits without lingering, until all is acknowledged or given up or `timeout` is over. Failures keep
    /// it from being done until they are taken.
    pub(crate) fn push(&self, timeout: Duration) {
        let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the client is valid. As delivery reports are events, this waits on a condition and polls nothing.
        unsafe { sys::rd_kafka_flush(self.client.as_ptr(), timeout_ms) };
    }

    /// Takes failures that have been told, and gives them to `visit`.
    pub(crate) fn failures(&self, mut visit: impl FnMut(Undelivered)) {
        loop {
            // SAFETY: the queue is valid; an event is ours until it is destroyed, and its messages live as long.
            unsafe {
                let event = sys::rd_kafka_queue_poll(self.events.as_ptr(), 0);
                if event.is_null() {
                    return;
                }
                match sys::rd_kafka_event_type(event) {
                    sys::RD_KAFKA_EVENT_DR => undelivered(event, &mut visit),
                    sys::RD_KAFKA_EVENT_ERROR => {
                        tracing::warn!("kafka producer: {}", text(sys::rd_kafka_event_error_string(event)));
                    }
                    _ => {}
                }
                sys::rd_kafka_event_destroy(event);
            }
        }
    }

    /// The failure that ended this producer, if one has.
    pub(crate) fn fatal(&self) -> Option<String> {
        let mut why = [0_u8; TEXT_BYTES];
        // SAFETY: client and buffer are valid.
        let code =
            unsafe { sys::rd_kafka_fatal_error(self.client.as_ptr(), why.as_mut_ptr().cast::<c_char>(), why.len()) };
        (code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| written(&why))
    }
}

type Field = sys::rd_kafka_vu_s__bindgen_ty_1;

fn field(vtype: sys::rd_kafka_vtype_t, u: Field) -> sys::rd_kafka_vu_t {
    sys::rd_kafka_vu_t { vtype, u }
}

/// Bytes for librdkafka to copy; none is null, no bytes are not.
fn memory(bytes: Option<&[u8]>) -> Field {
    let (ptr, size) = bytes.map_or((NULL, 0), |bytes| (bytes.as_ptr().cast::<c_void>().cast_mut(), bytes.len()));
    Field { mem: sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr, size } }
}

/// A copy of `headers` that belongs to whoever gets it.
fn c_headers(headers: &Headers) -> *mut sys::rd_kafka_headers_t {
    // SAFETY: names and values are valid during the calls, which copy them.
    unsafe {
        let list = sys::rd_kafka_headers_new(headers.iter().len());
        for header in headers.iter() {
            let value = memory(header.value.as_deref()).mem;
            let (name, name_len) = (header.name.as_ptr().cast::<c_char>(), header.name.len().cast_signed());
            sys::rd_kafka_header_add(list, name, name_len, value.ptr, value.size.cast_signed());
        }
        list
    }
}

/// Reads and frees an error of librdkafka.
///
/// # Safety
/// `error` is a valid error that belongs to the caller.
unsafe fn refused(error: *mut sys::rd_kafka_error_t) -> Refused {
    // SAFETY: the caller vouches for the error, which is used before it is destroyed. The code is one of librdkafka's own.
    unsafe {
        let code = sys::rd_kafka_error_code(error) as i32;
        let refused = match code {
            QUEUE_FULL => Refused::Full,
            code => Refused::Failed(code, text(sys::rd_kafka_error_string(error))),
        };
        sys::rd_kafka_error_destroy(error);
        refused
    }
}

/// Gives `visit` the records that a delivery report says have failed.
///
/// # Safety
/// `event` is a valid delivery report.
unsafe fn undelivered(event: *mut sys::rd_kafka_event_t, visit: &mut impl FnMut(Undelivered)) {
    // SAFETY: the messages live as long as the event. The code is read as a number, for the enum may not have it.
    unsafe {
        loop {
            let message = sys::rd_kafka_event_message_next(event);
            if message.is_null() {
                return;
            }
            let code = ptr::addr_of!((*message).err).cast::<i32>().read();
            if code != 0 {
                let topic = CStr::from_ptr(sys::rd_kafka_topic_name((*message).rkt)).to_string_lossy().into_owned();
                // Its words are not asked of the message itself: that would read the value as if it were a text.
                let detail = text(sys::rd_kafka_message_produce_errstr(message));
                let why = if detail.is_empty() { words(code) } else { format!("{}: {detail}", words(code)) };
                visit(Undelivered { topic, partition: (*message).partition, code, why });
            }
        }
    }
}
