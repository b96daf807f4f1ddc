//! Tiny random models of every architecture: what a step computes, in which bits, and what is said
//! of files that cannot be run.

mod damaged;
mod encoders;
mod file;
mod opening;
mod reference;

use candle_core::Device;
use file::{File, N_VOCAB};
use ollamars_engine::batch::{BLOCK, Batch, Heads};
use ollamars_engine::exec::candle::{CandleExec, Route};
use ollamars_engine::exec::cpu::{CpuExec, Options};
use ollamars_engine::exec::{Exec, Limits};
use ollamars_engine::program::Output;
use ollamars_engine::{Result, arch, decoder};
use ollamars_gguf::{GgmlType, Gguf};
use ollamars_kernels::{KvType, Level};
use reference::Reference;

const CONTEXT: usize = 96;
const LIMITS: Limits = Limits {
    max_rows: 256,
    kv_blocks: 8 * CONTEXT / BLOCK,
    threads: 2,
};

/// Which executor runs a case.
#[derive(Debug, Clone, Copy)]
enum Executor {
    Candle(Route),
    Cpu(Level, KvType),
}

/// The executors that keep a row's bits.
fn executors() -> [Executor; 4] {
    [
        Executor::Candle(Route::Cpu),
        Executor::Cpu(Level::SCALAR, KvType::F32),
        Executor::Cpu(Level::best(), KvType::F32),
        Executor::Cpu(Level::best(), KvType::F16),
    ]
}

fn exec(gguf: &Gguf, executor: Executor) -> Result<Box<dyn Exec>> {
    exec_within(gguf, executor, LIMITS)
}

fn exec_within(gguf: &Gguf, executor: Executor, limits: Limits) -> Result<Box<dyn Exec>> {
    let program = decoder::record(&arch::read(gguf, CONTEXT)?);
    Ok(match executor {
        Executor::Candle(route) => {
            Box::new(CandleExec::new(program, gguf, &Device::Cpu, route, limits)?)
        }
        Executor::Cpu(level, kv) => {
            Box::new(CpuExec::new(program, gguf, Options { level, kv }, limits)?)
        }
    })
}

fn tokens(count: usize, seed: usize) -> Vec<u32> {
    (0..count)
        .map(|at| ((at * 17 + seed * 5 + at * at) % N_VOCAB) as u32)
        .collect()
}

/// Blocks of sequence `index`, of `count`: neither in order nor side by side.
fn table(index: usize) -> Vec<u32> {
    let blocks = CONTEXT / BLOCK;
    (0..blocks)
        .rev()
        .map(|block| (block * 8 + index) as u32)
        .collect()
}

fn run(exec: &mut dyn Exec, batch: &Batch, width: usize) -> Vec<Vec<f32>> {
    exec.run(batch).expect("a step");
    let row = |index| {
        let mut row = vec![0.0; width];
        exec.logits(index, &mut row).expect("a row");
        row
    };
    (0..batch.head_rows.len()).map(row).collect()
}

/// Logits of all positions of one sequence, in pieces.
fn in_pieces(exec: &mut dyn Exec, tokens: &[u32], piece: usize) -> Vec<Vec<f32>> {
    let mut rows = Vec::new();
    for tokens in tokens.chunks(piece) {
        let mut batch = Batch::default();
        batch.push(rows.len(), tokens, &table(0), Heads::All);
        rows.extend(run(exec, &batch, N_VOCAB));
    }
    rows
}

fn most_different(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn as_the_reference_says() {
    for (name, file) in file::cases() {
        let gguf = file.gguf();
        let spec = arch::read(&gguf, CONTEXT).expect("a spec");
        let tokens = tokens(70, 1);
        let wanted = Reference {
            gguf: &gguf,
            spec: &spec,
        }
        .logits(&tokens);
        let wanted: Vec<Vec<f32>> = wanted
            .iter()
            .map(|row| row.iter().map(|&x| x as f32).collect())
            .collect();
        let tensors = Executor::Candle(Route::Tensors);
        for executor in executors().into_iter().chain([tensors]) {
            let mut exec = exec(&gguf, executor).expect("an executor");
            let got = in_pieces(exec.as_mut(), &tokens, 33);
            let most = most_different(&wanted, &got);
            let halves = matches!(executor, Executor::Cpu(_, KvType::F16));
            let tolerance = if halves { 2e-2 } else { 2e-4 };
            assert!(most < tolerance, "{name}, {executor:?}: {most}");
        }
    }
}

/// The bits of a row depend neither on how its prompt is cut nor on the rest of the batch.
#[test]
fn a_row_has_its_bits() {
    for (name, file) in file::cases() {
        for executor in executors() {
            let mut exec = exec(&file.gguf(), executor).expect("an executor");
            check_bits(&format!("{name}, {executor:?}"), exec.as_mut());
        }
    }
}

fn check_bits(name: &str, exec: &mut dyn Exec) {
    let prompts: Vec<Vec<u32>> = (0..8).map(|n| tokens(20 + 9 * n, n)).collect();
    let alone: Vec<_> = prompts
        .iter()
        .map(|p| in_pieces(exec, p, p.len()))
        .collect();
    for piece in [1, 7, 24] {
        assert!(
            in_pieces(exec, &prompts[7], piece) == alone[7],
            "{name}, {piece}"
        );
    }
    for order in [[0, 1, 2, 3, 4, 5, 6, 7], [6, 2, 7, 0, 5, 3, 1, 4]] {
        let mut rows = vec![Vec::new(); 8];
        for step in 1.. {
            let mut batch = Batch::default();
            let mut takes = Vec::new();
            for index in order {
                let rest = &prompts[index][rows[index].len()..];
                let take = rest.len().min(if step > 2 { 1 } else { 3 * index + step });
                if take > 0 {
                    let start = rows[index].len();
                    batch.push(start, &rest[..take], &table(index), Heads::All);
                    takes.push((index, take));
                }
            }
            if takes.is_empty() {
                break;
            }
            let mut out = run(exec, &batch, N_VOCAB).into_iter();
            for (index, take) in takes {
                rows[index].extend(out.by_ref().take(take));
            }
        }
        assert!(rows == alone, "{name}, {order:?}");
    }
}

#[test]
fn parts_of_a_prompt_need_no_head() {
    let (gguf, tokens) = (file::case("gemma3").gguf(), tokens(50, 3));
    for executor in executors() {
        let mut exec = exec(&gguf, executor).expect("an executor");
        let exec = exec.as_mut();
        let whole = in_pieces(exec, &tokens, 50);
        let mut batch = Batch::default();
        batch.push(0, &tokens[..41], &table(0), Heads::None);
        assert!(run(exec, &batch, N_VOCAB).is_empty());
        batch.clear();
        batch.push(41, &tokens[41..], &table(0), Heads::Last);
        assert_eq!(run(exec, &batch, N_VOCAB), [whole[49].clone()]);
    }
}

#[test]
fn hidden_states_and_scores() {
    let plain = file::case("qwen3");
    let mut ranking = plain.clone();
    ranking.matrix("cls.output", &[file::N_EMBD, 3]);
    let mut results = Vec::new();
    for executor in executors() {
        let mut batch = Batch::default();
        batch.push(0, &tokens(5, 0), &table(0), Heads::Last);
        batch.output = Output::Scores;
        let error = exec(&plain.gguf(), executor).and_then(|mut exec| exec.run(&batch));
        assert_eq!(
            error.map_err(|e| e.to_string()),
            Err("this model has no output of the kind Scores".to_string())
        );
        let mut exec = exec(&ranking.gguf(), executor).expect("an executor");
        let mut rows = run(exec.as_mut(), &batch, 3);
        batch.output = Output::Hidden;
        rows.extend(run(exec.as_mut(), &batch, file::N_EMBD));
        results.push(rows);
    }
    for other in &results[1..] {
        assert!(most_different(&results[0], other) < 1e-2);
    }
}

#[test]
fn a_step_beyond_the_limits_is_refused() {
    let gguf = file::case("llama").gguf();
    for executor in executors() {
        let mut exec = exec(&gguf, executor).expect("an executor");
        let mut refuse = |start: usize, tokens: &[u32], blocks: &[u32]| {
            let mut batch = Batch::default();
            batch.push(start, tokens, blocks, Heads::Last);
            exec.run(&batch).map_err(|error| error.to_string())
        };
        let error = |text: &str| Err(text.to_string());
        assert_eq!(refuse(0, &[], &[0]), error("0 rows, at most 256"));
        assert_eq!(
            refuse(0, &[50], &[0]),
            error("token 50 is outside the vocabulary of 50 tokens")
        );
        assert_eq!(refuse(0, &[1], &[24]), error("block 24 of 24"));
        assert_eq!(refuse(0, &[1], &[23]), Ok(()));
    }
}

/// Memory of the past that is not used is not there.
#[test]
#[cfg(target_os = "linux")]
fn reserved_memory_costs_nothing() {
    let gguf = file::case("llama").gguf();
    // The second time allocations are of a size that the system's allocator would use again.
    for (kv_blocks, size) in [(1 << 16, 400 << 20), (1 << 13, 50 << 20)] {
        let limits = Limits {
            kv_blocks,
            ..LIMITS
        };
        for executor in executors() {
            let before = resident();
            let exec = exec_within(&gguf, executor, limits).expect("an executor");
            let grown = resident() - before;
            assert!(exec.memory() > size, "{} bytes", exec.memory());
            assert!(grown < 64 << 20, "{executor:?}: {grown} bytes are there");
        }
    }
}

#[cfg(target_os = "linux")]
fn resident() -> i64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages: i64 = text
        .split(' ')
        .nth(1)
        .expect("pages")
        .parse()
        .expect("a number");
    pages * 4096
}

/// Weights of a block type are the numbers that its blocks expand to.
#[test]
fn weights_of_block_types() {
    for ty in [
        GgmlType::Q8_0,
        GgmlType::Q4_0,
        GgmlType::F16,
        GgmlType::BF16,
    ] {
        let (mut packed, mut expanded) = (block_weights(), block_weights());
        for (packed, expanded) in packed.tensors.iter_mut().zip(&mut expanded.tensors) {
            pack(packed, expanded, ty);
        }
        let tokens = tokens(20, 2);
        let mut rows = [packed, expanded].map(|file| {
            let candle = Executor::Candle(Route::Cpu);
            let mut exec = exec(&file.gguf(), candle).expect("an executor");
            in_pieces(exec.as_mut(), &tokens, 20)
        });
        let [packed, expanded] = &mut rows;
        assert!(packed == expanded, "{ty}");
    }
}

/// The cpu executor multiplies blocks with activations of 8 bits, and expands what it has no kernels
/// for: near to candle, which expands all. All levels have the same bits.
#[test]
fn blocks_are_multiplied_as_they_are() {
    for ty in [
        GgmlType::Q8_0,
        GgmlType::Q4_0,
        GgmlType::IQ4_NL,
        GgmlType::F16,
        GgmlType::BF16,
    ] {
        let mut packed = block_weights();
        for tensor in &mut packed.tensors {
            pack(tensor, &mut tensor.clone(), ty);
        }
        let (gguf, tokens) = (packed.gguf(), tokens(20, 2));
        let rows = |executor| {
            let mut exec = exec(&gguf, executor).expect("an executor");
            in_pieces(exec.as_mut(), &tokens, 20)
        };
        let expanded = rows(Executor::Candle(Route::Cpu));
        let scalar = rows(Executor::Cpu(Level::SCALAR, KvType::F32));
        let most = most_different(&expanded, &scalar);
        let largest = expanded.iter().flatten().fold(0f32, |m, v| m.max(v.abs()));
        assert!(most < 0.03 * largest, "{ty}: {most} of {largest}");
        for level in Level::available() {
            let other = rows(Executor::Cpu(level, KvType::F32));
            assert!(other == scalar, "{ty}, {level}");
        }
    }
}

/// A model whose attention takes whole blocks: rows of 64.
fn block_weights() -> File {
    let mut file = file::case("llama");
    file.tensors.retain(|tensor| !tensor.name.contains("ffn"));
    file.set("feed_forward_length", 64_u32.into());
    for layer in 0..2 {
        file.random(
            &format!("blk.{layer}.ffn_norm.weight"),
            &[file::N_EMBD],
            0.3,
            1.0,
        );
        file.matrix(&format!("blk.{layer}.ffn_gate"), &[file::N_EMBD, 64]);
        file.matrix(&format!("blk.{layer}.ffn_up"), &[file::N_EMBD, 64]);
        file.matrix(&format!("blk.{layer}.ffn_down"), &[64, file::N_EMBD]);
    }
    file
}

/// Makes blocks of `ty` of the first tensor and their expansion of the second, where rows are whole
/// blocks. The blocks' bytes are those of the floats: any bytes are codes, scales are made small.
fn pack(packed: &mut file::Tensor, expanded: &mut file::Tensor, ty: GgmlType) {
    let known = ollamars_quants::BlockType::from_id(ty.id()).expect("a type");
    if packed.dims.len() != 2 || !packed.dims[0].is_multiple_of(known.weights() as u64) {
        return;
    }
    let weights = packed.dims.iter().product::<u64>() as usize;
    let mut blocks = packed.data[..weights / known.weights() * known.bytes()].to_vec();
    let step = if known.weights() == 1 {
        2
    } else {
        known.bytes()
    };
    let scale: &[u8] = if ty == GgmlType::BF16 {
        &[0x00, 0x3d]
    } else {
        &[0x00, 0x20]
    };
    for block in blocks.chunks_exact_mut(step) {
        block[1] = scale[1] | (block[1] & 0x83);
    }
    let mut values = vec![0.0; weights];
    known.dequantize(&blocks, &mut values).expect("blocks");
    packed.ty = ty;
    packed.data = blocks;
    expanded.data = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
}
