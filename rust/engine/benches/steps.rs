//! How long a step takes: `cargo bench -p ollamars-engine --bench steps -- MODEL.gguf [EXECUTOR
//! [THREADS]]`.
//!
//! Prints tokens per second of a prompt of 512 tokens (in steps of 128), and of 1 and 8 sequences
//! that decode after a prompt of 128 tokens: the best of some runs.

use std::time::{Duration, Instant};

use ollamars_engine::Result;
use ollamars_engine::batch::{BLOCK, Batch, Heads};
use ollamars_engine::exec::{Exec, Limits, PREFILL_CHUNK};
use ollamars_engine::model::Model;

const CONTEXT: usize = 1024;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let [path, rest @ ..] = arguments.as_slice() else {
        println!("no model given");
        return Ok(());
    };
    let begin = Instant::now();
    let model = Model::open(path)?;
    let argument = |index| rest.get(index).map_or("", String::as_str);
    let limits = Limits {
        max_rows: PREFILL_CHUNK,
        kv_blocks: 8 * CONTEXT / BLOCK,
        threads: argument(1).parse().unwrap_or(0),
    };
    let name = argument(0);
    let mut exec = model.load(name, CONTEXT, limits)?;
    println!(
        "{}, loaded in {:.2} s",
        exec.name(),
        begin.elapsed().as_secs_f64()
    );
    for n_ctx in [128, 512] {
        let time = best(3, || prefill(exec.as_mut(), n_ctx, 0))?;
        println!("prompt of {n_ctx}: {:.0} tokens/s", n_ctx as f64 / time);
    }
    for count in [1, 2, 4, 8] {
        for index in 0..count {
            prefill(exec.as_mut(), 128, index)?;
        }
        let time = best(8, || decode(exec.as_mut(), count, 130))?;
        println!(
            "{count} sequences: {:.1} ms, {:.0} tokens/s",
            time * 1e3,
            count as f64 / time
        );
    }
    Ok(())
}

fn best(runs: usize, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let begin = Instant::now();
        run()?;
        best = best.min(begin.elapsed());
    }
    Ok(best.as_secs_f64())
}

fn table(index: usize) -> Vec<u32> {
    let blocks = CONTEXT / BLOCK;
    (index * blocks..(index + 1) * blocks)
        .map(|block| block as u32)
        .collect()
}

fn prefill(exec: &mut dyn Exec, tokens: usize, index: usize) -> Result<()> {
    let ids: Vec<u32> = (0..tokens)
        .map(|at| (at * 37 % 1000 + 100) as u32)
        .collect();
    let mut batch = Batch::default();
    for (chunk, ids) in ids.chunks(PREFILL_CHUNK).enumerate() {
        let last = (chunk + 1) * PREFILL_CHUNK >= tokens;
        let heads = if last { Heads::Last } else { Heads::None };
        batch.clear();
        batch.push(chunk * PREFILL_CHUNK, ids, &table(index), heads);
        exec.run(&batch)?;
    }
    Ok(())
}

fn decode(exec: &mut dyn Exec, count: usize, start: usize) -> Result<()> {
    let mut batch = Batch::default();
    for index in 0..count {
        batch.push(start, &[500 + index as u32], &table(index), Heads::Last);
    }
    exec.run(&batch)
}
