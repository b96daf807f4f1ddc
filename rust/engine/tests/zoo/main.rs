//! The architecture zoo: recorded logits of tiny random models (`shared/zoo/README.md`).
//!
//! Skipped where the models (`OLLAMARS_ZOO`, `~/.cache/zoo`) or the recordings (`OLLAMARS_SHARED`)
//! are not there.

mod expected;
mod runner;

use expected::{Case, cases};
use ollamars_kernels::{KvType, Level};
use runner::{Cut, Executor, Runner};

/// A case's file, if it is there.
fn path(case: &Case) -> Option<std::path::PathBuf> {
    let home = std::env::var("HOME").unwrap_or_default();
    let folder = std::env::var("OLLAMARS_ZOO").unwrap_or(format!("{home}/.cache/zoo"));
    let path = std::path::Path::new(&folder).join(format!("{}.gguf", case.id));
    path.exists().then_some(path)
}

/// Runs `check` on every case of the architectures that are known, and reports all failures.
fn each(what: &str, check: impl Fn(&Case, &std::path::Path) -> Result<(), String>) {
    let (mut good, mut failed) = (0, Vec::new());
    for case in cases() {
        let known = ollamars_engine::arch::names().any(|name| name == case.arch);
        let Some(path) = path(&case).filter(|_| known) else {
            continue;
        };
        match check(&case, &path) {
            Ok(()) => good += 1,
            Err(why) => failed.push(format!("{}: {why}", case.id)),
        }
    }
    println!("{what}: {good} cases good");
    assert!(
        failed.is_empty(),
        "{what}: {} failed\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// Checks all cases with an executor, cut in some way.
fn check(executor: Executor, cut: Cut) {
    each(&format!("{executor:?}, {cut:?}"), |case, path| {
        let mut runner = Runner::open(path, executor)?;
        case.check(&mut runner, cut, executor.has_halves())
    });
}

/// Every executor that is fast and keeps a row's bits.
fn executors() -> [Executor; 3] {
    [
        Executor::Named("candle"),
        Executor::Cpu(Level::best(), KvType::F32),
        Executor::Cpu(Level::best(), KvType::F16),
    ]
}

#[test]
fn whole_prompts() {
    for executor in executors() {
        check(executor, Cut::Whole);
    }
}

#[test]
fn in_pieces() {
    for executor in executors() {
        for piece in [1, 7, 24] {
            check(executor, Cut::Pieces(piece));
        }
    }
}

#[test]
fn in_tensors() {
    check(Executor::Named("candle-tensors"), Cut::Pieces(7));
}

/// All levels have the same bits, so one cut is enough.
#[test]
fn at_every_level() {
    for level in Level::available() {
        check(Executor::Cpu(level, KvType::F32), Cut::Pieces(24));
    }
}

#[test]
fn among_others_bit_for_bit() {
    for executor in executors() {
        each(&format!("{executor:?} among others"), |case, path| {
            among_others(case, &mut Runner::open(path, executor)?)
        });
    }
}

fn among_others(case: &Case, runner: &mut Runner) -> Result<(), String> {
    let alone: Vec<_> = case
        .prompts
        .iter()
        .map(|p| runner.alone(&p.tokens))
        .collect();
    let prompts: Vec<_> = case.prompts.iter().map(|p| p.tokens.as_slice()).collect();
    for order in [[0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]] {
        let together = runner.together(&order.map(|index| prompts[index]));
        for (&index, rows) in order.iter().zip(together) {
            if alone[index] != rows {
                return Err(format!(
                    "prompt {index} has other bits in the order {order:?}"
                ));
            }
        }
    }
    Ok(())
}
