//! The recordings and the rule by which a case passes.

use std::io::{BufRead, BufReader};

use base64::Engine as _;
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::runner::{Cut, Runner};
use ollamars_engine::batch::Heads;

/// A prompt and the two results that pass: recorded and, for quantized weights, with expanded ones.
pub struct Prompt {
    pub tokens: Vec<u32>,
    value: Value,
}

pub struct Case {
    pub id: String,
    pub arch: String,
    pub prompts: Vec<Prompt>,
    value: Value,
}

/// All cases, none where the recordings are missing.
pub fn cases() -> Vec<Case> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let shared = std::env::var("OLLAMARS_SHARED").unwrap_or(root.to_string());
    let Ok(file) = std::fs::File::open(format!("{shared}/zoo/expected.jsonl.gz")) else {
        return Vec::new();
    };
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    lines
        .map(|line| Case::new(serde_json::from_str(&line.expect("gzip")).expect("JSON")))
        .collect()
}

impl Case {
    fn new(mut value: Value) -> Self {
        let Value::Array(prompts) = value["prompts"].take() else {
            panic!("no prompts");
        };
        let text = |key: &str| value[key].as_str().expect(key).to_string();
        Self {
            id: text("id"),
            arch: text("arch"),
            prompts: prompts.into_iter().map(Prompt::new).collect(),
            value,
        }
    }

    /// Within the tolerance of what was recorded, or of the same with expanded weights. Executors
    /// with a memory of halves have a tolerance of their own.
    pub fn check(&self, runner: &mut Runner, cut: Cut, halves: bool) -> Result<(), String> {
        let tolerance = if halves { "tol_f16" } else { "tol" };
        if self.value["kind"] == "embedding" {
            let mut check = |pooled, tolerance| {
                let tolerance = number(&self.value[tolerance]);
                let mut prompts = self.prompts.iter();
                prompts.try_for_each(|p| p.check_pooled(runner, cut, pooled, tolerance))
            };
            return match check("pooled", tolerance) {
                Err(why) if self.value.get("tol_f32").is_some() => {
                    check("pooled_f32", "tol_f32").map_err(|other| format!("{why}; {other}"))
                }
                checked => checked,
            };
        }
        let recorded = self.check_against(runner, cut, "rows", "greedy", tolerance);
        match recorded {
            Err(why) if self.value.get("tol_f32").is_some() => self
                .check_against(runner, cut, "rows_f32", "greedy_f32", "tol_f32")
                .map_err(|other| format!("{why}; {other}")),
            recorded => recorded,
        }
    }

    fn check_against(
        &self,
        runner: &mut Runner,
        cut: Cut,
        rows: &str,
        greedy: &str,
        tolerance: &str,
    ) -> Result<(), String> {
        let tolerance = number(&self.value[tolerance]);
        for prompt in &self.prompts {
            let got = runner.rows(&prompt.tokens, cut);
            for (position, wanted) in prompt.value[rows].as_object().expect("rows") {
                let position: usize = position.parse().expect("position");
                compare(&floats(wanted), &got[position], tolerance)
                    .map_err(|why| format!("{} tokens, {rows} {position}: {why}", got.len()))?;
            }
            prompt.check_greedy(runner, greedy, tolerance)?;
        }
        Ok(())
    }
}

impl Prompt {
    fn new(value: Value) -> Self {
        let tokens = value["tokens"].as_array().expect("tokens");
        Self {
            tokens: tokens
                .iter()
                .map(|id| id.as_u64().expect("id") as u32)
                .collect(),
            value,
        }
    }

    /// Equal ids up to the first step that is too close to call.
    fn check_greedy(&self, runner: &mut Runner, key: &str, tolerance: f64) -> Result<(), String> {
        let wanted = self.value[key].as_array().expect("greedy");
        let gaps = self.value["gap"].as_array().expect("gap");
        let clear = gaps
            .iter()
            .take_while(|&gap| number(gap) >= 2.0 * tolerance)
            .count();
        let got = runner.greedy(&self.tokens, clear.min(wanted.len()));
        let differs = got
            .iter()
            .zip(wanted)
            .position(|(got, id)| id.as_u64() != Some((*got).into()));
        match differs {
            Some(step) => Err(format!(
                "greedy differs at {step} after {} tokens",
                self.tokens.len()
            )),
            None => Ok(()),
        }
    }

    fn check_pooled(
        &self,
        runner: &mut Runner,
        cut: Cut,
        pooled: &str,
        tolerance: f64,
    ) -> Result<(), String> {
        for (kind, wanted) in self.value[pooled].as_object().expect("pooled") {
            let check = |wanted: &Value, got: &[f32]| {
                let wrong = |why| format!("{kind} of {} tokens: {why}", self.tokens.len());
                compare(&floats(wanted), got, tolerance).map_err(wrong)
            };
            let heads = match kind.as_str() {
                "cls" => Heads::First,
                "last" => Heads::Last,
                "mean" => Heads::All,
                "rank" => {
                    check(wanted, &runner.scores(&self.tokens, cut))?;
                    continue;
                }
                "none" => {
                    for (position, wanted) in wanted.as_object().expect("rows") {
                        let position = position.parse().expect("position");
                        check(wanted, &runner.row(&self.tokens, position))?;
                    }
                    continue;
                }
                other => panic!("pooling {other}"),
            };
            check(wanted, &runner.embedding(&self.tokens, cut, heads))?;
        }
        Ok(())
    }
}

fn compare(wanted: &[f32], got: &[f32], tolerance: f64) -> Result<(), String> {
    assert_eq!(wanted.len(), got.len());
    let pairs = wanted.iter().zip(got);
    let most = pairs
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs())
        .fold(0.0, nan_wins);
    if most <= tolerance {
        Ok(())
    } else {
        Err(format!("differs by {most}, at most {tolerance}"))
    }
}

fn nan_wins(a: f64, b: f64) -> f64 {
    if b.is_nan() { f64::INFINITY } else { a.max(b) }
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn floats(value: &Value) -> Vec<f32> {
    let engine = base64::engine::general_purpose::STANDARD;
    let bytes = engine
        .decode(value.as_str().expect("base64"))
        .expect("base64");
    let (floats, []) = bytes.as_chunks() else {
        panic!("no whole floats");
    };
    floats
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .collect()
}
