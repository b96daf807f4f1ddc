//! Where a thread waits.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering, fence};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::region::Region;

/// How long a thread spins before it sleeps: longer than the serial parts of a step, shorter than
/// anyone notices.
const SPIN: Duration = Duration::from_micros(50);

/// How long a thread may take to wake up.
const WAKING: Duration = Duration::from_micros(50);

/// No core.
const UNKNOWN: u64 = u64::MAX;

/// Looks at the condition between two looks at the clock.
const SPINS: usize = 64;

/// One thread's; alone in its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Seat {
    /// The region to join, or null.
    pub(super) region: AtomicPtr<Region>,
    /// Nanoseconds of the last region in which the thread neither ran nor slept here: another
    /// process had its core.
    pub(super) lost: AtomicU64,
    /// The core on which the thread was at the end of the last region.
    core: AtomicU64,
    asleep: AtomicBool,
    /// When the thread was woken ([`nanos`]), or 0.
    woken: AtomicU64,
    /// Nanoseconds that the thread has slept until it was woken.
    slept: AtomicU64,
    thread: Mutex<Option<Thread>>,
}

/// Time since the first call, and one.
fn nanos() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_nanos() as u64 + 1
}

/// A lock under which nothing panics.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seat {
    /// The calling thread is the one that waits here.
    pub(super) fn sit(&self) {
        *lock(&self.thread) = Some(thread::current());
    }

    /// Returns when `done` says so; another thread makes it true and then calls [`Seat::wake`].
    pub(super) fn wait(&self, done: impl Fn() -> bool) {
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
        self.sleep(done);
    }

    /// As [`Seat::wait`], without spinning.
    fn sleep(&self, done: impl Fn() -> bool) {
        let start = nanos();
        self.woken.store(0, Ordering::Relaxed);
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while !done() {
            thread::park();
        }
        self.asleep.store(false, Ordering::Relaxed);
        // Being woken takes a while; what is more is waiting for a core.
        let woken = match self.woken.load(Ordering::Relaxed) {
            0 => nanos(),
            woken => nanos().min(woken + WAKING.as_nanos() as u64),
        };
        self.slept
            .fetch_add(woken.saturating_sub(start), Ordering::Relaxed);
    }

    /// After something was made true that the thread may wait for.
    pub(super) fn wake(&self) {
        // With the fence in `wait`, one of the two threads sees what the other did.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed)
            && let Some(thread) = &*lock(&self.thread)
        {
            self.woken.store(nanos(), Ordering::Relaxed);
            thread.unpark();
        }
    }

    /// Whether both threads were on one core at the end of the last region.
    pub(super) fn shares_core_with(&self, other: &Self) -> bool {
        let core = self.core.load(Ordering::Relaxed);
        core != UNKNOWN && core == other.core.load(Ordering::Relaxed)
    }

    /// Runs `work` of a region that began at `start`, and notes how long the thread was kept from
    /// running since then.
    pub(super) fn watch(&self, start: Instant, work: impl FnOnce()) {
        let (slept, cpu) = (self.slept.load(Ordering::Relaxed), cpu_time());
        work();
        let ran = cpu_time().saturating_sub(cpu);
        let slept = Duration::from_nanos(self.slept.load(Ordering::Relaxed) - slept);
        let lost = start.elapsed().saturating_sub(ran + slept + WAKING);
        self.lost.store(lost.as_nanos() as u64, Ordering::Relaxed);
        self.core.store(core(), Ordering::Relaxed);
    }
}

/// CPU time of the calling thread.
#[cfg(all(unix, not(miri)))]
fn cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a place for the result.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Not known here: wall time, so that no thread seems to be kept from running.
#[cfg(not(all(unix, not(miri))))]
fn cpu_time() -> Duration {
    Duration::from_nanos(nanos())
}

/// The core that the calling thread is on, or [`UNKNOWN`].
#[cfg(all(target_os = "linux", not(miri)))]
fn core() -> u64 {
    // SAFETY: no arguments.
    u64::try_from(unsafe { libc::sched_getcpu() }).unwrap_or(UNKNOWN)
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn core() -> u64 {
    UNKNOWN
}
