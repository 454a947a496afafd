//! A membership that lives by itself: a thread beats for it and joins again when the group rebalances, while the threads
//! of the instance commit through it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stream_core::log::{Group, GroupEvent, Member, Offsets};
use stream_core::{Error, Kind, Result};

use super::link::{Link, join_limit};
use super::machine::{Exit, Phase};
use crate::wire::deadline::Deadline;

/// A heartbeat each third of the session, but not less often than this.
const BEAT_INTERVAL_MAX: Duration = Duration::from_secs(3);

/// The membership's handle.
pub(super) struct Membership {
    shared: Arc<Shared>,
}

struct Shared {
    member: Member,
    beat_interval: Duration,
    request_timeout: Duration,
    state: Mutex<State>,
    /// The state has changed.
    changed: Condvar,
}

/// What all threads see.
struct State {
    /// The connection, unless a thread is using it.
    link: Option<Link>,
    member_id: String,
    generation: i32,
    /// Why the member is out.
    out: Option<Exit>,
    is_out_told: bool,
    /// Whether the thread is to end.
    is_ending: bool,
}

impl Membership {
    /// Takes over a link whose member runs.
    #[expect(clippy::disallowed_methods, reason = "the membership owns the thread that beats for it")]
    pub(super) fn start(link: Link, member: &Member) -> Result<Self> {
        let request_timeout = link.deadline().limit();
        let state = State {
            member_id: link.machine.member_id().to_owned(),
            generation: link.machine.generation(),
            link: Some(link),
            out: None,
            is_out_told: false,
            is_ending: false,
        };
        let shared = Arc::new(Shared {
            member: member.clone(),
            beat_interval: (member.session_timeout / 3).min(BEAT_INTERVAL_MAX),
            request_timeout,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let beating = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name(format!("{}-heartbeat", member.client_id));
        let spawned = thread.spawn(move || while beating.beat() {});
        spawned.map_err(|error| Error::new(Kind::Fatal, "failed to start the heartbeat thread").caused_by(error))?;
        Ok(Self { shared })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next heartbeat and sends it. False when the membership ends.
    fn beat(&self) -> bool {
        let state = self.lock();
        let goes_on = |state: &mut State| !state.is_ending && state.out.is_none();
        let waited = self.changed.wait_timeout_while(state, self.beat_interval, goes_on);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !goes_on(&mut state) {
            return false;
        }
        // A thread that commits is a sign of life as well, and joins again where it must.
        let Some(mut link) = state.link.take() else { return true };
        drop(state);
        let mut deadline = Deadline::after(self.member.session_timeout);
        let beaten = link.beat(&mut deadline).and_then(|()| {
            let mut deadline = Deadline::after(join_limit(&self.member));
            link.settle(&mut deadline)
        });
        if let Err(error) = beaten {
            tracing::warn!(group = self.member.group, "heartbeat failed, it is sent again: {error}");
        }
        self.give_back(link);
        true
    }

    /// The link, when no other thread uses it any more.
    fn take(&self, deadline: &Deadline) -> Result<Link> {
        let is_used = |state: &mut State| state.link.is_none();
        let waited = self.changed.wait_timeout_while(self.lock(), deadline.remaining(), is_used);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.link.take().ok_or_else(|| {
            let message = format!("the group {:?} has been rebalancing for {:?}", self.member.group, deadline.limit());
            Error::new(Kind::Retry, message)
        })
    }

    /// Lets others use the link, and see what it has become.
    fn give_back(&self, link: Link) {
        let mut state = self.lock();
        state.generation = link.machine.generation();
        if !link.machine.member_id().is_empty() {
            link.machine.member_id().clone_into(&mut state.member_id);
        }
        if let Phase::Out(exit) = link.machine.phase() {
            state.out = Some(exit.clone());
        }
        state.link = Some(link);
        self.changed.notify_all();
    }

    fn check(&self) -> Result<()> {
        let state = self.lock();
        match &state.out {
            Some(exit) => Err(out(&self.member.group, &state.member_id, exit)),
            None => Ok(()),
        }
    }

    fn end(&self) {
        self.lock().is_ending = true;
        self.changed.notify_all();
    }
}

#[cold]
fn out(group: &str, member_id: &str, exit: &Exit) -> Error {
    Error::new(Kind::Migrated, format!("member {member_id:?} is out of the group {group:?}: {}", reason(exit)))
}

fn reason(exit: &Exit) -> &'static str {
    match exit {
        Exit::Refused => "another instance runs",
        Exit::Lost(why) => why,
        Exit::Left => "it has left",
    }
}

impl Group for Membership {
    fn group_id(&self) -> &str {
        &self.shared.member.group
    }

    fn member_id(&self) -> String {
        self.shared.lock().member_id.clone()
    }

    fn generation(&self) -> i32 {
        self.shared.lock().generation
    }

    fn poll(&self) -> Option<GroupEvent> {
        let mut state = self.shared.lock();
        match &state.out {
            None | Some(Exit::Left) => None,
            Some(_) if state.is_out_told => None,
            Some(exit) => {
                let reason = out(&self.shared.member.group, &state.member_id, exit).to_string();
                state.is_out_told = true;
                Some(GroupEvent::Lost { reason })
            }
        }
    }

    fn commit(&self, offsets: &Offsets) -> Result<()> {
        self.shared.check()?;
        if offsets.is_empty() {
            return Ok(());
        }
        let mut deadline = Deadline::after(self.shared.request_timeout);
        let mut link = self.shared.take(&deadline)?;
        let committed = link.commit(offsets, &mut deadline);
        self.shared.give_back(link);
        committed?;
        self.shared.check()
    }

    fn leave(&self) -> Result<()> {
        self.shared.end();
        let mut deadline = Deadline::after(self.shared.request_timeout);
        let mut link = self.shared.take(&deadline)?;
        let left = link.leave(&mut deadline);
        self.shared.give_back(link);
        left
    }
}

impl Drop for Membership {
    /// A handle that is dropped is a process that has gone: the membership lasts until its session runs out.
    fn drop(&mut self) {
        self.shared.end();
    }
}
