//! One connection to a broker: a request, its answer, one at a time, each with a time limit.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};

use super::calls::Call;

/// A broker's answer is not longer than this.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Reading waits at least that long: zero would mean forever.
const READ_TIMEOUT_MIN: Duration = Duration::from_millis(1);

/// A connection, plaintext.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    client_id: StrBytes,
    last_id: i32,
}

impl Connection {
    /// Connects to `address` (`host:port`), to the first of its addresses that answers.
    #[expect(clippy::disallowed_methods, reason = "the owner of this crate's sockets")]
    pub(crate) fn open(address: &str, client_id: &str, timeout: Duration) -> io::Result<Self> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for resolved in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&resolved, timeout.max(READ_TIMEOUT_MIN)) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self { stream, client_id: super::string(client_id), last_id: 0 });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Sends a request and waits for its answer. After an error the connection is of no use any more.
    pub(crate) fn call<C: Call>(&mut self, request: &C, timeout: Duration) -> io::Result<C::Answer> {
        self.exchange(request, timeout).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                io::Error::new(io::ErrorKind::TimedOut, format!("there was no answer in {timeout:?}"))
            }
            io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "it has closed the connection"),
            _ => error,
        })
    }

    fn exchange<C: Call>(&mut self, request: &C, timeout: Duration) -> io::Result<C::Answer> {
        self.stream.set_read_timeout(Some(timeout.max(READ_TIMEOUT_MIN)))?;
        self.stream.set_write_timeout(Some(timeout.max(READ_TIMEOUT_MIN)))?;
        self.last_id = self.last_id.wrapping_add(1);
        let bytes = self.encode(request).map_err(malformed)?;
        self.stream.write_all(&bytes)?;
        let mut answer = self.receive()?;
        let header = ResponseHeader::decode(&mut answer, C::Answer::header_version(C::VERSION)).map_err(malformed)?;
        if header.correlation_id != self.last_id {
            return Err(malformed(format!("answer {} to request {}", header.correlation_id, self.last_id)));
        }
        C::Answer::decode(&mut answer, C::VERSION).map_err(malformed)
    }

    fn encode<C: Call>(&self, request: &C) -> Result<BytesMut, impl std::fmt::Display + use<C>> {
        let mut header = RequestHeader::default();
        header.request_api_key = C::KEY;
        header.request_api_version = C::VERSION;
        header.correlation_id = self.last_id;
        header.client_id = Some(self.client_id.clone());
        let mut bytes = BytesMut::from(&[0; 4][..]);
        let encoded = header
            .encode(&mut bytes, C::header_version(C::VERSION))
            .and_then(|()| request.encode(&mut bytes, C::VERSION));
        encoded.map(|()| {
            let length = u32::try_from(bytes.len() - 4).expect("a request is shorter than 4 GiB");
            bytes[..4].copy_from_slice(&length.to_be_bytes());
            bytes
        })
    }

    fn receive(&mut self) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = length.as_slice().get_u32() as usize;
        if length > ANSWER_BYTES_MAX {
            return Err(malformed(format!("an answer of {length} bytes; is this the port of a Kafka broker?")));
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok(answer.into())
    }
}

fn malformed(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}
