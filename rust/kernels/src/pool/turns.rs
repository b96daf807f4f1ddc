//! A lock that is given in the order of asking.

use std::sync::{Condvar, Mutex, PoisonError};

use super::seat::lock;

#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The next ticket, and the one whose turn it is.
    tickets: Mutex<(u64, u64)>,
    next: Condvar,
}

/// Held by the one whose turn it is.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Returns when it is the caller's turn.
    pub(super) fn take(&self) -> Turn<'_> {
        let mut tickets = lock(&self.tickets);
        let mine = tickets.0;
        tickets.0 += 1;
        while tickets.1 != mine {
            tickets = self
                .next
                .wait(tickets)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.0.tickets).1 += 1;
        self.0.next.notify_all();
    }
}
