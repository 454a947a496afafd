//! The states of a client, and which follows which.

use std::fmt;

/// The state of a [`Streams`](crate::Streams) client, as in Kafka Streams.
///
/// ```text
///              ┌─────────┐
///              │ CREATED ├───────────────┐
///              └────┬────┘               │
///                   ▼                    ▼
///            ┌─────────────┐     ┌──────────────────┐     ┌─────────────┐
///        ┌──▶│ REBALANCING ├────▶│ PENDING_SHUTDOWN ├────▶│ NOT_RUNNING │
///        │   └──┬───────┬──┘     └──────────────────┘     └─────────────┘
///        │      ▼       │                ▲
///        │  ┌─────────┐ │                │
///        └──┤ RUNNING ├─┼────────────────┘
///           └───┬─────┘ │
///               ▼       ▼
///            ┌───────────────┐     ┌───────┐
///            │ PENDING_ERROR ├────▶│ ERROR │
///            └───────────────┘     └───────┘
/// ```
/// REBALANCING is also the time in which stores are restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing runs yet.
    Created,
    /// It joins, and restores its stores.
    Rebalancing,
    /// All tasks process.
    Running,
    /// It commits and closes.
    PendingShutdown,
    /// It has closed.
    NotRunning,
    /// A thread has failed: the others commit and close.
    PendingError,
    /// It has failed; [`close`](crate::Streams::close) and [`health`](crate::Streams::health) tell the error.
    Error,
}

impl State {
    /// Whether `next` may follow.
    pub(crate) fn may_become(self, next: Self) -> bool {
        match self {
            Self::Created => matches!(next, Self::Rebalancing | Self::PendingShutdown),
            Self::Rebalancing => matches!(next, Self::Running | Self::PendingShutdown | Self::PendingError),
            Self::Running => matches!(next, Self::Rebalancing | Self::PendingShutdown | Self::PendingError),
            Self::PendingShutdown => next == Self::NotRunning,
            Self::PendingError => next == Self::Error,
            Self::NotRunning | Self::Error => false,
        }
    }

    /// Whether nothing follows.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::NotRunning | Self::Error)
    }

    /// The number that the metric `stream_client_state` shows: Kafka Streams' ordinals.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Created => 0,
            Self::Rebalancing => 1,
            Self::Running => 2,
            Self::PendingShutdown => 3,
            Self::NotRunning => 4,
            Self::PendingError => 5,
            Self::Error => 6,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "CREATED",
            Self::Rebalancing => "REBALANCING",
            Self::Running => "RUNNING",
            Self::PendingShutdown => "PENDING_SHUTDOWN",
            Self::NotRunning => "NOT_RUNNING",
            Self::PendingError => "PENDING_ERROR",
            Self::Error => "ERROR",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::State::{self, *};

    #[test]
    fn only_the_arrows_of_the_picture_exist() {
        const ALL: [State; 7] = [Created, Rebalancing, Running, PendingShutdown, NotRunning, PendingError, Error];
        let arrows = [
            (Created, Rebalancing),
            (Created, PendingShutdown),
            (Rebalancing, Running),
            (Rebalancing, PendingShutdown),
            (Rebalancing, PendingError),
            (Running, Rebalancing),
            (Running, PendingShutdown),
            (Running, PendingError),
            (PendingShutdown, NotRunning),
            (PendingError, Error),
        ];
        for from in ALL {
            for to in ALL {
                assert_eq!(from.may_become(to), arrows.contains(&(from, to)), "{from} to {to}");
            }
        }
    }
}
