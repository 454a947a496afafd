//! Consuming in batches: partitions are started at an offset, all into one queue, and the queue is drained at once.
//!
//! This is librdkafka's consumer without a group: it knows start and stop, and nothing of it reacts to a coordinator.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{self, addr_of};
use std::time::Duration;

use rdkafka::bindings as sys;
use stream_core::Result;
use stream_core::record::{Header, Headers, RawRecord, Timestamp};

use super::client::{Client, Queue, Role, Topic};
use super::conf::Conf;
use super::text;

/// `RD_KAFKA_RESP_ERR__PARTITION_EOF`.
const PARTITION_EOF: i32 = -191;
/// `RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET`.
const AUTO_OFFSET_RESET: i32 = -140;

static NO_HEADERS: Headers = Headers::EMPTY;

/// A consumer. Its fields are dropped in this order: queue and topics before the client.
pub(crate) struct Reader {
    queue: Queue,
    topics: Vec<(CString, Topic)>,
    /// What the queue gave, until it is looked at.
    messages: Vec<*mut sys::rd_kafka_message_t>,
    client: Client,
}

// SAFETY: the pointers in `messages` are used within `take` only, and librdkafka's handles may move between threads.
unsafe impl Send for Reader {}

/// A topic, as [`Reader::topic`] numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopicNumber(usize);

/// Where something that was taken from the queue belongs; equal for equal topics and partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The address of the topic's handle, only compared.
    topic: usize,
    partition: i32,
}

/// What the queue gives.
pub(crate) enum Taken<'a> {
    /// A record.
    Record(RawRecord<'a>),
    /// All there was has been read; the next record will have this offset, or a later one.
    End(i64),
    /// The offset asked for is not there.
    Gone,
    /// Reading failed, with librdkafka's code and words. It may go on by itself.
    Failed(i32, String),
}

impl Reader {
    pub(crate) fn new(conf: Conf) -> Result<Self> {
        let client = Client::new(conf, Role::Consumer)?;
        Ok(Self { queue: Queue::new(&client), topics: Vec::new(), messages: Vec::new(), client })
    }

    /// The number of a topic.
    pub(crate) fn topic(&mut self, name: &str) -> Result<TopicNumber> {
        if let Some(index) = self.topics.iter().position(|(known, _)| known.to_bytes() == name.as_bytes()) {
            return Ok(TopicNumber(index));
        }
        let topic = Topic::new(&self.client, name)?;
        let name = CString::new(name).expect("a topic was made of that name, which has no zero byte");
        self.topics.push((name, topic));
        Ok(TopicNumber(self.topics.len() - 1))
    }

    /// How what comes from a partition is marked.
    pub(crate) fn origin(&self, topic: TopicNumber, partition: i32) -> Origin {
        Origin { topic: self.topics[topic.0].1.as_ptr().addr(), partition }
    }

    /// Begins to read a partition at `offset`.
    pub(crate) fn start(&mut self, topic: TopicNumber, partition: i32, offset: i64) {
        assert!(offset >= 0, "a partition is read from an absolute offset, not from {offset}");
        let topic = self.topics[topic.0].1.as_ptr();
        // SAFETY: topic and queue are valid and outlive the reading, which `stop` or the client's end ends.
        let result = unsafe { sys::rd_kafka_consume_start_queue(topic, partition, offset, self.queue.as_ptr()) };
        assert_eq!(result, 0, "partition {partition} can be started: it is not negative, nor is its offset");
    }

    /// Ends reading a partition; what was fetched of it is dropped.
    pub(crate) fn stop(&mut self, topic: TopicNumber, partition: i32) {
        // SAFETY: the topic is valid. The result tells whether the partition was known, which changes nothing.
        unsafe { sys::rd_kafka_consume_stop(self.topics[topic.0].1.as_ptr(), partition) };
    }

    /// The end of a partition (its high watermark) as the last fetch told it.
    pub(crate) fn end_told(&self, topic: TopicNumber, partition: i32) -> Option<i64> {
        let (mut low, mut high) = (-1_i64, -1_i64);
        // SAFETY: client, name and both places to write to are valid.
        unsafe {
            let name = self.topics[topic.0].0.as_ptr();
            let (low, high) = (&raw mut low, &raw mut high);
            sys::rd_kafka_get_watermark_offsets(self.client.as_ptr(), name, partition, low, high);
        }
        (high >= 0).then_some(high)
    }

    /// Whether nothing waits in the queue.
    pub(crate) fn is_drained(&self) -> bool {
        // SAFETY: the queue is valid.
        unsafe { sys::rd_kafka_queue_length(self.queue.as_ptr()) == 0 }
    }

    /// Waits up to `timeout` for the queue to have something, then gives `visit` what is there, up to `taken_max`.
    /// Tells how much that was.
    pub(crate) fn take(
        &mut self,
        timeout: Duration,
        taken_max: usize,
        mut visit: impl FnMut(Origin, Taken<'_>),
    ) -> usize {
        self.messages.resize(taken_max.max(1), ptr::null_mut());
        // The C function waits until the array is full or the time is over, so the first is waited for by itself.
        let mut count = self.consume(0, 1, timeout);
        if count == 1 && taken_max > 1 {
            count += self.consume(1, taken_max - 1, Duration::ZERO);
        }
        for message in &self.messages[..count] {
            // SAFETY: the queue gave `count` messages that are ours until they are destroyed, once, right here.
            unsafe {
                let (origin, code) = read_origin(*message);
                show(*message, code, |taken| visit(origin, taken));
                sys::rd_kafka_message_destroy(*message);
            }
        }
        count
    }

    fn consume(&mut self, from: usize, count: usize, timeout: Duration) -> usize {
        let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        let room = &mut self.messages[from..from + count];
        // SAFETY: the queue is valid, and the array has room for `count` pointers.
        let taken = unsafe {
            sys::rd_kafka_consume_batch_queue(self.queue.as_ptr(), timeout_ms, room.as_mut_ptr(), room.len())
        };
        usize::try_from(taken).unwrap_or_default()
    }
}

/// Topic, partition and error code of a message.
///
/// # Safety
/// `message` is a valid message.
unsafe fn read_origin(message: *const sys::rd_kafka_message_t) -> (Origin, i32) {
    // SAFETY: the message is valid. The code is read as a number, for the enum may not have it.
    unsafe {
        let code = addr_of!((*message).err).cast::<i32>().read();
        (Origin { topic: (*message).rkt.addr(), partition: (*message).partition }, code)
    }
}

/// Gives `visit` what a message holds.
///
/// # Safety
/// `message` is a valid message of a consumer with this error code.
unsafe fn show(message: *mut sys::rd_kafka_message_t, code: i32, visit: impl FnOnce(Taken<'_>)) {
    // SAFETY: the message is valid until the return; key and value are null or have the lengths it tells.
    unsafe {
        match code {
            0 => {
                let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
                let timestamp = Timestamp(sys::rd_kafka_message_timestamp(message, &raw mut kind));
                let key = bytes((*message).key, (*message).key_len);
                let value = bytes((*message).payload, (*message).len);
                let own = headers(message);
                let headers = own.as_ref().unwrap_or(&NO_HEADERS);
                visit(Taken::Record(RawRecord { offset: (*message).offset, timestamp, key, value, headers }));
            }
            PARTITION_EOF => visit(Taken::End((*message).offset)),
            AUTO_OFFSET_RESET => visit(Taken::Gone),
            code => {
                let (why, broker) =
                    (text(sys::rd_kafka_message_errstr(message)), sys::rd_kafka_message_broker_id(message));
                visit(Taken::Failed(code, format!("{why} (broker {broker})")));
            }
        }
    }
}

/// The bytes at `start`; null is none.
///
/// # Safety
/// `start` is null, or `len` bytes lie there and live as long as the caller uses them.
unsafe fn bytes<'a>(start: *const c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: it is not null, and the caller vouches for the rest.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) })
}

/// The headers of a message, if it has any.
///
/// # Safety
/// `message` is a valid message of a consumer.
unsafe fn headers(message: *mut sys::rd_kafka_message_t) -> Option<Headers> {
    let mut list = ptr::null_mut();
    // SAFETY: the message is valid; the list belongs to it. A header's name and value live as long as the list.
    unsafe {
        let found = sys::rd_kafka_message_headers(message, &raw mut list);
        if found != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        let header = |index| {
            let (mut name, mut value, mut len) = (ptr::null::<c_char>(), ptr::null::<c_void>(), 0_usize);
            let (to_name, to_value, to_len) = (&raw mut name, &raw mut value, &raw mut len);
            let found = sys::rd_kafka_header_get_all(list, index, to_name, to_value, to_len);
            (found == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR)
                .then(|| Header { name: text(name), value: bytes(value, len).map(<[u8]>::to_vec) })
        };
        Some((0..sys::rd_kafka_header_cnt(list)).map_while(header).collect())
    }
}
