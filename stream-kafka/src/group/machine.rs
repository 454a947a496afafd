//! A membership as a state machine: answers of the coordinator in, the next request out. No connection, no clock.
//!
//! ```text
//!              ┌───────────────── rebalance, old generation ─────────────────┐
//!              ▼                                                             │
//!   ──▶ Joining ── joined ──▶ Syncing ── "runs" ──▶ Running ── heartbeats, commits
//!        │  ▲ │                  │                    │
//!        └──┘ │ unknown member   │ "refused"          │ unknown member, fenced
//!   id given  ▼                  ▼                    ▼
//!           Out(Lost)         Out(Refused), or Out(Lost) of a member that has been running
//! ```
//!
//! Whoever leads the group runs: it tells itself to and refuses all others. A leader that joins again stays the leader,
//! so the one that runs goes on when a newcomer makes the group rebalance.

use super::protocol::{self, Verdict};
use crate::error::code;

/// A membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    member_id: String,
    generation: i32,
    phase: Phase,
    /// It has been told to run.
    has_run: bool,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Has to send a JoinGroup.
    Joining,
    /// Has to send a SyncGroup; as the leader with what it tells each member.
    Syncing(Vec<(String, Verdict)>),
    /// Is the member that runs.
    Running,
    /// Is no member.
    Out(Exit),
}

/// Why it is no member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Another one runs, with its member id where it is known.
    Refused,
    /// It was a member, or was to take a place back, and is out.
    Lost(&'static str),
    /// It has left.
    Left,
}

/// What an answer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Go on as the phase says.
    Go,
    /// The coordinator is another broker, or not ready: find it again, later.
    Rediscover,
    /// The group's members speak another protocol.
    Foreign,
    /// Nothing helps: give up with this code.
    Fail(i16),
}

/// The answer to a JoinGroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) code: i16,
    pub(crate) generation: i32,
    pub(crate) member_id: String,
    pub(crate) leader: String,
    /// All members, told to the leader only.
    pub(crate) members: Vec<String>,
}

impl Machine {
    /// A member to be; with the id it had before, it takes its place back.
    pub(crate) fn new(member_id: Option<String>) -> Self {
        Self { member_id: member_id.unwrap_or_default(), generation: -1, phase: Phase::Joining, has_run: false }
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The id the coordinator gave it; empty before.
    pub(crate) fn member_id(&self) -> &str {
        &self.member_id
    }

    pub(crate) fn generation(&self) -> i32 {
        self.generation
    }

    /// A JoinGroup was answered.
    pub(crate) fn joined(&mut self, answer: Joined) -> Reaction {
        match answer.code {
            code::NONE => {
                let leads = answer.leader == answer.member_id;
                let verdict = |id: String| {
                    let verdict = if id == answer.member_id { Verdict::Runs } else { Verdict::Refused };
                    (id, verdict)
                };
                let members = if leads { answer.members } else { Vec::new() };
                self.phase = Phase::Syncing(members.into_iter().map(verdict).collect());
                self.member_id = answer.member_id;
                self.generation = answer.generation;
                Reaction::Go
            }
            code::MEMBER_ID_REQUIRED => {
                self.member_id = answer.member_id;
                Reaction::Go
            }
            // The id that was kept is not known any more: its session has run out. A new one is given.
            code::UNKNOWN_MEMBER_ID if !self.has_run && !self.member_id.is_empty() => {
                self.member_id.clear();
                Reaction::Go
            }
            code::INCONSISTENT_GROUP_PROTOCOL => Reaction::Foreign,
            other => self.told(other),
        }
    }

    /// A SyncGroup was answered.
    pub(crate) fn synced(&mut self, code: i16, assignment: &[u8]) -> Reaction {
        if code != code::NONE {
            return self.told(code);
        }
        self.phase = match protocol::read_assignment(assignment) {
            Verdict::Runs => {
                self.has_run = true;
                Phase::Running
            }
            Verdict::Refused if self.has_run => Phase::Out(Exit::Lost("another instance has taken its place")),
            Verdict::Refused => Phase::Out(Exit::Refused),
        };
        Reaction::Go
    }

    /// A heartbeat or a commit was answered.
    pub(crate) fn told(&mut self, code: i16) -> Reaction {
        match code {
            code::NONE => {}
            code::REBALANCE_IN_PROGRESS | code::ILLEGAL_GENERATION => self.phase = Phase::Joining,
            code::UNKNOWN_MEMBER_ID if !self.has_run => {
                self.member_id.clear();
                self.phase = Phase::Joining;
            }
            code::UNKNOWN_MEMBER_ID => self.phase = Phase::Out(Exit::Lost("its session has run out")),
            code::FENCED_INSTANCE_ID => self.phase = Phase::Out(Exit::Lost("another instance has fenced it")),
            code::COORDINATOR_LOAD_IN_PROGRESS | code::COORDINATOR_NOT_AVAILABLE | code::NOT_COORDINATOR => {
                return Reaction::Rediscover;
            }
            other => return Reaction::Fail(other),
        }
        Reaction::Go
    }

    /// It has left, or is about to and does not wait for the answer.
    pub(crate) fn left(&mut self) {
        self.phase = Phase::Out(Exit::Left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(code: i16, member_id: &str, leader: &str, members: &[&str]) -> Joined {
        let members = members.iter().map(|id| (*id).to_owned()).collect();
        Joined { code, generation: 5, member_id: member_id.to_owned(), leader: leader.to_owned(), members }
    }

    fn running(id: &str) -> Machine {
        let mut machine = Machine::new(Some(id.to_owned()));
        machine.joined(joined(0, id, id, &[id]));
        machine.synced(0, &protocol::assignment(Verdict::Runs));
        assert_eq!(*machine.phase(), Phase::Running);
        machine
    }

    #[test]
    fn a_first_member_is_given_an_id_leads_and_runs() {
        let mut machine = Machine::new(None);
        assert_eq!(machine.joined(joined(code::MEMBER_ID_REQUIRED, "m1", "", &[])), Reaction::Go);
        assert_eq!((machine.phase(), machine.member_id()), (&Phase::Joining, "m1"));
        assert_eq!(machine.joined(joined(0, "m1", "m1", &["m1"])), Reaction::Go);
        assert_eq!(*machine.phase(), Phase::Syncing(vec![("m1".to_owned(), Verdict::Runs)]));
        assert_eq!(machine.synced(0, &protocol::assignment(Verdict::Runs)), Reaction::Go);
        assert_eq!((machine.phase(), machine.generation()), (&Phase::Running, 5));
    }

    #[test]
    fn a_member_that_does_not_lead_tells_nobody_anything_and_is_refused() {
        let mut machine = Machine::new(None);
        machine.joined(joined(0, "m2", "m1", &[]));
        assert_eq!(*machine.phase(), Phase::Syncing(vec![]));
        machine.synced(0, &protocol::assignment(Verdict::Refused));
        assert_eq!(*machine.phase(), Phase::Out(Exit::Refused));
    }

    #[test]
    fn the_one_that_runs_joins_again_and_refuses_the_newcomer() {
        let mut machine = running("m1");
        assert_eq!(machine.told(code::REBALANCE_IN_PROGRESS), Reaction::Go);
        assert_eq!((machine.phase(), machine.member_id()), (&Phase::Joining, "m1"));
        machine.joined(joined(0, "m1", "m1", &["m1", "m2"]));
        let told = vec![("m1".to_owned(), Verdict::Runs), ("m2".to_owned(), Verdict::Refused)];
        assert_eq!(*machine.phase(), Phase::Syncing(told));
        machine.synced(0, &protocol::assignment(Verdict::Runs));
        assert_eq!(*machine.phase(), Phase::Running);
    }

    #[test]
    fn an_id_that_was_kept_and_is_unknown_is_replaced() {
        let mut machine = Machine::new(Some("old".to_owned()));
        assert_eq!(machine.joined(joined(code::UNKNOWN_MEMBER_ID, "", "", &[])), Reaction::Go);
        assert_eq!((machine.phase(), machine.member_id()), (&Phase::Joining, ""));
    }

    #[test]
    fn a_member_that_is_unknown_or_fenced_is_lost() {
        for code in [code::UNKNOWN_MEMBER_ID, code::FENCED_INSTANCE_ID] {
            let mut machine = running("m1");
            machine.told(code);
            assert!(matches!(machine.phase(), Phase::Out(Exit::Lost(_))), "{code}");
            let mut machine = running("m1");
            machine.told(code::REBALANCE_IN_PROGRESS);
            machine.joined(joined(code, "", "", &[]));
            assert!(matches!(machine.phase(), Phase::Out(Exit::Lost(_))), "{code}");
        }
    }

    #[test]
    fn a_member_that_has_run_and_is_refused_is_lost() {
        let mut machine = running("m1");
        machine.told(code::ILLEGAL_GENERATION);
        machine.joined(joined(0, "m1", "m2", &[]));
        machine.synced(0, &protocol::assignment(Verdict::Refused));
        assert!(matches!(machine.phase(), Phase::Out(Exit::Lost(_))));
    }

    #[test]
    fn a_rebalance_during_the_sync_makes_it_join_again() {
        let mut machine = Machine::new(None);
        machine.joined(joined(0, "m1", "m1", &["m1"]));
        assert_eq!(machine.synced(code::REBALANCE_IN_PROGRESS, &[]), Reaction::Go);
        assert_eq!(*machine.phase(), Phase::Joining);
    }

    #[test]
    fn a_coordinator_that_moves_or_loads_is_found_again_and_nothing_changes() {
        let before = running("m1");
        for code in [14, 15, 16] {
            let mut machine = before.clone();
            assert_eq!(machine.told(code), Reaction::Rediscover);
            assert_eq!(machine, before);
        }
    }

    #[test]
    fn members_of_another_protocol_and_missing_rights_are_told() {
        let mut machine = Machine::new(None);
        assert_eq!(machine.joined(joined(code::INCONSISTENT_GROUP_PROTOCOL, "", "", &[])), Reaction::Foreign);
        assert_eq!(machine.joined(joined(30, "", "", &[])), Reaction::Fail(30));
    }
}
