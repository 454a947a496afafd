//! A membership and its coordinator: sends what the state machine asks for until it runs or is out.

use std::time::Duration;

use kafka_protocol::messages::describe_groups_response::DescribedGroupMember;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DescribeGroupsRequest, GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    SyncGroupRequest,
};
use stream_core::log::{Member, Offsets};
use stream_core::{Error, Kind, Result};

use super::machine::{Joined, Machine, Phase, Reaction};
use super::protocol::{self, Verdict};
use super::{offsets, refusal};
use crate::error::{answered, code};
use crate::wire::calls::Call;
use crate::wire::cluster::Cluster;
use crate::wire::deadline::Deadline;
use crate::wire::string;

/// The broker answers a JoinGroup at the latest when its own time limit is over, and somewhat later over the network.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

/// The member's side of a group.
#[derive(Debug)]
pub(super) struct Link {
    cluster: Cluster,
    /// Address of the coordinator, while it is thought to be the one.
    coordinator: Option<String>,
    member: Member,
    /// By when members that speak another protocol must be gone: dead ones are until then.
    foreign: Option<Deadline>,
    pub(super) machine: Machine,
}

impl Link {
    pub(super) fn new(cluster: Cluster, member: &Member) -> Self {
        let machine = Machine::new(member.member_id.clone());
        Self { cluster, coordinator: None, member: member.clone(), foreign: None, machine }
    }

    /// The time limit of one request.
    pub(super) fn deadline(&self) -> Deadline {
        self.cluster.deadline()
    }

    /// Joins and syncs until the member runs or is out.
    pub(super) fn settle(&mut self, deadline: &mut Deadline) -> Result<()> {
        loop {
            let reaction = match self.machine.phase() {
                Phase::Running | Phase::Out(_) => return Ok(()),
                Phase::Joining => self.join(deadline),
                Phase::Syncing(told) => {
                    let told = told.clone();
                    self.sync(&told, deadline)
                }
            };
            self.react(reaction, "join", deadline)?;
        }
    }

    /// Tells the coordinator that the member lives.
    pub(super) fn beat(&mut self, deadline: &mut Deadline) -> Result<()> {
        let mut request = HeartbeatRequest::default();
        request.group_id = GroupId(string(&self.member.group));
        request.generation_id = self.machine.generation();
        request.member_id = string(self.machine.member_id());
        let answer = self.ask(&request, deadline)?;
        let reaction = self.machine.told(answer.error_code);
        self.react(Ok(reaction), "beat for a member of", deadline)
    }

    /// Commits offsets as the member, joining again where the group has moved on; stops without an error where the
    /// member is out.
    pub(super) fn commit(&mut self, offsets: &Offsets, deadline: &mut Deadline) -> Result<()> {
        loop {
            self.settle(deadline)?;
            if let Phase::Out(_) = self.machine.phase() {
                return Ok(());
            }
            let (id, generation) = (self.machine.member_id(), self.machine.generation());
            let request = offsets::commit(&self.member.group, id, generation, offsets);
            let asked = self.ask(&request, deadline).map(|answer| offsets::first_failure(&answer));
            let reaction = match asked {
                Ok(None) => return Ok(()),
                Ok(Some((partition, failed))) => match self.machine.told(failed) {
                    Reaction::Fail(code) => {
                        let group = &self.member.group;
                        let what = format!("failed to commit the offset of {partition} in group {group:?}");
                        return Err(answered(code, what));
                    }
                    reaction => Ok(reaction),
                },
                Err(error) => Err(error),
            };
            self.react(reaction, "commit offsets of", deadline)?;
        }
    }

    /// Leaves the group, whatever the machine thinks of its membership.
    pub(super) fn leave(&mut self, deadline: &mut Deadline) -> Result<()> {
        let mut identity = MemberIdentity::default();
        identity.member_id = string(self.machine.member_id());
        let mut request = LeaveGroupRequest::default();
        request.group_id = GroupId(string(&self.member.group));
        request.members.push(identity);
        self.machine.left();
        loop {
            let reaction = self.ask(&request, deadline).map(|answer| match answer.error_code {
                code::COORDINATOR_LOAD_IN_PROGRESS | code::COORDINATOR_NOT_AVAILABLE | code::NOT_COORDINATOR => {
                    Reaction::Rediscover
                }
                // Whoever is unknown has left, one way or the other.
                _ => Reaction::Go,
            });
            match reaction {
                Ok(Reaction::Go) => return Ok(()),
                other => self.react(other, "leave", deadline)?,
            }
        }
    }

    /// The group's other members, asked for until the coordinator answers.
    pub(super) fn find_others(&mut self, deadline: &mut Deadline) -> Result<Vec<DescribedGroupMember>> {
        loop {
            match self.others(deadline) {
                Ok(others) => return Ok(others),
                Err(error) => self.react(Err(error), "describe", deadline)?,
            }
        }
    }

    /// The group's other members, by what the coordinator tells.
    pub(super) fn others(&mut self, deadline: &mut Deadline) -> Result<Vec<DescribedGroupMember>> {
        let mut request = DescribeGroupsRequest::default();
        request.groups.push(GroupId(string(&self.member.group)));
        let mut answer = self.ask(&request, deadline)?;
        let members = answer.groups.pop().map_or(Vec::new(), |group| group.members);
        Ok(members.into_iter().filter(|member| *member.member_id != *self.machine.member_id()).collect())
    }

    fn join(&mut self, deadline: &mut Deadline) -> Result<Reaction> {
        let Member { group, topics, process_id, session_timeout, rebalance_timeout, .. } = &self.member;
        let mut protocol = JoinGroupRequestProtocol::default();
        protocol.name = string(protocol::PROTOCOL_NAME);
        protocol.metadata = protocol::subscription(topics, *process_id);
        let mut request = JoinGroupRequest::default();
        request.group_id = GroupId(string(group));
        request.session_timeout_ms = millis(*session_timeout);
        request.rebalance_timeout_ms = millis(*rebalance_timeout);
        request.member_id = string(self.machine.member_id());
        request.protocol_type = string(protocol::PROTOCOL_TYPE);
        request.protocols.push(protocol);
        let answer = self.ask(&request, deadline)?;
        Ok(self.machine.joined(read_joined(&answer)))
    }

    fn sync(&mut self, told: &[(String, Verdict)], deadline: &mut Deadline) -> Result<Reaction> {
        let mut request = SyncGroupRequest::default();
        request.group_id = GroupId(string(&self.member.group));
        request.generation_id = self.machine.generation();
        request.member_id = string(self.machine.member_id());
        request.assignments.extend(told.iter().map(|(id, verdict)| {
            let mut assignment = SyncGroupRequestAssignment::default();
            assignment.member_id = string(id);
            assignment.assignment = protocol::assignment(*verdict);
            assignment
        }));
        let answer = self.ask(&request, deadline)?;
        Ok(self.machine.synced(answer.error_code, &answer.assignment))
    }

    /// Asks the coordinator, which is found first where it is not known.
    fn ask<C: Call>(&mut self, request: &C, deadline: &mut Deadline) -> Result<C::Answer> {
        let address = match &self.coordinator {
            Some(address) => address.clone(),
            None => self.cluster.coordinator(&self.member.group, deadline)?,
        };
        self.coordinator = Some(address.clone());
        self.cluster.ask_address(&address, request, deadline.remaining())
    }

    /// Does what an answer asks for; an error that another attempt may cure is one of the coordinator.
    fn react(&mut self, reaction: Result<Reaction>, what: &str, deadline: &mut Deadline) -> Result<()> {
        let group = &self.member.group;
        let failure = match reaction {
            Ok(Reaction::Go) => return Ok(()),
            Ok(Reaction::Fail(code)) => {
                let error = answered(code, format_args!("failed to {what} group {group:?}"));
                if error.kind() != Kind::Retry {
                    return Err(error);
                }
                error
            }
            Ok(Reaction::Foreign) => {
                let session = self.member.session_timeout + ANSWER_MARGIN;
                if !self.foreign.get_or_insert_with(|| Deadline::after(session)).is_over() && deadline.pause() {
                    return Ok(());
                }
                let who = self.others(deadline).unwrap_or_default();
                return Err(refusal(&self.member.group, &who, Some("it speaks another protocol")));
            }
            Ok(Reaction::Rediscover) => {
                let address = self.coordinator.as_deref().unwrap_or("none");
                let message = format!("failed to {what} group {group:?}: broker {address} does not coordinate it now");
                Error::new(Kind::Retry, message)
            }
            Err(error) if error.kind() == Kind::Retry => error,
            Err(error) => return Err(error),
        };
        self.coordinator = None;
        if deadline.pause() { Ok(()) } else { Err(failure) }
    }
}

/// How long the coordinator may take over a JoinGroup: it waits for members that are dead until their sessions end.
pub(super) fn join_limit(member: &Member) -> Duration {
    member.session_timeout.max(member.rebalance_timeout) + ANSWER_MARGIN
}

fn read_joined(answer: &JoinGroupResponse) -> Joined {
    Joined {
        code: answer.error_code,
        generation: answer.generation_id,
        member_id: answer.member_id.to_string(),
        leader: answer.leader.to_string(),
        members: answer.members.iter().map(|member| member.member_id.to_string()).collect(),
    }
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}
