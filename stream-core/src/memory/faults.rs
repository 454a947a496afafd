//! Failures on purpose: requests and answers that get lost, polls that return little, clients that crash; all by a seed.
//!
//! Each client draws from a random sequence of its own, made of the seed, its id and how many clients of that id there
//! were before, so what fails does not depend on how threads take turns.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::state::lock;
use crate::{Error, Kind, Result};

/// Which failures happen how often, in calls of a thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The same seed and the same calls fail in the same places.
    pub seed: u64,
    /// The call fails with `Kind::Retry` and has done nothing.
    pub lost_requests_per_mille: u16,
    /// The call has done its work and fails with `Kind::Retry`.
    pub lost_answers_per_mille: u16,
    /// A poll returns fewer records than there are, or none.
    pub short_polls_per_mille: u16,
    /// The client crashes before the call: it and all later ones fail with `Kind::Fatal`.
    pub crashes_per_mille: u16,
}

/// The plan that is in force, and all clients.
#[derive(Default)]
pub(super) struct FaultPlan {
    armed: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    faults: Faults,
    clients: Vec<Weak<Client>>,
    /// How many clients of an id there were.
    named: BTreeMap<String, u64>,
}

/// One consumer, producer, administrator or member.
pub(super) struct Client {
    id: String,
    /// Which of the clients of this id it is.
    number: u64,
    crashed: AtomicBool,
    chances: Mutex<Chances>,
}

struct Chances {
    faults: Faults,
    random: Random,
}

enum Fate {
    Pass,
    LostRequest,
    LostAnswer,
}

impl FaultPlan {
    pub(super) fn client(&self, id: &str) -> Arc<Client> {
        let mut inner = lock(&self.inner);
        let number = inner.named.entry(id.to_owned()).or_default();
        *number += 1;
        let number = *number;
        let chances = Mutex::new(Chances::new(inner.faults, id, number));
        let client = Arc::new(Client { id: id.to_owned(), number, crashed: AtomicBool::new(false), chances });
        inner.clients.retain(|client| client.strong_count() > 0);
        inner.clients.push(Arc::downgrade(&client));
        client
    }

    pub(super) fn inject(&self, faults: Faults) {
        let mut inner = lock(&self.inner);
        inner.faults = faults;
        for client in inner.clients.iter().filter_map(Weak::upgrade) {
            *lock(&client.chances) = Chances::new(faults, &client.id, client.number);
        }
        self.armed.store(faults != Faults { seed: faults.seed, ..Faults::default() }, Ordering::Relaxed);
    }

    pub(super) fn heal(&self) {
        self.inject(Faults::default());
    }

    pub(super) fn crash(&self, id: &str) {
        let inner = lock(&self.inner);
        for client in inner.clients.iter().filter_map(Weak::upgrade).filter(|client| client.id.starts_with(id)) {
            client.crashed.store(true, Ordering::Relaxed);
        }
    }
}

impl Client {
    /// Runs `request`, unless the plan loses it; its answer may get lost too. `what` completes "failed to".
    pub(super) fn call<T>(&self, plan: &FaultPlan, what: &str, request: impl FnOnce() -> Result<T>) -> Result<T> {
        match self.fate(plan)? {
            Fate::Pass => request(),
            Fate::LostRequest => Err(self.silence(what)),
            Fate::LostAnswer => request().and_then(|_| Err(self.silence(what))),
        }
    }

    /// How many of `records_max` records a poll may return.
    pub(super) fn poll_limit(&self, plan: &FaultPlan, records_max: usize) -> Result<usize> {
        match self.fate(plan)? {
            Fate::LostRequest | Fate::LostAnswer => return Err(self.silence("poll records")),
            Fate::Pass if !plan.armed.load(Ordering::Relaxed) => return Ok(records_max),
            Fate::Pass => {}
        }
        let mut chances = lock(&self.chances);
        let faults = chances.faults;
        if !chances.random.chance(faults.short_polls_per_mille) {
            return Ok(records_max);
        }
        let below = u64::try_from(records_max).unwrap_or(u64::MAX).max(1);
        Ok(usize::try_from(chances.random.next() % below).unwrap_or(0))
    }

    /// Fails if the client has crashed.
    pub(super) fn check(&self) -> Result<()> {
        if self.crashed.load(Ordering::Relaxed) {
            return Err(Error::new(
                Kind::Fatal,
                format!("client {:?} has crashed, as its log was told to let it", self.id),
            ));
        }
        Ok(())
    }

    fn fate(&self, plan: &FaultPlan) -> Result<Fate> {
        self.check()?;
        if !plan.armed.load(Ordering::Relaxed) {
            return Ok(Fate::Pass);
        }
        let mut chances = lock(&self.chances);
        let faults = chances.faults;
        if chances.random.chance(faults.crashes_per_mille) {
            self.crashed.store(true, Ordering::Relaxed);
            self.check()?;
        }
        if chances.random.chance(faults.lost_requests_per_mille) {
            Ok(Fate::LostRequest)
        } else if chances.random.chance(faults.lost_answers_per_mille) {
            Ok(Fate::LostAnswer)
        } else {
            Ok(Fate::Pass)
        }
    }

    #[cold]
    fn silence(&self, what: &str) -> Error {
        let message = format!("client {:?} had no answer when it tried to {what} (an injected fault)", self.id);
        Error::new(Kind::Retry, message)
    }
}

impl Chances {
    fn new(faults: Faults, id: &str, number: u64) -> Self {
        // FNV-1a: a hash of the id that is the same in every process.
        let hash = id
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut random = Random(faults.seed ^ hash.wrapping_add(number.wrapping_mul(0xff51_afd7_ed55_8ccd)));
        random.next();
        Self { faults, random }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn chance(&mut self, per_mille: u16) -> bool {
        self.next() % 1000 < u64::from(per_mille)
    }
}
