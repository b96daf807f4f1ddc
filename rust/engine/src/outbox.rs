//! The way of events out of the engine's thread: a queue and one wake-up for all that is in it.

use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;

use parking_lot::Mutex;

use crate::event::Event;
use crate::wake::Wake;

/// Events of one request that may wait for the reader; then the request ends.
pub const MOST_UNDELIVERED: usize = 4096;

#[derive(Debug, Default)]
struct Queue {
    events: Vec<Event>,
    undelivered: HashMap<u64, usize>,
    /// The descriptor was signalled since the queue was last emptied.
    pending: bool,
}

/// The queue. Its lock is never held longer than a few moves take.
#[derive(Debug)]
pub struct Outbox {
    queue: Mutex<Queue>,
    wake: Wake,
}

impl Outbox {
    /// An empty queue.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            queue: Mutex::default(),
            wake: Wake::new()?,
        })
    }

    /// Readable when there is news. Read it first, then drain: no news is missed that way.
    pub fn fd(&self) -> RawFd {
        self.wake.fd()
    }

    /// Adds `events` and empties them. Returns the requests that have too many undelivered ones.
    pub fn push(&self, events: &mut Vec<Event>) -> Vec<u64> {
        if events.is_empty() {
            return Vec::new();
        }
        let mut queue = self.queue.lock();
        let mut too_many = Vec::new();
        for event in events.iter() {
            let waiting = queue.undelivered.entry(event.id).or_default();
            *waiting += 1;
            if *waiting == MOST_UNDELIVERED {
                too_many.push(event.id);
            }
        }
        queue.events.append(events);
        let signalled = std::mem::replace(&mut queue.pending, true);
        drop(queue);
        if !signalled {
            self.wake.signal();
        }
        too_many
    }

    /// Makes the descriptor readable although there may be no news: the engine has ended.
    pub fn signal(&self) {
        self.wake.signal();
    }

    /// All events since the last call, oldest first.
    pub fn drain(&self) -> Vec<Event> {
        let mut queue = self.queue.lock();
        queue.pending = false;
        queue.undelivered.clear();
        std::mem::take(&mut queue.events)
    }
}
