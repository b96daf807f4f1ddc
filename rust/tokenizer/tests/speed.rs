//! How fast real vocabularies are; needs them in `OLLAMARS_TEST_MODELS`. Run it with
//! `cargo test --release -p ollamars-tokenizer --test speed -- --ignored --nocapture`.

use std::env;
use std::path::PathBuf;
use std::time::Instant;

use ollamars_tokenizer::Tokenizer;

const PROSE: &str = "It is a truth universally acknowledged, that a single man in possession of a \
good fortune, must be in want of a wife. However little known the feelings or views of such a man \
may be on his first entering a neighbourhood, this truth is so well fixed in the minds of the \
surrounding families. fn main() { let x = vec![1, 22, 333]; println!(\"{x:?}\"); }\n\
Съешь же ещё этих мягких французских булок. 我能吞下玻璃而不伤身体。 😀🎉\n";

#[test]
#[ignore = "a measurement"]
fn speed() {
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    let models = env::var_os("OLLAMARS_TEST_MODELS")
        .map_or_else(|| home.join(".cache/ollamars-test-models"), PathBuf::from);
    let texts = [
        ("prose", varied(1 << 20)),
        ("one letter", "a".repeat(1 << 20)),
        ("spaces", " ".repeat(1 << 20)),
        ("newlines", "\n".repeat(1 << 20)),
    ];
    for name in [
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "gemma-3-270m-q4_k_m.gguf",
        "vocab/ggml-vocab-qwen2.gguf",
        "vocab/ggml-vocab-llama-bpe.gguf",
        "vocab/ggml-vocab-llama-spm.gguf",
        "vocab/ggml-vocab-gemma-4.gguf",
        "vocab/ggml-vocab-deepseek-llm.gguf",
    ] {
        let Ok(tokenizer) = Tokenizer::open(models.join(name)) else {
            println!("{name}: skipped");
            continue;
        };
        for (kind, text) in &texts {
            let start = Instant::now();
            let ids = tokenizer.encode(text.as_bytes(), true, true);
            let seconds = start.elapsed().as_secs_f64();
            let rate = text.len() as f64 / 1e6 / seconds;
            println!("{name}: {kind}: {rate:.1} MB/s, {} tokens", ids.len());
        }
    }
}

/// Prose whose words are not always the same.
fn varied(bytes: usize) -> String {
    let mut text = String::new();
    let mut state = 1u32;
    while text.len() < bytes {
        for word in PROSE.split_inclusive(' ') {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text += word;
            if state >> 28 == 0 {
                text += &format!("{:x} ", state >> 8);
            }
        }
    }
    text
}
