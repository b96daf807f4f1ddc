//! The architecture zoo: recorded logits of tiny random models (`shared/zoo/README.md`).
//!
//! Skipped where the models (`OLLAMARS_ZOO`, `~/.cache/zoo`) or the recordings (`OLLAMARS_SHARED`)
//! are not there.

mod expected;
mod runner;

use expected::{Case, cases};
use runner::{Cut, Runner};

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

#[test]
fn whole_prompts() {
    each("whole", |case, path| {
        case.check(&mut Runner::open(path, "")?, Cut::Whole)
    });
}

#[test]
fn in_pieces() {
    for piece in [1, 7, 24] {
        each(&format!("pieces of {piece}"), |case, path| {
            case.check(&mut Runner::open(path, "")?, Cut::Pieces(piece))
        });
    }
}

#[test]
fn in_tensors() {
    each("tensors", |case, path| {
        case.check(&mut Runner::open(path, "candle-tensors")?, Cut::Pieces(7))
    });
}

#[test]
fn among_others_bit_for_bit() {
    each("among others", |case, path| {
        let mut runner = Runner::open(path, "")?;
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
    });
}
