//! Threads that compute a step together.
//!
//! A pool has workers for the whole process. [`Pool::run`] opens a parallel region: the caller is
//! its thread 0, and all walk the same code and meet at barriers. Who waits spins for up to 50 µs
//! and then sleeps, so an idle pool costs nothing. Two callers take turns, in the order in which
//! they came.

use std::any::Any;
use std::hint::spin_loop;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long a thread spins before it sleeps: longer than the serial parts of a step, shorter than
/// anyone notices.
const SPIN: Duration = Duration::from_micros(50);

/// Looks at the condition between two looks at the clock.
const SPINS: usize = 64;

/// A pool of workers.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    turns: Turns,
    handles: Vec<JoinHandle<()>>,
}

/// A thread's place in a region.
#[derive(Debug)]
pub struct Worker<'a> {
    index: usize,
    region: &'a Region,
    seats: &'a [Seat],
}

/// A part of the work of an op, given out piece by piece, so that a slowed thread takes fewer.
#[derive(Debug, Default)]
pub struct Cursor(AtomicUsize);

/// A thread of a region panicked; the others were released from their barriers.
#[derive(Debug, thiserror::Error)]
#[error("a compute thread panicked: {0}")]
pub struct Panicked(String);

#[derive(Debug)]
struct Shared {
    seats: Vec<Seat>,
    stop: AtomicBool,
}

/// Where a thread waits. Seat 0 is the caller's.
#[derive(Debug, Default)]
struct Seat {
    /// The region to join, or null.
    region: AtomicPtr<Region>,
    asleep: AtomicBool,
    thread: Mutex<Option<Thread>>,
}

/// One parallel region, on the caller's stack.
struct Region {
    work: *const (dyn Fn(&Worker<'_>) + Sync),
    threads: usize,
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

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Region")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// Unwinds the threads that wait for one that panicked.
struct Released;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seat {
    /// Returns when `done` says so, which another thread makes true and then calls
    /// [`Seat::wake`].
    fn wait(&self, done: impl Fn() -> bool) {
        let start = Instant::now();
        loop {
            for _ in 0..SPINS {
                if done() {
                    return;
                }
                spin_loop();
            }
            if start.elapsed() >= SPIN {
                break;
            }
        }
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        while !done() {
            thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    fn wake(&self) {
        // With the fence in `wait`, one of the two threads sees what the other did.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst)
            && let Some(thread) = &*lock(&self.thread)
        {
            thread.unpark();
        }
    }

    fn sit(&self) {
        *lock(&self.thread) = Some(thread::current());
    }
}

impl Pool {
    /// A pool with `threads` threads, of which the caller of [`Pool::run`] is one.
    ///
    /// # Errors
    /// Of the system, if it refuses to start a thread.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let seats = (0..threads.max(1)).map(|_| Seat::default()).collect();
        let shared = Arc::new(Shared {
            seats,
            stop: AtomicBool::new(false),
        });
        let mut pool = Self {
            shared,
            turns: Turns::default(),
            handles: Vec::new(),
        };
        for index in 1..threads {
            let shared = Arc::clone(&pool.shared);
            let name = format!("compute-{index}");
            let worker = move || work(&shared, index);
            pool.handles
                .push(thread::Builder::new().name(name).spawn(worker)?);
        }
        Ok(pool)
    }

    /// Threads, with the caller.
    pub fn threads(&self) -> usize {
        self.shared.seats.len()
    }

    /// Runs `work` on up to `threads` threads at once, one of which is the caller, and returns when
    /// all have finished.
    ///
    /// Not to be called from inside of a region of the same pool, whose turn never ends then.
    ///
    /// # Errors
    /// [`Panicked`] if one of them did.
    pub fn run(&self, threads: usize, work: impl Fn(&Worker<'_>) + Sync) -> Result<(), Panicked> {
        let _turn = self.turns.take();
        let seats = &self.shared.seats[..threads.clamp(1, self.threads())];
        let work: &(dyn Fn(&Worker<'_>) + Sync) = &work;
        let region = Region::new(work, seats.len());
        seats[0].sit();
        for seat in &seats[1..] {
            seat.region
                .store(ptr::from_ref(&region).cast_mut(), Ordering::Release);
            seat.wake();
        }
        region.enter(0, seats);
        seats[0].wait(|| region.inside.load(Ordering::Acquire) == 0);
        match lock(&region.message).take() {
            Some(message) => Err(Panicked(message)),
            None => Ok(()),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for seat in &self.shared.seats {
            seat.wake();
        }
        for handle in self.handles.drain(..) {
            // A worker's panics were caught and reported.
            let _ = handle.join();
        }
    }
}

/// The life of worker `index`.
fn work(shared: &Shared, index: usize) {
    let seat = &shared.seats[index];
    seat.sit();
    let stopped = || shared.stop.load(Ordering::SeqCst);
    loop {
        seat.wait(|| !seat.region.load(Ordering::Acquire).is_null() || stopped());
        let region = seat.region.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: the caller of `run` keeps the region until no thread is inside.
        let Some(region) = (unsafe { region.as_ref() }) else {
            return;
        };
        region.enter(index, &shared.seats[..region.threads]);
        let caller = &shared.seats[0];
        if region.inside.fetch_sub(1, Ordering::AcqRel) == 1 {
            // The region may be gone from here on; the seat is not.
            caller.wake();
        }
    }
}

impl Region {
    fn new(work: &(dyn Fn(&Worker<'_>) + Sync), threads: usize) -> Self {
        // SAFETY: only the lifetime changes; `run` does not return while a thread is inside.
        let work = unsafe {
            std::mem::transmute::<
                &(dyn Fn(&Worker<'_>) + Sync),
                &'static (dyn Fn(&Worker<'_>) + Sync),
            >(work)
        };
        Self {
            work,
            threads,
            arrived: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            inside: AtomicUsize::new(threads - 1),
            panicked: AtomicBool::new(false),
            message: Mutex::new(None),
        }
    }

    /// Does the work as thread `index`; a panic ends here.
    fn enter(&self, index: usize, seats: &[Seat]) {
        let worker = Worker {
            index,
            region: self,
            seats,
        };
        // SAFETY: `run` has not returned.
        let work = unsafe { &*self.work };
        let result = catch_unwind(AssertUnwindSafe(|| work(&worker)));
        let Err(panic) = result else { return };
        if !panic.is::<Released>() {
            lock(&self.message).get_or_insert_with(|| message(&*panic));
        }
        self.panicked.store(true, Ordering::SeqCst);
        seats.iter().for_each(Seat::wake);
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
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
            for (index, seat) in self.seats.iter().enumerate() {
                if index != self.index {
                    seat.wake();
                }
            }
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

impl Cursor {
    /// Begins anew; all threads must pass a barrier before they take.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The next up to `size` of `0..count`.
    pub fn take(&self, count: usize, size: usize) -> Option<Range<usize>> {
        let start = self.0.fetch_add(size.max(1), Ordering::Relaxed);
        (start < count).then(|| start..count.min(start.saturating_add(size.max(1))))
    }
}

/// A lock that is given in the order of asking.
#[derive(Debug, Default)]
struct Turns {
    /// The next ticket, and the one whose turn it is.
    tickets: Mutex<(u64, u64)>,
    next: Condvar,
}

struct Turn<'a>(&'a Turns);

impl Turns {
    fn take(&self) -> Turn<'_> {
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
