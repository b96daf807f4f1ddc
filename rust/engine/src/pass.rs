//! A causal pass over a whole text that wants every position's logits: no sampling, one answer.

use crossbeam_channel::Sender;

use crate::sample::log_sum_exp;
use crate::{Error, Result};

/// What is kept of each position's logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collect {
    /// All of them: `[positions, n_vocab]`.
    Logits,
    /// The log-probability of the token that follows: `[positions - 1]`.
    LogProbs,
}

/// The state of one pass.
#[derive(Debug)]
pub struct Pass {
    collect: Collect,
    out: Vec<f32>,
    reply: Sender<Result<Vec<f32>>>,
}

impl Pass {
    /// A pass over `positions` tokens that answers through `reply`.
    ///
    /// # Errors
    /// [`Error::Request`]: there is no memory for the answer.
    pub fn new(
        collect: Collect,
        positions: usize,
        n_vocab: usize,
        reply: Sender<Result<Vec<f32>>>,
    ) -> Result<Self> {
        let size = match collect {
            Collect::Logits => positions.saturating_mul(n_vocab),
            Collect::LogProbs => positions,
        };
        let mut out = Vec::new();
        out.try_reserve_exact(size).map_err(|_| {
            Error::Request(format!(
                "no memory for {size} numbers of {positions} positions"
            ))
        })?;
        Ok(Self {
            collect,
            out,
            reply,
        })
    }

    /// Takes the logits of one position; `next` is the token after it.
    pub fn push(&mut self, logits: &[f32], next: Option<u32>) {
        match self.collect {
            Collect::Logits => self.out.extend_from_slice(logits),
            Collect::LogProbs => {
                let logit = next.and_then(|token| logits.get(token as usize));
                let natural = |&logit: &f32| (f64::from(logit) - log_sum_exp(logits)) as f32;
                self.out.extend(logit.map(natural));
            }
        }
    }

    /// Answers. Nobody waiting is no error.
    pub fn finish(self, failed: Option<Error>) {
        let answer = failed.map_or(Ok(self.out), Err);
        drop(self.reply.send(answer));
    }
}
