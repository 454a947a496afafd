//! Groups: one member runs everything, its successor takes its place, and offsets are committed by generation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::faults::Client;
use super::partition::TransactionNumber;
use super::state::{Shared, State, lock};
use super::transaction::Outcome;
use crate::log::{CommittedOffset, Group, GroupEvent, Member, Offsets};
use crate::record::TopicPartition;
use crate::{Error, Kind, Result};

/// One group.
#[derive(Default)]
pub(super) struct GroupState {
    /// Grows with each member.
    generation: i32,
    member: Option<Joined>,
    offsets: Offsets,
    /// Offsets of transactions that are open.
    held: BTreeMap<TransactionNumber, Offsets>,
}

struct Joined {
    id: String,
    client_id: String,
    process_id: [u8; 16],
    session_timeout: Duration,
    /// When its handle was dropped without leaving: nobody beats for it any more.
    silent_since: Option<Duration>,
}

/// A membership of the log's group.
pub(super) struct MemoryGroup {
    shared: Arc<Shared>,
    client: Arc<Client>,
    group: String,
    member_id: String,
    generation: i32,
    told_lost: AtomicBool,
    left: Mutex<bool>,
}

/// Joins, in the place of the member that was there before if it is the same process or holds its member id.
pub(super) fn join(shared: Arc<Shared>, client: Arc<Client>, member: &Member) -> Result<MemoryGroup> {
    let now = shared.clock.monotonic();
    let joined = client.call(&shared.faults, "join a group", || shared.lock().join(member, now));
    let (member_id, generation) = joined?;
    let group = member.group.clone();
    let (told_lost, left) = Default::default();
    Ok(MemoryGroup { shared, client, group, member_id, generation, told_lost, left })
}

impl GroupState {
    fn is_current(&self, member_id: &str, generation: i32) -> bool {
        self.generation == generation && self.member.as_ref().is_some_and(|member| member.id == member_id)
    }

    fn check(&self, group: &str, member_id: &str, generation: i32) -> Result<()> {
        if self.is_current(member_id, generation) {
            return Ok(());
        }
        let message = format!("member {member_id:?} of generation {generation} is out of the group {group:?}");
        Err(Error::new(Kind::Migrated, message))
    }
}

impl State {
    fn join(&mut self, member: &Member, now: Duration) -> Result<(String, i32)> {
        let group = self.groups.entry(member.group.clone()).or_default();
        let alive = |joined: &&Joined| {
            joined.silent_since.is_none_or(|since| now.saturating_sub(since) < joined.session_timeout)
        };
        let mut own_id = None;
        if let Some(runs) = group.member.as_ref().filter(alive) {
            let same_member = member.member_id.as_deref() == Some(runs.id.as_str());
            if !same_member && member.process_id != runs.process_id {
                return Err(refusal(&member.group, &runs.client_id));
            }
            own_id = same_member.then(|| runs.id.clone());
        }
        group.generation += 1;
        let id = own_id.unwrap_or_else(|| format!("{}-{}", member.client_id, group.generation));
        group.member = Some(Joined {
            id: id.clone(),
            client_id: member.client_id.clone(),
            process_id: member.process_id,
            session_timeout: member.session_timeout,
            silent_since: None,
        });
        Ok((id, group.generation))
    }

    /// Ends the membership of whoever is in.
    pub(super) fn expire_member(&mut self, group: &str) {
        if let Some(group) = self.groups.get_mut(group) {
            group.member = None;
        }
    }

    fn group(&mut self, group: &str) -> &mut GroupState {
        self.groups.get_mut(group).expect("a group that has had a member stays")
    }

    fn commit_offsets(&mut self, member: &MemoryGroup, offsets: &Offsets) -> Result<()> {
        offsets.keys().try_for_each(|partition| self.find(partition).map(drop))?;
        let group = self.group(&member.group);
        group.check(&member.group, &member.member_id, member.generation)?;
        group.offsets.extend(offsets.iter().map(|(partition, offset)| (partition.clone(), offset.clone())));
        Ok(())
    }

    /// Takes offsets that count once their transaction is committed.
    pub(super) fn hold_offsets(
        &mut self,
        member: &dyn Group,
        transaction: TransactionNumber,
        offsets: &Offsets,
    ) -> Result<()> {
        offsets.keys().try_for_each(|partition| self.find(partition).map(drop))?;
        let id = member.group_id();
        let group = self.groups.entry(id.to_owned()).or_default();
        group.check(id, &member.member_id(), member.generation())?;
        group.held.entry(transaction).or_default().extend(offsets.clone());
        Ok(())
    }

    /// Makes offsets count, or forgets them.
    pub(super) fn settle_offsets(&mut self, group: &str, transaction: TransactionNumber, outcome: Outcome) {
        let group = self.group(group);
        let held = group.held.remove(&transaction).unwrap_or_default();
        if outcome == Outcome::Committed {
            group.offsets.extend(held);
        }
    }

    /// Committed offsets that no open transaction may change.
    pub(super) fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Offsets> {
        let Some(state) = self.groups.get(group) else { return Ok(Offsets::new()) };
        let held = |partition: &&TopicPartition| state.held.values().any(|held| held.contains_key(*partition));
        if let Some(partition) = partitions.iter().find(held) {
            let message = format!("the offset of {partition} in the group {group:?} is part of an open transaction");
            return Err(Error::new(Kind::Retry, message));
        }
        let known = |partition: &TopicPartition| -> Option<(TopicPartition, CommittedOffset)> {
            Some((partition.clone(), state.offsets.get(partition)?.clone()))
        };
        Ok(partitions.iter().filter_map(known).collect())
    }
}

#[cold]
fn refusal(group: &str, client_id: &str) -> Error {
    let message = format!(
        "group {group:?} is run by client {client_id:?}, and only one instance may run it: stop that one, wait until its \
         session has run out, or give this one another application id"
    );
    Error::new(Kind::Refused, message)
}

impl MemoryGroup {
    fn is_current(&self) -> bool {
        self.shared.lock().group(&self.group).is_current(&self.member_id, self.generation)
    }
}

impl Group for MemoryGroup {
    fn group_id(&self) -> &str {
        &self.group
    }

    fn member_id(&self) -> String {
        self.member_id.clone()
    }

    fn generation(&self) -> i32 {
        self.generation
    }

    fn poll(&self) -> Option<GroupEvent> {
        if *lock(&self.left) || self.is_current() || self.told_lost.swap(true, Ordering::Relaxed) {
            return None;
        }
        let reason =
            format!("member {:?} was replaced in the group {:?}, or its session ran out", self.member_id, self.group);
        Some(GroupEvent::Lost { reason })
    }

    fn commit(&self, offsets: &Offsets) -> Result<()> {
        let commit = || self.shared.lock().commit_offsets(self, offsets);
        self.client.call(&self.shared.faults, "commit offsets", commit)
    }

    fn leave(&self) -> Result<()> {
        self.client.call(&self.shared.faults, "leave a group", || {
            *lock(&self.left) = true;
            let mut state = self.shared.lock();
            let group = state.group(&self.group);
            if group.is_current(&self.member_id, self.generation) {
                group.member = None;
            }
            Ok(())
        })
    }
}

impl Drop for MemoryGroup {
    /// A handle that is dropped is a process that has gone: the membership lasts until its session runs out.
    fn drop(&mut self) {
        let now = self.shared.clock.monotonic();
        let mut state = self.shared.lock();
        let group = state.group(&self.group);
        if group.is_current(&self.member_id, self.generation)
            && let Some(member) = &mut group.member
        {
            member.silent_since = Some(now);
        }
    }
}
