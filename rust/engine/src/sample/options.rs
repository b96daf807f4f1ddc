//! How a request wants its tokens drawn, under Ollama's names and with its defaults.

use crate::{Error, Result};

/// Sampling options of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplingOptions {
    /// Divides the logits; 0 or less takes the best token.
    pub temperature: f32,
    /// Candidates kept, best first; 0 or less keeps all.
    pub top_k: i64,
    /// Probability mass kept, best first; 1 or more keeps all.
    pub top_p: f32,
    /// Least probability kept, as a share of the best one's; 0 or less keeps all.
    pub min_p: f32,
    /// Mass kept of the locally typical candidates; 1 or more, or 0 or less, keeps all.
    pub typical_p: f32,
    /// Seed of the draws; -1 takes one from the operating system.
    pub seed: i64,
    /// Divides positive and multiplies negative logits of recent tokens; 1 does nothing.
    pub repeat_penalty: f32,
    /// How many recent tokens are penalised, prompt included; 0 none, below 0 the whole context.
    pub repeat_last_n: i64,
    /// Subtracted from the logit of every recent token.
    pub presence_penalty: f32,
    /// Subtracted once for each time that a recent token occurred.
    pub frequency_penalty: f32,
    /// 0 off, 1 or 2 the version of mirostat.
    pub mirostat: i64,
    /// Mirostat's target surprise, in bits.
    pub mirostat_tau: f32,
    /// Mirostat's learning rate.
    pub mirostat_eta: f32,
    /// Report log-probabilities: of the token and of so many best ones.
    pub logprobs: Option<usize>,
}

impl Default for SamplingOptions {
    fn default() -> Self {
        Self {
            temperature: 0.8,
            top_k: 40,
            top_p: 0.9,
            min_p: 0.0,
            typical_p: 1.0,
            seed: -1,
            repeat_penalty: 1.0,
            repeat_last_n: 64,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            mirostat: 0,
            mirostat_tau: 5.0,
            mirostat_eta: 0.1,
            logprobs: None,
        }
    }
}

impl SamplingOptions {
    /// Refuses numbers that no sampler can work with.
    ///
    /// # Errors
    /// [`Error::Request`] names the option and its value.
    pub fn check(&self) -> Result<()> {
        let floats = [
            ("temperature", self.temperature),
            ("top_p", self.top_p),
            ("min_p", self.min_p),
            ("typical_p", self.typical_p),
            ("repeat_penalty", self.repeat_penalty),
            ("presence_penalty", self.presence_penalty),
            ("frequency_penalty", self.frequency_penalty),
            ("mirostat_tau", self.mirostat_tau),
            ("mirostat_eta", self.mirostat_eta),
        ];
        if let Some((name, value)) = floats.iter().find(|(_, value)| !value.is_finite()) {
            return Err(Error::Request(format!(
                "option {name} must be a finite number, not {value}"
            )));
        }
        if !(0..=2).contains(&self.mirostat) {
            return Err(Error::Request(format!(
                "option mirostat must be 0, 1 or 2, not {}",
                self.mirostat
            )));
        }
        Ok(())
    }
}
