//! Log-probabilities over the whole vocabulary, before any filter.

use super::candidates::Candidates;

/// `ln(sum(exp(logits)))`, without overflow.
pub fn log_sum_exp(logits: &[f32]) -> f64 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|l| f64::from((l - max).exp())).sum();
    f64::from(max) + sum.ln()
}

/// The log-probabilities of one step, kept until its token is known.
#[derive(Debug, Clone)]
pub(super) struct LogProbs {
    logits: Vec<f32>,
    normalizer: f64,
    top: Vec<(u32, f32)>,
}

impl LogProbs {
    /// Reads raw logits and finds the `n` best tokens.
    pub(super) fn new(logits: &[f32], n: usize) -> Self {
        let normalizer = log_sum_exp(logits);
        let top = match n {
            0 => Vec::new(),
            n => {
                let mut best = Candidates::default();
                best.fill_top_k(logits, n);
                let natural = |logit: f32| (f64::from(logit) - normalizer) as f32;
                best.items()
                    .iter()
                    .map(|c| (c.id, natural(c.logit)))
                    .collect()
            }
        };
        Self {
            logits: logits.to_vec(),
            normalizer,
            top,
        }
    }

    /// The log-probability of `token`, and the best tokens with theirs.
    pub(super) fn of(self, token: u32) -> (Option<f32>, Vec<(u32, f32)>) {
        let logit = self.logits.get(token as usize);
        let logprob = logit.map(|&logit| (f64::from(logit) - self.normalizer) as f32);
        (logprob, self.top)
    }
}
