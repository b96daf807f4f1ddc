//! Encoders: every one against the reference, texts among others, and files that lie.

use ollamars_engine::batch::{Batch, Heads};
use ollamars_engine::exec::Exec;
use ollamars_engine::exec::candle::Route;
use ollamars_engine::program::Output;
use ollamars_engine::{arch, decoder};
use ollamars_gguf::{GgmlType, Value};

use crate::file::{File, HEADS, N_EMBD, N_FF, N_VOCAB};
use crate::reference::Reference;
use crate::{CONTEXT, Executor, exec, executors, most_different, run, table, tokens};

/// What the cases differ in.
#[derive(Clone, Copy, Default)]
struct Parts {
    positions: bool,
    biases: bool,
    gate: bool,
    fused_gate: bool,
    experts: bool,
    whole_norms: bool,
    second_norm: bool,
}

/// An encoder whose sums are normed.
fn bert(architecture: &str, parts: Parts) -> File {
    let mut file = File::empty(architecture);
    for (key, size) in [
        ("context_length", CONTEXT),
        ("embedding_length", N_EMBD),
        ("block_count", 2),
        ("feed_forward_length", N_FF),
        ("attention.head_count", HEADS),
    ] {
        file.set(key, Value::from(size as u32));
    }
    file.set("attention.layer_norm_epsilon", Value::from(1e-6_f32));
    file.matrix("token_embd", &[N_EMBD, N_VOCAB]);
    file.matrix("token_types", &[N_EMBD, 2]);
    if parts.positions {
        file.matrix("position_embd", &[N_EMBD, CONTEXT]);
    }
    norm(&mut file, "token_embd_norm");
    if parts.experts {
        file.set("expert_count", Value::from(5_u32));
        file.set("expert_used_count", Value::from(2_u32));
        file.set("moe_every_n_layers", Value::from(2_u32));
    }
    for layer in 0..2 {
        self::layer(&mut file, layer, parts);
    }
    file
}

fn norm(file: &mut File, name: &str) {
    file.norm(name, N_EMBD);
    file.random(&format!("{name}.bias"), &[N_EMBD], 0.2, 0.0);
}

fn layer(file: &mut File, layer: usize, parts: Parts) {
    let name = |part: &str| format!("blk.{layer}.{part}");
    let mut linear = |part: &str, inputs: usize, outputs: usize| {
        file.matrix(&name(part), &[inputs, outputs]);
        if parts.biases {
            file.random(&format!("{}.bias", name(part)), &[outputs], 0.3, 0.0);
        }
    };
    for part in ["attn_q", "attn_k", "attn_v", "attn_output"] {
        linear(part, N_EMBD, N_EMBD);
    }
    if parts.experts && layer == 1 {
        file.matrix(&name("ffn_gate_inp"), &[N_EMBD, 5]);
        file.matrix(&name("ffn_up_exps"), &[N_EMBD, N_FF, 5]);
        file.matrix(&name("ffn_down_exps"), &[N_FF, N_EMBD, 5]);
    } else {
        if parts.gate {
            linear("ffn_gate", N_EMBD, N_FF);
        }
        linear(
            "ffn_up",
            N_EMBD,
            if parts.fused_gate { 2 * N_FF } else { N_FF },
        );
        linear("ffn_down", N_FF, N_EMBD);
    }
    norm(file, &name("attn_output_norm"));
    norm(file, &name("layer_output_norm"));
    if parts.whole_norms {
        norm(file, &name("attn_q_norm"));
        norm(file, &name("attn_k_norm"));
    }
    if parts.second_norm {
        norm(file, &name("attn_norm_2"));
    }
}

/// An encoder with norms before its parts and windows.
fn modern() -> File {
    let parts = Parts {
        fused_gate: true,
        ..Parts::default()
    };
    let mut file = bert("modern-bert", parts);
    file.set("attention.sliding_window", Value::from(10_u32));
    file.set("rope.freq_base_swa", Value::from(500.0_f32));
    file.norm("output_norm", N_EMBD);
    for name in ["blk.1.attn_norm", "blk.0.ffn_norm", "blk.1.ffn_norm"] {
        file.norm(name, N_EMBD);
    }
    file
}

fn cases() -> Vec<(&'static str, File)> {
    let plain = Parts::default();
    let biases = Parts {
        biases: true,
        ..plain
    };
    vec![
        (
            "bert",
            bert(
                "bert",
                Parts {
                    positions: true,
                    ..biases
                },
            ),
        ),
        (
            "nomic-bert",
            bert(
                "nomic-bert",
                Parts {
                    gate: true,
                    ..plain
                },
            ),
        ),
        (
            "nomic-bert-moe",
            bert(
                "nomic-bert-moe",
                Parts {
                    experts: true,
                    ..biases
                },
            ),
        ),
        (
            "jina",
            bert(
                "jina-bert-v2",
                Parts {
                    gate: true,
                    ..biases
                },
            ),
        ),
        (
            "jina-norms",
            bert(
                "jina-bert-v2",
                Parts {
                    fused_gate: true,
                    whole_norms: true,
                    second_norm: true,
                    ..plain
                },
            ),
        ),
        ("modern-bert", modern()),
    ]
}

/// Rows of one kind of output, for a batch whose block tables are there.
fn pass(exec: &mut dyn Exec, texts: &[&[u32]], output: Output, heads: Heads) -> Vec<Vec<f32>> {
    let mut batch = Batch {
        output,
        ..Batch::default()
    };
    for (index, text) in texts.iter().enumerate() {
        batch.push(0, text, &table(index), heads);
    }
    if output == Output::Hidden {
        return run(exec, &batch, N_EMBD);
    }
    exec.run(&batch).expect("a step");
    let row = |index| {
        let mut row = vec![0.0; N_EMBD];
        exec.logits(index, &mut row).expect("a row");
        row
    };
    (0..texts.len()).map(row).collect()
}

#[test]
fn as_the_reference_says() {
    for (name, file) in cases() {
        let gguf = file.gguf();
        let spec = arch::read(&gguf, CONTEXT).expect(name);
        let text = tokens(45, 1);
        let reference = Reference {
            gguf: &gguf,
            spec: &spec,
        };
        let narrow = |row: &Vec<f64>| row.iter().map(|&x| x as f32).collect();
        let wanted: Vec<Vec<f32>> = reference.hidden(&text).iter().map(narrow).collect();
        let tensors = Executor::Candle(Route::Tensors);
        for executor in executors().into_iter().chain([tensors]) {
            let Some(mut exec) = supported(&file, executor) else {
                continue;
            };
            let got = pass(exec.as_mut(), &[&text], Output::Hidden, Heads::All);
            let most = most_different(&wanted, &got);
            let halves = matches!(executor, Executor::Cpu(_, ollamars_kernels::KvType::F16));
            let tolerance = if halves { 2e-2 } else { 2e-4 };
            assert!(most < tolerance, "{name}, {executor:?}: {most}");
        }
    }
}

/// The executor, where it has all ops of the file's model.
fn supported(file: &File, executor: Executor) -> Option<Box<dyn Exec>> {
    let gguf = file.gguf();
    let program = decoder::record(&arch::read(&gguf, CONTEXT).expect("a spec"));
    let lacks = ollamars_engine::exec::cpu::unsupported(&program).is_some();
    if lacks && matches!(executor, Executor::Cpu(..)) {
        return None;
    }
    Some(exec(&gguf, executor).expect("an executor"))
}

#[test]
fn a_text_has_its_bits_and_its_pool() {
    let texts: Vec<Vec<u32>> = (0..6).map(|n| tokens(3 + 8 * n, n)).collect();
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    for (name, file) in cases() {
        for executor in executors() {
            let Some(mut exec) = supported(&file, executor) else {
                continue;
            };
            let exec = exec.as_mut();
            for heads in [Heads::All, Heads::First, Heads::Last] {
                let together = pass(exec, &texts, Output::Embedding, heads);
                for (text, pooled) in texts.iter().zip(together) {
                    let alone = pass(exec, &[text], Output::Embedding, heads);
                    assert_eq!(alone[0], pooled, "{name}, {executor:?}");
                    let rows = pass(exec, &[text], Output::Hidden, heads);
                    let mean = (0..N_EMBD).map(|column| {
                        rows.iter().map(|row| row[column]).sum::<f32>() / rows.len() as f32
                    });
                    assert!(most_different(&[mean.collect()], &[pooled]) < 1e-5);
                }
            }
        }
    }
}

#[test]
fn a_part_of_a_text_is_refused() {
    let (_, file) = cases().remove(0);
    for executor in executors() {
        let mut exec = exec(&file.gguf(), executor).expect("an executor");
        let mut batch = Batch::default();
        batch.push(4, &tokens(3, 0), &table(0), Heads::All);
        batch.output = Output::Embedding;
        let error = exec.run(&batch).map_err(|error| error.to_string());
        let wanted = "a part of a text for a model that reads whole texts";
        assert_eq!(error, Err(wanted.to_string()));
        batch.clear();
        batch.push(0, &tokens(3, 0), &table(0), Heads::All);
        batch.positions[2] = CONTEXT as u32;
        let error = exec.run(&batch).map_err(|error| error.to_string());
        let wanted = format!("position {CONTEXT} of a model with {CONTEXT} positions");
        assert_eq!(error, Err(wanted));
    }
}

/// Every value and tensor that is changed or missing gives a model or an error with its name.
#[test]
fn damaged_files_are_named() {
    for (name, file) in cases() {
        for index in 0..file.tensors.len() {
            let mut damaged = file.clone();
            let tensor = damaged.tensors.remove(index);
            tells(name, &damaged, &tensor.name);
            let mut damaged = file.clone();
            damaged.tensors[index].dims[0] += 1;
            damaged.tensors[index].ty = GgmlType::F32;
            let size = damaged.tensors[index].dims.iter().product::<u64>() as usize;
            damaged.tensors[index].data.resize(size * 4, 0);
            tells(name, &damaged, &tensor.name);
        }
        for index in 1..file.metadata.len() {
            for value in [0_u32, 1, 3, u32::MAX] {
                let mut damaged = file.clone();
                damaged.metadata[index].1 = Value::from(value);
                drop(arch::read(&damaged.gguf(), CONTEXT).map(|spec| decoder::record(&spec)));
            }
        }
    }
}

/// A file is read, or its error names something.
fn tells(name: &str, file: &File, tensor: &str) {
    if let Err(error) = arch::read(&file.gguf(), CONTEXT) {
        let text = error.to_string();
        let stem = tensor.rsplit_once('.').map_or(tensor, |(stem, _)| stem);
        let named = text.contains(stem) || text.contains("tensor") || text.contains("metadata");
        assert!(named, "{name} without {tensor}: {text}");
    }
}
