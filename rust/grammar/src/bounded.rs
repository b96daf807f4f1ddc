//! Work that may take too long, on a thread of its own.

use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use crate::{Error, Result};

/// Threads that may be at it; those whose time is over count until they end.
const MOST_THREADS: usize = 8;
/// Bytes of stack: formats nest, and what works on them is recursive.
const STACK: usize = 64 << 20;

static RUNNING: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

/// Counts a thread while it lives.
struct Seat;

impl Seat {
    /// Waits for a free one, `limit` at most.
    fn take(limit: Duration) -> Option<Self> {
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |running: &mut usize| *running >= MOST_THREADS;
        let waited = FREED.wait_timeout_while(running, limit, full);
        let (mut running, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        (!waited.timed_out()).then(|| {
            *running += 1;
            Self
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREED.notify_one();
    }
}

/// Runs `work` and waits for it, `limit` at most. What takes longer goes on unheard.
///
/// # Errors
/// Those of `work`; [`Error::TooSlow`]; [`Error::Busy`]: too many are at it.
pub(crate) fn bounded<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let seat = Seat::take(limit).ok_or(Error::Busy)?;
    let (answer, done) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().stack_size(STACK);
    let started = thread.name("ollamars-grammar".to_owned()).spawn(move || {
        let _seat = seat;
        // Nobody waiting is no error.
        drop(answer.send(work()));
    });
    started.map_err(|_| Error::Busy)?;
    match done.recv_timeout(limit) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Error::TooSlow(limit)),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(Error::Step(
            "the format broke the compiler; a simpler one is needed".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_given_up() {
        assert_eq!(bounded(Duration::from_secs(5), || Ok(7)), Ok(7));
        let limit = Duration::from_millis(10);
        let slow = bounded(limit, || {
            thread::sleep(Duration::from_millis(300));
            Ok(())
        });
        assert_eq!(slow, Err(Error::TooSlow(limit)));
        let broken: Result<()> = bounded(Duration::from_secs(5), || panic!("a test"));
        assert!(matches!(broken, Err(Error::Step(_))));
    }
}
