//! The brokers of a cluster: which of them leads a partition or coordinates a group, and a connection to each that is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest, MetadataResponse};
use stream_core::{Error, Kind, Result};

use super::calls::Call;
use super::connection::Connection;
use super::deadline::Deadline;
use super::{string, topic_name};
use crate::error::{answered, code};

/// Connecting to one address takes no longer, so that others are tried.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// Connections to the brokers of one cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    client_id: String,
    bootstrap: Vec<String>,
    /// Addresses of the brokers by id, as last told.
    brokers: BTreeMap<i32, String>,
    connections: BTreeMap<String, Connection>,
    timeout: Duration,
}

impl Cluster {
    /// The cluster that the brokers at `bootstrap` belong to. Connects when it is asked.
    pub(crate) fn new(client_id: &str, bootstrap: Vec<String>, timeout: Duration) -> Self {
        let client_id = client_id.to_owned();
        Self { client_id, bootstrap, brokers: BTreeMap::new(), connections: BTreeMap::new(), timeout }
    }

    /// The time limit of one operation.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(self.timeout)
    }

    /// Asks any broker, and the next if one does not answer, until the time is over.
    pub(crate) fn ask_any<C: Call>(&mut self, request: &C, deadline: &mut Deadline) -> Result<C::Answer> {
        loop {
            let known = self.brokers.values().filter(|broker| !self.bootstrap.contains(broker));
            let addresses: Vec<_> = self.bootstrap.iter().chain(known).cloned().collect();
            let mut failure = None;
            for address in &addresses {
                match self.ask_address(address, request, deadline.remaining()) {
                    Ok(answer) => return Ok(answer),
                    Err(error) => failure = Some(error),
                }
            }
            if !deadline.pause() {
                let failure = failure.expect("there is at least one address, and no answer from it");
                return Err(failure.within(format!("no broker has answered for {:?}", deadline.limit())));
            }
        }
    }

    /// Asks one broker by its id, once.
    pub(crate) fn ask_broker<C: Call>(&mut self, id: i32, request: &C, timeout: Duration) -> Result<C::Answer> {
        let address = self.brokers.get(&id).cloned().ok_or_else(|| {
            Error::new(Kind::Retry, format!("failed to {}: broker {id} is not known (any more)", C::WHAT))
        })?;
        self.ask_address(&address, request, timeout)
    }

    /// Asks the broker at `address`, once.
    pub(crate) fn ask_address<C: Call>(&mut self, address: &str, request: &C, timeout: Duration) -> Result<C::Answer> {
        let asked = match self.connections.remove(address) {
            Some(connection) => Ok(connection),
            None => Connection::open(address, &self.client_id, timeout.min(CONNECT_TIMEOUT_MAX)),
        };
        let answer = asked.and_then(|mut connection| {
            let answer = connection.call(request, timeout)?;
            self.connections.insert(address.to_owned(), connection);
            Ok(answer)
        });
        answer.map_err(|error| {
            Error::new(Kind::Retry, format!("failed to {}: broker {address} does not answer", C::WHAT)).caused_by(error)
        })
    }

    /// What the cluster tells of topics; never creates one.
    pub(crate) fn topics(&mut self, names: &[&str], deadline: &mut Deadline) -> Result<Vec<MetadataResponseTopic>> {
        let topic = |name: &&str| {
            let mut topic = MetadataRequestTopic::default();
            topic.name = Some(topic_name(name));
            topic
        };
        let mut request = MetadataRequest::default();
        request.topics = Some(names.iter().map(topic).collect());
        request.allow_auto_topic_creation = false;
        let answer = self.ask_any(&request, deadline)?;
        self.note_brokers(&answer);
        Ok(answer.topics)
    }

    /// The address of the broker that coordinates `group`.
    pub(crate) fn coordinator(&mut self, group: &str, deadline: &mut Deadline) -> Result<String> {
        let mut request = FindCoordinatorRequest::default();
        request.key = string(group);
        loop {
            let answer = self.ask_any(&request, deadline)?;
            if answer.error_code == code::NONE {
                return Ok(format!("{}:{}", &*answer.host, answer.port));
            }
            let error = answered(answer.error_code, format_args!("failed to find the coordinator of group {group:?}"));
            // The coordinator's topic may be about to be created.
            if error.kind() != Kind::Retry || !deadline.pause() {
                return Err(error);
            }
        }
    }

    fn note_brokers(&mut self, answer: &MetadataResponse) {
        let address = |host: &str, port| format!("{host}:{port}");
        self.brokers =
            answer.brokers.iter().map(|broker| (broker.node_id.0, address(&broker.host, broker.port))).collect();
        let (brokers, bootstrap) = (&self.brokers, &self.bootstrap);
        self.connections
            .retain(|address, _| bootstrap.contains(address) || brokers.values().any(|broker| broker == address));
    }
}
