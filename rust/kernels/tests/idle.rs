//! An idle pool costs nothing. A test binary of its own: nothing else runs in the process.
#![cfg(all(target_os = "linux", not(miri)))]

use std::time::Duration;

use ollamars_kernels::Pool;

/// CPU time of this process's threads, in hundredths of a second.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("linux");
    let fields: Vec<&str> = stat.split(' ').collect();
    fields[13..15]
        .iter()
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum()
}

#[test]
fn an_idle_pool_uses_no_processor() {
    let pool = Pool::new(3).expect("threads");
    pool.run(3, |worker| worker.barrier()).expect("no panic");
    std::thread::sleep(Duration::from_millis(5));
    let before = ticks();
    std::thread::sleep(Duration::from_millis(300));
    assert!(ticks() - before <= 1, "of 30 a spinning thread would use");
}
