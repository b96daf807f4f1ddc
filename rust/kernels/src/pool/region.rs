//! One parallel region, and a thread's place in it.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::seat::{Seat, lock};

/// What all threads of a region do.
pub(super) type Work<'a> = dyn Fn(&Worker<'_>) + Sync + 'a;

/// A region, on the caller's stack.
pub(super) struct Region {
    work: *const Work<'static>,
    threads: usize,
    start: Instant,
    /// Threads that have arrived at the barrier.
    arrived: AtomicUsize,
    /// Barriers that were passed.
    passed: AtomicUsize,
    /// Threads besides the caller that are in the region.
    inside: AtomicUsize,
    panicked: AtomicBool,
    message: Mutex<Option<String>>,
}

// SAFETY: `work` is shared by reference and `Sync`; the rest is made of atomics and a lock.
unsafe impl Sync for Region {}

/// A thread's place in a region.
pub struct Worker<'a> {
    index: usize,
    region: &'a Region,
    seats: &'a [Seat],
}

/// Unwinds the threads that wait for one that panicked.
struct Released;

impl Region {
    /// A region for `threads` threads. The caller keeps it, and what `work` borrows, until
    /// [`Region::is_empty`].
    pub(super) fn new(work: &Work<'_>, threads: usize) -> Self {
        // SAFETY: only the lifetime changes; the caller's promise covers it.
        let work = unsafe { std::mem::transmute::<&Work<'_>, &'static Work<'static>>(work) };
        Self {
            work,
            threads,
            start: Instant::now(),
            arrived: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            inside: AtomicUsize::new(threads - 1),
            panicked: AtomicBool::new(false),
            message: Mutex::new(None),
        }
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Does the work as thread `index`; a panic ends here.
    pub(super) fn enter(&self, index: usize, seats: &[Seat]) {
        let worker = Worker {
            index,
            region: self,
            seats,
        };
        // SAFETY: the maker of the region keeps what the work borrows.
        let work = unsafe { &*self.work };
        seats[index].watch(self.start, || {
            let result = catch_unwind(AssertUnwindSafe(|| work(&worker)));
            if let Err(panic) = result {
                self.release(&*panic, seats);
            }
        });
    }

    /// Notes a panic and frees those who wait for the thread.
    fn release(&self, panic: &(dyn Any + Send), seats: &[Seat]) {
        if !panic.is::<Released>() {
            lock(&self.message).get_or_insert_with(|| said(panic));
        }
        self.panicked.store(true, Ordering::Release);
        seats.iter().for_each(Seat::wake);
    }

    /// A thread besides the caller is done, and never looks at the region again. Whether it was the
    /// last.
    pub(super) fn leave(&self) -> bool {
        self.inside.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Whether only the caller is left.
    pub(super) fn is_empty(&self) -> bool {
        self.inside.load(Ordering::Acquire) == 0
    }

    /// What the first thread to panic said.
    pub(super) fn panic_message(&self) -> Option<String> {
        lock(&self.message).take()
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}

impl Worker<'_> {
    /// This thread's number, from 0 on.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Threads of the region.
    pub fn threads(&self) -> usize {
        self.region.threads
    }

    /// Returns when all threads of the region have come here; what they wrote before is seen after.
    ///
    /// Unwinds if one of them has panicked.
    pub fn barrier(&self) {
        let region = self.region;
        if region.threads == 1 {
            return;
        }
        let passed = region.passed.load(Ordering::Relaxed);
        if region.arrived.fetch_add(1, Ordering::AcqRel) + 1 == region.threads {
            region.arrived.store(0, Ordering::Relaxed);
            region.passed.store(passed + 1, Ordering::Release);
            let others = self
                .seats
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != self.index);
            others.for_each(|(_, seat)| seat.wake());
            return;
        }
        let panicked = || region.panicked.load(Ordering::Acquire);
        self.seats[self.index]
            .wait(|| region.passed.load(Ordering::Acquire) != passed || panicked());
        if panicked() {
            resume_unwind(Box::new(Released));
        }
    }

    /// This thread's even share of `0..count`, in whole units of `unit`.
    pub fn share(&self, count: usize, unit: usize) -> Range<usize> {
        let units = count.div_ceil(unit.max(1));
        let at = |index: usize| (units * index / self.threads() * unit).min(count);
        at(self.index)..at(self.index + 1)
    }
}
