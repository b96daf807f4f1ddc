//! Threads that compute a step together.
//!
//! A pool has workers for the whole process. [`Pool::run`] opens a parallel region: the caller is
//! its thread 0, and all walk the same code and meet at barriers. Who waits spins for up to 50 µs
//! and then sleeps, so an idle pool costs nothing. Two callers take turns, in the order in which
//! they came. While another process keeps a thread from running, regions have fewer threads.

mod contention;
mod region;
mod seat;
mod turns;

use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use contention::Contention;
pub use region::Worker;
use region::{Region, Work};
use seat::{Seat, lock};
use turns::Turns;

/// A pool of workers.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    turns: Turns,
    contention: Mutex<Contention>,
    handles: Vec<JoinHandle<()>>,
}

/// A thread of a region panicked; the others were released from their barriers.
#[derive(Debug, thiserror::Error)]
#[error("a compute thread panicked: {0}")]
pub struct Panicked(String);

#[derive(Debug)]
struct Shared {
    /// The first is the caller's.
    seats: Vec<Seat>,
    stop: AtomicBool,
}

impl Pool {
    /// A pool with `threads` threads, of which the caller of [`Pool::run`] is one.
    ///
    /// # Errors
    /// Of the system, if it refuses to start a thread.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let seats = (0..threads.max(1)).map(|_| Seat::default()).collect();
        let stop = AtomicBool::new(false);
        let mut pool = Self {
            shared: Arc::new(Shared { seats, stop }),
            turns: Turns::default(),
            contention: Mutex::default(),
            handles: Vec::new(),
        };
        for index in 1..threads {
            let shared = Arc::clone(&pool.shared);
            let builder = thread::Builder::new().name(format!("compute-{index}"));
            pool.handles
                .push(builder.spawn(move || shared.work(index))?);
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
        let start = Instant::now();
        let asked = threads.clamp(1, self.threads());
        let threads = lock(&self.contention).threads(asked, start);
        let seats = &self.shared.seats[..threads];
        let panic = run_region(&work, seats);
        let end = Instant::now();
        let wall = end - start;
        let lost = seats.iter().enumerate().map(|(index, seat)| {
            if seats[..index]
                .iter()
                .any(|other| seat.shares_core_with(other))
            {
                return wall;
            }
            Duration::from_nanos(seat.lost.load(Ordering::Relaxed))
        });
        lock(&self.contention).saw(wall, lost, end);
        panic.map_or(Ok(()), |message| Err(Panicked(message)))
    }
}

/// What a thread that panicked said.
fn run_region(work: &Work<'_>, seats: &[Seat]) -> Option<String> {
    let region = Region::new(work, seats.len());
    seats[0].sit();
    for seat in &seats[1..] {
        seat.region
            .store(ptr::from_ref(&region).cast_mut(), Ordering::Release);
        seat.wake();
    }
    region.enter(0, seats);
    seats[0].wait(|| region.is_empty());
    region.panic_message()
}

impl Shared {
    /// The life of worker `index`.
    fn work(&self, index: usize) {
        let seat = &self.seats[index];
        seat.sit();
        let stopped = || self.stop.load(Ordering::Acquire);
        loop {
            seat.wait(|| !seat.region.load(Ordering::Relaxed).is_null() || stopped());
            let region = seat.region.swap(ptr::null_mut(), Ordering::Acquire);
            // SAFETY: the caller of `run` keeps the region until this thread has left it.
            let Some(region) = (unsafe { region.as_ref() }) else {
                return;
            };
            region.enter(index, &self.seats[..region.threads()]);
            if region.leave() {
                self.seats[0].wake();
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.seats.iter().for_each(Seat::wake);
        for handle in self.handles.drain(..) {
            // A worker's panics were caught and reported.
            let _ = handle.join();
        }
    }
}

/// A part of the work of an op, given out piece by piece, so that a slowed thread takes fewer.
#[derive(Debug, Default)]
pub struct Cursor(AtomicUsize);

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
