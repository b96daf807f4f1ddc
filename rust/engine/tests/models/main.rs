//! Real small models against recorded results (`shared/models/README.md`): log-probabilities, greedy
//! ids and perplexity of llama.cpp with weights expanded to `f32`.
//!
//! Skipped where the models (`OLLAMARS_TEST_MODELS`) or the recordings (`OLLAMARS_SHARED`) are not
//! there.

use std::path::{Path, PathBuf};

use ollamars_engine::batch::{BLOCK, Batch, Heads};
use ollamars_engine::exec::{Exec, Limits, PREFILL_CHUNK};
use ollamars_engine::model::Model;
use serde_json::Value;

const CONTEXT: usize = 512;

/// Steps whose best two log-probabilities are closer than this are not compared.
const CLEAR: f64 = 0.1;

struct Runner {
    model: Model,
    exec: Box<dyn Exec>,
    batch: Batch,
}

impl Runner {
    fn open(path: &Path) -> Self {
        let model = Model::open(path).expect("a model");
        let limits = Limits {
            max_rows: PREFILL_CHUNK,
            kv_blocks: CONTEXT / BLOCK,
            threads: 0,
        };
        Self {
            exec: model.load("", CONTEXT, limits).expect("an executor"),
            model,
            batch: Batch::default(),
        }
    }

    /// Log-probabilities after the last of `tokens`, or after each.
    fn log_probs(&mut self, start: usize, tokens: &[u32], heads: Heads) -> Vec<Vec<f64>> {
        let blocks: Vec<u32> = (0..CONTEXT as u32 / BLOCK as u32).collect();
        let mut rows = Vec::new();
        for (index, chunk) in tokens.chunks(PREFILL_CHUNK).enumerate() {
            self.batch.clear();
            self.batch
                .push(start + index * PREFILL_CHUNK, chunk, &blocks, heads);
            self.exec.run(&self.batch).expect("a step");
            for index in 0..self.batch.head_rows.len() {
                let mut logits = vec![0.0; self.model.n_vocab()];
                self.exec.logits(index, &mut logits).expect("logits");
                rows.push(log_softmax(&logits));
            }
        }
        rows
    }

    fn last(&mut self, start: usize, tokens: &[u32]) -> Vec<f64> {
        self.log_probs(start, tokens, Heads::Last)
            .pop()
            .expect("a row")
    }
}

fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let most = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let shifted = logits.iter().map(|&x| f64::from(x - most));
    let total = shifted.clone().map(f64::exp).sum::<f64>().ln();
    shifted.map(|x| x - total).collect()
}

fn best(row: &[f64]) -> u32 {
    (0..row.len()).fold(0, |a, b| if row[b] > row[a] { b } else { a }) as u32
}

fn shared() -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    std::env::var("OLLAMARS_SHARED")
        .unwrap_or(root.to_string())
        .into()
}

/// The recordings of a model, and the model.
fn find(name: &str) -> Option<(Value, Runner)> {
    let text = std::fs::read_to_string(shared().join("models/expected.json")).ok()?;
    let mut all: Value = serde_json::from_str(&text).expect("JSON");
    let expected = all["models"][name].take();
    let home = std::env::var("HOME").unwrap_or_default();
    let folder = std::env::var("OLLAMARS_TEST_MODELS");
    let folder = folder.unwrap_or(format!("{home}/.cache/ollamars-test-models"));
    let path = Path::new(&folder).join(expected["file"].as_str().expect("file"));
    path.exists().then(|| (expected, Runner::open(&path)))
}

fn ids(value: &Value) -> Vec<u32> {
    let ids = value.as_array().expect("ids").iter();
    ids.map(|id| id.as_u64().expect("id") as u32).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn check_cases(name: &str) {
    let Some((expected, mut runner)) = find(name) else {
        return;
    };
    let (mut sum, mut count) = (0.0, 0);
    for case in expected["cases"].as_array().expect("cases") {
        let (prompt, exact) = (ids(&case["prompt_ids"]), &case["exact"]);
        let mut row = runner.last(0, &prompt);
        for top in exact["top20"].as_array().expect("top20") {
            let difference = (row[top[0].as_u64().expect("id") as usize] - number(&top[1])).abs();
            assert!(
                difference <= 0.05,
                "{}: {top} differs by {difference}",
                case["prompt"]
            );
            sum += difference;
            count += 1;
        }
        let gaps = exact["gap"].as_array().expect("gap");
        let clear = gaps.iter().take_while(|gap| number(gap) >= CLEAR).count();
        for (step, &id) in ids(&exact["ids"]).iter().enumerate().take(clear) {
            assert_eq!(best(&row), id, "{}: step {step}", case["prompt"]);
            row = runner.last(prompt.len() + step, &[id]);
        }
    }
    let mean = sum / f64::from(count);
    println!("{name}: log-probabilities differ by {mean:.5} on average");
    assert!(mean <= 0.01, "mean {mean}");
}

/// Second halves of windows of 256 tokens.
fn check_perplexity(name: &str) {
    const WINDOW: usize = 256;
    let Some((expected, mut runner)) = find(name) else {
        return;
    };
    let text = std::fs::read(shared().join("models/eval_text.txt")).expect("eval_text.txt");
    let tokenizer = runner.model.tokenizer().clone();
    let tokens = tokenizer.encode(&text, false, true);
    let (mut sum, mut count) = (0.0, 0);
    for window in tokens.chunks_exact(WINDOW) {
        let mut input = window.to_vec();
        if tokenizer.add_bos() {
            input[0] = tokenizer
                .special_ids()
                .get(ollamars_tokenizer::Special::Bos)
                .expect("BOS");
        }
        let rows = runner.log_probs(0, &input, Heads::All);
        let half = WINDOW / 2..WINDOW - 1;
        sum -= half
            .clone()
            .map(|at| rows[at][window[at + 1] as usize])
            .sum::<f64>();
        count += half.len();
    }
    let got = (sum / count as f64).exp();
    let wanted = number(&expected["perplexity"]["exact"]["ppl"]);
    println!("{name}: perplexity {got:.5}, recorded {wanted:.5}");
    assert!((got / wanted - 1.0).abs() <= 0.001, "{got}, not {wanted}");
}

#[test]
fn smollm2() {
    check_cases("smollm2");
}

#[test]
fn smollm2_perplexity() {
    check_perplexity("smollm2");
}

#[test]
fn gemma3_270m() {
    check_cases("gemma3-270m");
}

#[test]
fn gemma3_270m_perplexity() {
    check_perplexity("gemma3-270m");
}
