//! How many threads have a core for themselves.
//!
//! Every barrier waits for the slowest thread. If another process takes half of one core, two
//! threads are no faster than one, and far slower where the parts between barriers are shorter than
//! the system's time slices. So a thread that is kept from running for a large part of the time is
//! left out for a while, as is one that the system has put on another one's core. No result depends
//! on the number of threads.

use std::time::{Duration, Instant};

/// Time in regions over which threads are judged.
const WINDOW: Duration = Duration::from_millis(50);

/// The share of a window that a thread may be kept from running, in percent.
const TOLERATED: u128 = 30;

/// Bad windows in a row before a thread is left out.
const BAD_WINDOWS: u32 = 3;

/// How long a thread is left out.
const REST: Duration = Duration::from_secs(1);

/// What was seen since the last judgement, and what follows from the one before.
#[derive(Debug, Default)]
pub(super) struct Contention {
    seen: Duration,
    /// For each thread the time that it was kept from running.
    lost: Vec<Duration>,
    /// Bad windows in a row, not counting rests.
    bad_windows: u32,
    /// At most so many threads, until then.
    limit: Option<(usize, Instant)>,
}

impl Contention {
    /// How many of the threads that were asked for are used `now`.
    pub(super) fn threads(&mut self, asked: usize, now: Instant) -> usize {
        match self.limit {
            Some((limit, until)) if now < until => asked.min(limit),
            _ => {
                self.limit = None;
                asked
            }
        }
    }

    /// A region took `wall`; each of its threads was kept from running for `lost`.
    pub(super) fn saw(
        &mut self,
        wall: Duration,
        lost: impl ExactSizeIterator<Item = Duration>,
        now: Instant,
    ) {
        let threads = lost.len();
        if threads != self.lost.len() {
            self.seen = Duration::ZERO;
            self.lost.clear();
            self.lost.resize(threads, Duration::ZERO);
        }
        self.seen += wall;
        self.lost
            .iter_mut()
            .zip(lost)
            .for_each(|(sum, lost)| *sum += lost);
        if self.seen < WINDOW {
            return;
        }
        let worst = self.lost.iter().max().map_or(0, Duration::as_nanos);
        self.judge(threads, worst * 100 > self.seen.as_nanos() * TOLERATED, now);
        self.seen = Duration::ZERO;
        self.lost.fill(Duration::ZERO);
    }
}

impl Contention {
    /// A window in which a thread was kept from running too long is an accident, some in a row are
    /// not; after a rest one is enough.
    fn judge(&mut self, threads: usize, was_bad: bool, now: Instant) {
        match (was_bad && threads > 1, self.limit) {
            (true, None) if self.bad_windows + 1 < BAD_WINDOWS => self.bad_windows += 1,
            (true, None) => self.limit = Some((threads - 1, now + REST)),
            (true, Some((_, until))) => self.limit = Some((threads - 1, until)),
            (false, None) => self.bad_windows = 0,
            (false, Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(10);

    /// A window in which thread 1 of `threads` loses `percent` of the time.
    fn window(contention: &mut Contention, threads: usize, percent: u32, now: Instant) {
        for _ in 0..5 {
            let lost = (0..threads).map(|i| {
                if i == 1 {
                    STEP * percent / 100
                } else {
                    STEP / 50
                }
            });
            contention.saw(STEP, lost.collect::<Vec<_>>().into_iter(), now);
        }
    }

    #[test]
    fn a_thread_without_a_core_is_left_out_for_a_second() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(contention.threads(4, start), 4);
            window(&mut contention, 4, 50, start);
        }
        assert_eq!(contention.threads(4, start), 3);
        assert_eq!(contention.threads(2, start), 2);
        window(&mut contention, 3, 50, start + REST / 2);
        assert_eq!(contention.threads(4, start + REST / 2), 2);
        assert_eq!(contention.threads(4, start + REST), 4);
        window(&mut contention, 4, 50, start + REST);
        assert_eq!(contention.threads(4, start + REST), 3);
    }

    #[test]
    fn an_accident_has_no_consequence() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        for percent in [50, 50, 10, 90, 25, 60, 40, 0] {
            window(&mut contention, 4, percent, start);
            assert_eq!(contention.threads(4, start), 4);
        }
    }

    #[test]
    fn the_last_thread_stays() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        let lost = || std::iter::once(STEP);
        (0..100).for_each(|_| contention.saw(STEP, lost(), start));
        assert_eq!(contention.threads(1, start), 1);
    }
}
