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

/// What an executor is compared with, and how near it must come.
struct Bounds {
    /// The recording.
    result: &'static str,
    /// Of each log-probability.
    most: f64,
    /// On average.
    mean: f64,
    /// Steps whose best two log-probabilities are closer than this are not compared.
    clear: f64,
    /// Share of the perplexity.
    perplexity: f64,
}

/// For activations that are not rounded.
const EXACT: Bounds = Bounds {
    result: "exact",
    most: 0.05,
    mean: 0.01,
    clear: 0.1,
    perplexity: 0.001,
};

/// For activations of 8 bits.
const REFERENCE: Bounds = Bounds {
    result: "reference",
    most: 1.25,
    mean: 0.2,
    clear: 1.0,
    perplexity: 0.015,
};

const EXECUTORS: [(&str, Bounds); 2] = [("candle", EXACT), ("cpu", REFERENCE)];

struct Runner {
    model: Model,
    exec: Box<dyn Exec>,
    batch: Batch,
}

impl Runner {
    fn open(path: &Path, executor: &str) -> Self {
        let model = Model::open(path).expect("a model");
        let limits = Limits {
            max_rows: PREFILL_CHUNK,
            kv_blocks: CONTEXT / BLOCK,
            threads: 0,
        };
        Self {
            exec: model.load(executor, CONTEXT, limits).expect("an executor"),
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
fn find(name: &str, executor: &str) -> Option<(Value, Runner)> {
    let text = std::fs::read_to_string(shared().join("models/expected.json")).ok()?;
    let mut all: Value = serde_json::from_str(&text).expect("JSON");
    let expected = all["models"][name].take();
    let home = std::env::var("HOME").unwrap_or_default();
    let folder = std::env::var("OLLAMARS_TEST_MODELS");
    let folder = folder.unwrap_or(format!("{home}/.cache/ollamars-test-models"));
    let path = Path::new(&folder).join(expected["file"].as_str().expect("file"));
    path.exists()
        .then(|| (expected, Runner::open(&path, executor)))
}

fn ids(value: &Value) -> Vec<u32> {
    let ids = value.as_array().expect("ids").iter();
    ids.map(|id| id.as_u64().expect("id") as u32).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn check_cases(name: &str) {
    for (executor, bounds) in EXECUTORS {
        check_cases_with(name, executor, &bounds);
    }
}

fn check_cases_with(name: &str, executor: &str, bounds: &Bounds) {
    let Some((expected, mut runner)) = find(name, executor) else {
        return;
    };
    let (mut sum, mut count, mut most) = (0.0, 0, 0.0);
    for case in expected["cases"].as_array().expect("cases") {
        let (prompt, wanted) = (ids(&case["prompt_ids"]), &case[bounds.result]);
        let mut row = runner.last(0, &prompt);
        for top in wanted["top20"].as_array().expect("top20") {
            let difference = (row[top[0].as_u64().expect("id") as usize] - number(&top[1])).abs();
            assert!(
                difference <= bounds.most,
                "{executor}: {}: {top} differs by {difference}",
                case["prompt"]
            );
            most = difference.max(most);
            sum += difference;
            count += 1;
        }
        let prompt_len = prompt.len();
        let gaps = wanted["gap"].as_array().expect("gap");
        let is_clear = |gap: &&Value| number(gap) >= bounds.clear;
        let clear = gaps.iter().take_while(is_clear).count();
        for (step, &id) in ids(&wanted["ids"]).iter().enumerate().take(clear) {
            let prompt = &case["prompt"];
            assert_eq!(best(&row), id, "{executor}: {prompt}: step {step}");
            row = runner.last(prompt_len + step, &[id]);
        }
    }
    let mean = sum / f64::from(count);
    println!(
        "{name}, {executor}: log-probabilities differ by {mean:.5} on average, {most:.3} at most"
    );
    assert!(mean <= bounds.mean, "{executor}: mean {mean}");
}

fn check_perplexity(name: &str) {
    for (executor, bounds) in EXECUTORS {
        check_perplexity_with(name, executor, &bounds);
    }
}

/// Second halves of windows of 256 tokens.
fn check_perplexity_with(name: &str, executor: &str, bounds: &Bounds) {
    const WINDOW: usize = 256;
    let Some((expected, mut runner)) = find(name, executor) else {
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
    let wanted = number(&expected["perplexity"][bounds.result]["ppl"]);
    println!("{name}, {executor}: perplexity {got:.5}, recorded {wanted:.5}");
    let off = (got / wanted - 1.0).abs();
    assert!(off <= bounds.perplexity, "{executor}: {got}, not {wanted}");
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
