//! A thread's way out: one producer for all its tasks, with its transaction.

use std::cell::RefCell;
use std::rc::Rc;

use crate::log::{Group, Offsets, OutTopic, Outgoing, Producer};
use crate::task::context::Collector;
use crate::{Error, Kind, Result};

/// The producer as all tasks of a thread hold it.
#[derive(Clone)]
pub(crate) struct SharedOutput(Rc<RefCell<Output>>);

struct Output {
    producer: Box<dyn Producer>,
    transactions: Transactions,
    /// Something was sent since the last flush or commit.
    sent: bool,
    /// What the first failure asks for. A failure that comes through a store has lost it.
    failure: Option<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transactions {
    None,
    /// Used, and none is open: the next record begins one.
    Closed,
    Open,
}

impl SharedOutput {
    /// A way out without transactions.
    pub(crate) fn plain(producer: Box<dyn Producer>) -> Self {
        Self::new(producer, Transactions::None)
    }

    /// A way out whose records count with a commit.
    pub(crate) fn transactional(producer: Box<dyn Producer>) -> Self {
        Self::new(producer, Transactions::Closed)
    }

    fn new(producer: Box<dyn Producer>, transactions: Transactions) -> Self {
        Self(Rc::new(RefCell::new(Output { producer, transactions, sent: false, failure: None })))
    }

    /// What the first failure since the last call asks for.
    pub(crate) fn take_failure(&self) -> Option<Kind> {
        self.0.borrow_mut().failure.take()
    }

    /// Whether something was sent since the last commit.
    pub(crate) fn has_sent(&self) -> bool {
        self.0.borrow().sent
    }

    /// Lets nothing that was sent wait for company any longer.
    pub(crate) fn hand_over(&self) -> Result<()> {
        let mut output = self.0.borrow_mut();
        if output.sent { output.call(|producer| producer.hand_over()) } else { Ok(()) }
    }

    /// Waits until everything sent is in the log.
    pub(crate) fn flush(&self) -> Result<()> {
        let mut output = self.0.borrow_mut();
        if output.sent {
            output.call(|producer| producer.flush())?;
            output.sent = false;
        }
        Ok(())
    }

    /// Ends the transaction, with these offsets as a part of it; begins one where there are only offsets.
    pub(crate) fn commit(&self, offsets: &Offsets, group: &dyn Group) -> Result<()> {
        let mut output = self.0.borrow_mut();
        output.begin()?;
        output.call(|producer| producer.commit(offsets, group))?;
        output.transactions = Transactions::Closed;
        output.sent = false;
        Ok(())
    }

    /// Ends an open transaction without a trace; nothing happens where there is none.
    pub(crate) fn abort(&self) -> Result<()> {
        let mut output = self.0.borrow_mut();
        if output.transactions == Transactions::Open {
            output.transactions = Transactions::Closed;
            output.call(|producer| producer.abort())?;
        }
        Ok(())
    }

    /// Behind the last record of this producer that is in the log.
    pub(crate) fn acknowledged(&self, topic: OutTopic, partition: i32) -> Option<i64> {
        self.0.borrow_mut().producer.acknowledged(topic, partition)
    }
}

impl Output {
    #[inline]
    fn begin(&mut self) -> Result<()> {
        if self.transactions == Transactions::Closed {
            self.call(|producer| producer.begin())?;
            self.transactions = Transactions::Open;
        }
        Ok(())
    }

    #[inline]
    fn call<T>(&mut self, request: impl FnOnce(&mut dyn Producer) -> Result<T>) -> Result<T> {
        request(&mut *self.producer).map_err(|error| self.keep(error))
    }

    #[cold]
    fn keep(&mut self, error: Error) -> Error {
        self.failure = self.failure.or_else(|| Some(error.kind()));
        error
    }
}

impl Collector for SharedOutput {
    fn topic(&mut self, name: &str) -> Result<(OutTopic, i32)> {
        self.0.borrow_mut().call(|producer| producer.topic(name))
    }

    #[inline]
    fn send(&mut self, record: Outgoing<'_>) -> Result<()> {
        let mut output = self.0.borrow_mut();
        output.begin()?;
        output.sent = true;
        output.call(|producer| producer.send(record))
    }
}
