//! The group of an application: one member owns everything, and offsets are committed as that member.
//!
//! [`protocol`] has the bytes that members exchange, [`machine`] the membership as a state machine without I/O, [`link`]
//! the coordinator it talks to, [`membership`] the thread that keeps it alive, [`offsets`] what is committed.

pub(crate) mod offsets;

mod link;
mod machine;
mod membership;
mod protocol;

use kafka_protocol::messages::describe_groups_response::DescribedGroupMember;
use stream_core::log::{Group, Member};
use stream_core::{Error, Kind, Result};

use crate::wire::cluster::Cluster;
use crate::wire::deadline::Deadline;
use link::{Link, join_limit};
use machine::{Exit, Phase};
use membership::Membership;

/// Joins the group, or tells who runs it.
pub(crate) fn join(cluster: Cluster, member: &Member) -> Result<Box<dyn Group>> {
    let mut link = Link::new(cluster, member);
    announce(&mut link, member)?;
    let mut deadline = Deadline::after(join_limit(member));
    let settled = link.settle(&mut deadline);
    if settled.is_ok() && *link.machine.phase() == Phase::Running {
        return Ok(Box::new(Membership::start(link, member)?));
    }
    let mut deadline = link.deadline();
    let refused = match settled {
        Err(error) => error,
        Ok(()) => {
            assert_eq!(*link.machine.phase(), Phase::Out(Exit::Refused), "a member that has not run cannot be lost");
            let others = link.others(&mut deadline).unwrap_or_default();
            refusal(&member.group, &others, None)
        }
    };
    // Whoever does not run must not keep others waiting. A place that was kept from before stays for the next attempt.
    let id = link.machine.member_id();
    if !id.is_empty() && member.member_id.as_deref() != Some(id) {
        link.leave(&mut deadline).unwrap_or_else(|error| tracing::warn!("{error}"));
    }
    Err(refused)
}

/// Says in the log whom this member may have to wait for.
fn announce(link: &mut Link, member: &Member) -> Result<()> {
    let mut deadline = link.deadline();
    let session = member.session_timeout.as_secs();
    for other in link.find_others(&mut deadline)? {
        tracing::info!(
            "group {:?} has a member {:?} at {:?}: while it lives this one is refused; if it is dead, its session runs \
             out in about {session} s, and this one waits until then",
            member.group,
            &*other.client_id,
            &*other.client_host,
        );
    }
    Ok(())
}

/// Another one runs.
#[cold]
fn refusal(group: &str, others: &[DescribedGroupMember], why: Option<&str>) -> Error {
    let who = match others.first() {
        Some(other) => format!("by client {:?} at {}", &*other.client_id, other.client_host.trim_start_matches('/')),
        None => "by another client".to_owned(),
    };
    let why = why.map_or(String::new(), |why| format!(" ({why})"));
    let message = format!(
        "group {group:?} is run {who}{why}, and only one instance may run it: stop that one, wait until its session has \
         run out, or give this one another application id"
    );
    Error::new(Kind::Refused, message)
}
