//! A client of librdkafka, its topics and queues, freed in the order that librdkafka asks for.

use std::ffi::{CString, c_char};
use std::ptr::NonNull;

use rdkafka::bindings as sys;
use stream_core::{Error, Kind, Result};

use super::conf::Conf;
use super::{TEXT_BYTES, written};

/// A consumer or producer.
pub(super) struct Client {
    handle: NonNull<sys::rd_kafka_t>,
}

// SAFETY: librdkafka's clients may be used from any thread.
unsafe impl Send for Client {}

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    Consumer,
    Producer,
}

impl Client {
    /// Starts a client; it connects by itself.
    pub(super) fn new(conf: Conf, role: Role) -> Result<Self> {
        let kind = match role {
            Role::Consumer => sys::rd_kafka_type_t::RD_KAFKA_CONSUMER,
            Role::Producer => sys::rd_kafka_type_t::RD_KAFKA_PRODUCER,
        };
        let mut why = [0_u8; TEXT_BYTES];
        // SAFETY: the configuration is valid; on success the client owns it, on failure it stays ours.
        let client = unsafe { sys::rd_kafka_new(kind, conf.as_ptr(), why.as_mut_ptr().cast::<c_char>(), why.len()) };
        let handle = NonNull::new(client).ok_or_else(|| {
            Error::new(Kind::Invalid, format!("these settings do not go together: {}", written(&why)))
        })?;
        conf.forget();
        Ok(Self { handle })
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_t {
        self.handle.as_ptr()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let flags = sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE;
        // SAFETY: the handle is ours, and whoever owns the client drops its topics and queues before it.
        unsafe { sys::rd_kafka_destroy_flags(self.as_ptr(), flags) };
    }
}

/// A topic's handle, so that no name is looked up per record.
pub(super) struct Topic {
    handle: NonNull<sys::rd_kafka_topic_t>,
}

// SAFETY: librdkafka's topics may be used from any thread.
unsafe impl Send for Topic {}

impl Topic {
    pub(super) fn new(client: &Client, name: &str) -> Result<Self> {
        let c_name = CString::new(name)
            .map_err(|_| Error::new(Kind::Invalid, format!("a topic cannot be called {name:?}: it has a zero byte")))?;
        // SAFETY: client and name are valid; null stands for the client's topic defaults.
        let topic = unsafe { sys::rd_kafka_topic_new(client.as_ptr(), c_name.as_ptr(), std::ptr::null_mut()) };
        let handle = NonNull::new(topic)
            .ok_or_else(|| Error::new(Kind::Invalid, format!("a topic cannot be called {name:?}")))?;
        Ok(Self { handle })
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_topic_t {
        self.handle.as_ptr()
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: the handle is ours.
        unsafe { sys::rd_kafka_topic_destroy(self.as_ptr()) };
    }
}

/// A queue's handle.
pub(super) struct Queue {
    handle: NonNull<sys::rd_kafka_queue_t>,
}

// SAFETY: librdkafka's queues may be used from any thread.
unsafe impl Send for Queue {}

impl Queue {
    /// A queue of its own.
    pub(super) fn new(client: &Client) -> Self {
        // SAFETY: the client is valid.
        Self::owned(unsafe { sys::rd_kafka_queue_new(client.as_ptr()) })
    }

    /// The client's queue of events.
    pub(super) fn main(client: &Client) -> Self {
        // SAFETY: the client is valid.
        Self::owned(unsafe { sys::rd_kafka_queue_get_main(client.as_ptr()) })
    }

    fn owned(queue: *mut sys::rd_kafka_queue_t) -> Self {
        Self { handle: NonNull::new(queue).expect("librdkafka allocates a queue or aborts") }
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_queue_t {
        self.handle.as_ptr()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the handle is a reference of ours.
        unsafe { sys::rd_kafka_queue_destroy(self.as_ptr()) };
    }
}
