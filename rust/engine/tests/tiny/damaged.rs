//! Files that cannot be run are refused with the name of what is wrong; none makes a panic.

use candle_core::Device;
use ollamars_engine::batch::{Batch, Heads};
use ollamars_engine::exec::Exec;
use ollamars_engine::exec::candle::{CandleExec, Route};
use ollamars_engine::{Result, arch, decoder};
use ollamars_gguf::Value;

use super::file::{self, File};
use super::{CONTEXT, LIMITS, table, tokens};

fn load(file: &File) -> Result<CandleExec> {
    let gguf = file.gguf();
    let program = decoder::record(&arch::read(&gguf, CONTEXT)?);
    CandleExec::new(program, &gguf, &Device::Cpu, Route::Cpu, LIMITS)
}

/// What is said of a case after a change.
fn error(case: &str, change: impl FnOnce(&mut File)) -> String {
    let mut file = file::case(case);
    change(&mut file);
    load(&file).map(|_| ()).expect_err("an error").to_string()
}

fn with(case: &str, key: &str, value: impl Into<Value>) -> String {
    error(case, |file| file.set(key, value.into()))
}

#[test]
fn metadata() {
    let unknown = error("llama", |file| file.metadata[0].1 = "lama".into());
    assert_eq!(unknown, "unknown model architecture: 'lama'");
    let missing = error("llama", |file| {
        let key = file.key("embedding_length");
        file.metadata.retain(|(known, _)| *known != key);
    });
    assert!(missing.contains("llama.embedding_length"), "{missing}");
    for (case, key, value, text) in [
        (
            "llama",
            "attention.head_count",
            0_u32,
            "llama.attention.head_count: is 0",
        ),
        (
            "llama",
            "attention.head_count_kv",
            3,
            "llama.attention.head_count_kv: 3 KV heads do not divide 4 heads",
        ),
        (
            "llama",
            "rope.dimension_count",
            7,
            "llama.rope.dimension_count: 7 of 14 values of a head",
        ),
        (
            "llama",
            "rope.dimension_count",
            16,
            "llama.rope.dimension_count: 16 of 14 values of a head",
        ),
        (
            "llama-moe",
            "expert_used_count",
            6,
            "llama.expert_used_count: 6 of 5 experts",
        ),
        (
            "gemma3",
            "attention.sliding_window_pattern",
            0,
            "gemma3.attention.sliding_window_pattern: is 0",
        ),
    ] {
        assert_eq!(with(case, key, value), format!("model metadata {text}"));
    }
    let epsilon = "attention.layer_norm_rms_epsilon";
    for (value, why) in [(f32::NAN, "NaN is not finite"), (-1.0, "is negative")] {
        let wanted = format!("model metadata llama.{epsilon}: {why}");
        assert_eq!(with("llama", epsilon, value), wanted);
    }
    let scaling = with("llama", "rope.scaling.type", "spiral");
    assert_eq!(
        scaling,
        "model metadata llama.rope.scaling.type: 'spiral' is unknown"
    );
}

#[test]
fn tensors() {
    let missing = error("llama", |file| {
        file.tensors
            .retain(|tensor| tensor.name != "blk.1.attn_k.weight");
    });
    assert_eq!(missing, "tensor blk.1.attn_k.weight: missing");
    let layers = with("llama", "block_count", 4_000_000_000_u32);
    assert_eq!(layers, "tensor blk.2.attn_norm.weight: missing");
    let shape = error("llama", |file| {
        file.tensor("output.weight").dims = vec![50, 40]
    });
    assert_eq!(
        shape,
        "tensor output.weight: its shape is [50, 40], the architecture asks for [40, 50]"
    );
    let vector = error("llama", |file| {
        file.tensor("token_embd.weight").dims = vec![2000]
    });
    assert_eq!(vector, "tensor token_embd.weight: [2000] is no matrix");
    let factors = error("llama", |file| {
        file.random("rope_freqs.weight", &[5], 0.0, 0.0)
    });
    assert_eq!(
        factors,
        "tensor rope_freqs.weight: a factor is 0 or not finite"
    );
}

/// Whatever one value says, there is an answer.
#[test]
fn any_value_has_an_answer() {
    let values = || {
        let numbers = [0, 1, 2, 3, 255, u32::MAX].map(Value::from).into_iter();
        let floats = [0.0_f32, -1.0, 1e-30, 1e30, f32::NAN, f32::INFINITY].map(Value::from);
        numbers
            .chain(floats)
            .chain([Value::from("yarn"), Value::from(u64::MAX)])
    };
    for (case, file) in file::cases() {
        for place in 0..file.metadata.len() {
            for value in values() {
                let mut file = file.clone();
                file.metadata[place].1 = value;
                let mut batch = Batch::default();
                batch.push(0, &tokens(3, 0), &table(0), Heads::Last);
                drop(load(&file).and_then(|mut exec| exec.run(&batch)));
            }
        }
        for place in 0..file.tensors.len() {
            let mut without = file.clone();
            let gone = without.tensors.remove(place).name;
            match load(&without) {
                // A bias may be missing, and the head may be the embedding.
                Ok(_) => assert!(gone.ends_with(".bias") || gone == "output.weight", "{gone}"),
                // Without the fused matrix those apart are looked for.
                Err(error) => {
                    let named = gone.replace("attn_qkv", "attn_q");
                    assert!(error.to_string().contains(&named), "{case}: {error}");
                }
            }
        }
    }
}
