//! Threads that compute together, wait, sleep, take turns and panic.

use std::sync::atomic::{AtomicUsize, Ordering};

use ollamars_kernels::{Cursor, Pool, Shared};

#[test]
fn what_was_written_before_a_barrier_is_seen_after_it() {
    for threads in [1, 2, 3, 4] {
        let pool = Pool::new(threads).expect("threads");
        for round in 0..if cfg!(miri) { 3 } else { 50 } {
            let (mut a, mut b) = (vec![0; 100], vec![0; 100]);
            let (from, to) = (Shared::new(&mut a), Shared::new(&mut b));
            let ran = pool.run(threads, |worker| {
                let share = worker.share(100, 7);
                // SAFETY: shares are disjoint.
                unsafe { from.part_mut(share.clone()) }.fill(round + 1);
                worker.barrier();
                // SAFETY: after the barrier `from` is only read.
                let all: i32 = unsafe { from.part(0..100) }.iter().sum();
                // SAFETY: shares are disjoint.
                unsafe { to.part_mut(share) }.fill(all);
                worker.barrier();
            });
            ran.expect("no panic");
            assert!(
                b.iter().all(|&x| x == 100 * (round + 1)),
                "{threads} threads: {b:?}"
            );
        }
    }
}

#[test]
fn a_cursor_gives_everything_once() {
    let pool = Pool::new(3).expect("threads");
    let (cursor, given) = (Cursor::default(), AtomicUsize::new(0));
    for count in [0, 1, 10, 1000] {
        cursor.reset();
        given.store(0, Ordering::Relaxed);
        let ran = pool.run(3, |_| {
            while let Some(part) = cursor.take(count, 7) {
                given.fetch_add(part.map(|i| i + 1).sum(), Ordering::Relaxed);
            }
        });
        ran.expect("no panic");
        assert_eq!(given.load(Ordering::Relaxed), count * (count + 1) / 2);
    }
}

#[test]
fn shares_are_even_and_cover_all() {
    let pool = Pool::new(3).expect("threads");
    for (count, unit) in [(0, 1), (1, 1), (10, 4), (33, 16), (7, 100)] {
        let sum = AtomicUsize::new(0);
        let ran = pool.run(3, |worker| {
            let share = worker.share(count, unit);
            assert!(
                share.start % unit == 0
                    && share.len() <= count.div_ceil(worker.threads()).next_multiple_of(unit)
            );
            sum.fetch_add(share.len(), Ordering::Relaxed);
        });
        ran.expect("no panic");
        assert_eq!(sum.load(Ordering::Relaxed), count);
    }
}

#[test]
fn a_panic_is_reported_and_the_pool_lives_on() {
    let pool = Pool::new(3).expect("threads");
    for guilty in 0..3 {
        let ran = pool.run(3, |worker| {
            worker.barrier();
            // On a busy machine there may be fewer threads than were asked for.
            let guilty = guilty.min(worker.threads() - 1);
            assert!(worker.index() != guilty, "one is guilty");
            worker.barrier();
            worker.barrier();
        });
        let error = ran.expect_err("a panic").to_string();
        assert_eq!(error, "a compute thread panicked: one is guilty");
        pool.run(3, |worker| worker.barrier()).expect("no panic");
    }
}

#[test]
fn fewer_threads_than_there_are() {
    let pool = Pool::new(4).expect("threads");
    for asked in [0, 1, 2, 4, 9] {
        let count = AtomicUsize::new(0);
        let ran = pool.run(asked, |worker| {
            assert!(worker.threads() <= asked.clamp(1, 4));
            count.fetch_add(1, Ordering::Relaxed);
            worker.barrier();
        });
        ran.expect("no panic");
        assert!((1..=asked.clamp(1, 4)).contains(&count.load(Ordering::Relaxed)));
    }
}

#[test]
fn two_callers_take_turns() {
    let pool = Pool::new(2).expect("threads");
    let inside = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..if cfg!(miri) { 3 } else { 50 } {
                    let ran = pool.run(2, |worker| {
                        let before = inside.fetch_add(1, Ordering::SeqCst);
                        assert!(before < 2, "two regions at once");
                        worker.barrier();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        worker.barrier();
                    });
                    ran.expect("no panic");
                }
            });
        }
    });
}
