//! Transactions: who owns an id, what is open, and how it ends – with a marker in each partition it wrote to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::partition::TransactionNumber;
use super::state::{PartitionNumber, State};
use crate::log::{Group, Offsets};
use crate::{Error, Kind, Result};

/// All transactional ids.
#[derive(Default)]
pub(super) struct Transactions {
    ids: BTreeMap<Arc<str>, TransactionalId>,
    last_number: u32,
}

#[derive(Default)]
struct TransactionalId {
    /// Each producer that takes the id has the next one; earlier ones are fenced.
    epoch: u32,
    open: Option<Open>,
}

struct Open {
    number: TransactionNumber,
    partitions: BTreeSet<PartitionNumber>,
    groups: BTreeSet<String>,
}

/// A producer's claim to a transactional id.
#[derive(Clone)]
pub(super) struct Owner {
    id: Arc<str>,
    epoch: u32,
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    Aborted,
}

impl Transactions {
    /// The open transaction of `owner` that has this number.
    fn open(&mut self, owner: &Owner, number: TransactionNumber) -> Result<&mut Open> {
        let id = self.owned(owner)?;
        id.open.as_mut().filter(|open| open.number == number).ok_or_else(|| {
            let message = format!("the transaction of {:?} is not open any more; discard its producer", owner.id);
            Error::new(Kind::Migrated, message)
        })
    }

    fn owned(&mut self, owner: &Owner) -> Result<&mut TransactionalId> {
        self.ids.get_mut(&owner.id).filter(|id| id.epoch == owner.epoch).ok_or_else(|| {
            let message = format!("a newer producer with the transactional id {:?} has fenced this one", owner.id);
            Error::new(Kind::Migrated, message)
        })
    }
}

impl State {
    /// Gives `id` to a new producer: earlier ones are fenced, and what they left open is aborted.
    pub(super) fn fence(&mut self, id: &str) -> Owner {
        let id: Arc<str> = id.into();
        let known = self.transactions.ids.entry(Arc::clone(&id)).or_default();
        known.epoch += 1;
        let epoch = known.epoch;
        if let Some(open) = known.open.take() {
            self.settle(&open, Outcome::Aborted);
        }
        Owner { id, epoch }
    }

    pub(super) fn begin(&mut self, owner: &Owner) -> Result<TransactionNumber> {
        let number = TransactionNumber(self.transactions.last_number + 1);
        let id = self.transactions.owned(owner)?;
        assert!(id.open.is_none(), "a producer that has a transaction open begins no other");
        id.open = Some(Open { number, partitions: BTreeSet::new(), groups: BTreeSet::new() });
        self.transactions.last_number = number.0;
        Ok(number)
    }

    /// Makes partitions part of the transaction, before records are written to them.
    pub(super) fn add_partitions(
        &mut self,
        owner: &Owner,
        number: TransactionNumber,
        partitions: impl Iterator<Item = PartitionNumber>,
    ) -> Result<()> {
        self.transactions.open(owner, number)?.partitions.extend(partitions);
        Ok(())
    }

    /// Makes offsets of a member's group part of the transaction.
    pub(super) fn add_offsets(
        &mut self,
        owner: &Owner,
        number: TransactionNumber,
        offsets: &Offsets,
        member: &dyn Group,
    ) -> Result<()> {
        self.transactions.open(owner, number)?;
        self.hold_offsets(member, number, offsets)?;
        self.transactions.open(owner, number)?.groups.insert(member.group_id().to_owned());
        Ok(())
    }

    pub(super) fn end(&mut self, owner: &Owner, number: TransactionNumber, outcome: Outcome) -> Result<()> {
        self.transactions.open(owner, number)?;
        let open = self.transactions.owned(owner)?.open.take().expect("it was found open");
        self.settle(&open, outcome);
        Ok(())
    }

    pub(super) fn time_out_transactions(&mut self) {
        let all: Vec<Open> = self.transactions.ids.values_mut().filter_map(|id| id.open.take()).collect();
        for open in &all {
            self.settle(open, Outcome::Aborted);
        }
    }

    fn settle(&mut self, open: &Open, outcome: Outcome) {
        for partition in &open.partitions {
            let partition = self.partition_mut(*partition);
            match outcome {
                Outcome::Committed => partition.mark_committed(open.number),
                Outcome::Aborted => partition.mark_aborted(open.number),
            }
        }
        for group in &open.groups {
            self.settle_offsets(group, open.number, outcome);
        }
    }
}
