//! An engine without work costs nothing. Alone in its file: it looks at the threads of its process.

mod common;

use std::fs;
use std::thread;
use std::time::Duration;

use common::{alphabet, greedy, run};

/// Processor time of the engine's thread in ticks of 10 ms; None where it cannot be seen.
fn ticks() -> Option<u64> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let time = |task: fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("stat")).ok()?;
        let fields = stat.split_once("(ollamars-engine) ")?.1;
        let mut fields = fields.split_whitespace().skip(11);
        let mut next = || fields.next()?.parse::<u64>().ok();
        Some(next()? + next()?)
    };
    tasks.filter_map(|task| time(task.ok()?)).next()
}

#[test]
fn an_idle_engine_uses_no_processor_time() {
    let engine = alphabet(64, 1);
    run(&engine, vec![0], greedy(3));
    assert_eq!(engine.active(), 0);
    if cfg!(target_os = "linux") {
        let before = ticks().expect("the thread is there");
        thread::sleep(Duration::from_millis(500));
        assert!(ticks().is_some_and(|after| after <= before + 1));
    }
}
