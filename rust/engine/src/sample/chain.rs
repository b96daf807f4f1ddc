//! The chain of one request, and its state.

use ollamars_grammar::Mask;

use crate::{Error, Result};

use super::candidates::Candidates;
use super::filters::{min_p, temperature, top_p, typical};
use super::logprobs::LogProbs;
use super::mirostat::Mirostat;
use super::options::SamplingOptions;
use super::penalties::Penalties;
use super::rng::Rng;

/// A drawn token.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// Its id.
    pub id: u32,
    /// Its natural log-probability over the whole vocabulary of raw logits, if asked for.
    pub logprob: Option<f32>,
    /// The best tokens with theirs, if asked for.
    pub top: Vec<(u32, f32)>,
}

/// A filter and its number.
type Filter = (fn(&mut Candidates, f32), f32);

/// How the token is taken from the candidates.
#[derive(Debug, Clone)]
enum Draw {
    /// The best one.
    Best,
    /// At random.
    Random,
    /// At random, with a cut that learns.
    Mirostat(Mirostat),
}

/// Draws the tokens of one sequence.
#[derive(Debug, Clone)]
pub struct Sampler {
    banned: Vec<u32>,
    penalties: Option<Penalties>,
    top_k: Option<usize>,
    filters: Vec<Filter>,
    draw: Draw,
    rng: Rng,
    logprobs: Option<usize>,
    candidates: Candidates,
}

impl Sampler {
    /// Builds the chain of a request in a context of `num_ctx` tokens. `banned` are never drawn.
    ///
    /// # Errors
    /// [`Error::Request`]: an option that no sampler can work with.
    pub fn new(options: &SamplingOptions, num_ctx: usize, banned: &[u32]) -> Result<Self> {
        options.check()?;
        let greedy = options.temperature <= 0.0;
        let mirostat = Mirostat::new(options);
        let cuts = mirostat.is_none();
        let (top_k, filters) = match (cuts, greedy) {
            (true, _) => cutting_filters(options, greedy),
            (false, true) => (Some(1), Vec::new()),
            (false, false) => (None, vec![(temperature as _, options.temperature)]),
        };
        let draw = match (greedy, mirostat) {
            (true, _) => Draw::Best,
            (false, Some(mirostat)) => Draw::Mirostat(mirostat),
            (false, None) => Draw::Random,
        };
        Ok(Self {
            banned: banned.to_vec(),
            penalties: Penalties::new(options, num_ctx).filter(|_| cuts),
            top_k,
            filters,
            draw,
            rng: Rng::new(options.seed),
            logprobs: options.logprobs,
            candidates: Candidates::default(),
        })
    }

    /// Takes a token into account that was not drawn here: the prompt's.
    pub fn accept(&mut self, token: u32) {
        if let Some(penalties) = &mut self.penalties {
            penalties.accept(token);
        }
    }

    /// Draws the next token, one of `allowed` if there is such a set; `logits` `[n_vocab]` are used
    /// up.
    ///
    /// # Errors
    /// [`Error::Request`]: NaN or infinite logits, or nothing left to draw from.
    pub fn sample(&mut self, logits: &mut [f32], allowed: Option<&Mask>) -> Result<Sampled> {
        check(logits)?;
        let logprobs = self.logprobs.map(|n| LogProbs::new(logits, n));
        for &token in &self.banned {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = f32::NEG_INFINITY;
            }
        }
        if let Some(penalties) = &self.penalties {
            penalties.apply(logits);
        }
        if let Some(allowed) = allowed {
            allowed.apply(logits);
        }
        let id = self.pick(logits).ok_or_else(no_candidate)?;
        self.accept(id);
        let (logprob, top) = logprobs.map_or((None, Vec::new()), |found| found.of(id));
        Ok(Sampled { id, logprob, top })
    }

    fn pick(&mut self, logits: &[f32]) -> Option<u32> {
        let candidates = &mut self.candidates;
        match self.top_k {
            Some(k) => candidates.fill_top_k(logits, k),
            None => candidates.fill(logits),
        }
        if candidates.best()?.logit == f32::NEG_INFINITY {
            return None;
        }
        for (filter, value) in &self.filters {
            filter(candidates, *value);
        }
        match &mut self.draw {
            Draw::Best => candidates.best().map(|best| best.id),
            Draw::Mirostat(mirostat) => mirostat.draw(candidates, logits.len(), &mut self.rng),
            Draw::Random => {
                candidates.softmax();
                candidates.at(self.rng.uniform()).map(|drawn| drawn.id)
            }
        }
    }
}

/// Top-k and the filters after it. Only a typical cut can change which candidate is the best, so
/// that greedy drawing needs no other.
fn cutting_filters(options: &SamplingOptions, greedy: bool) -> (Option<usize>, Vec<Filter>) {
    let is_typical = options.typical_p > 0.0 && options.typical_p < 1.0;
    if greedy && !is_typical {
        return (Some(1), Vec::new());
    }
    let stages: [(bool, Filter); 4] = [
        (is_typical, (typical, options.typical_p)),
        (options.top_p < 1.0, (top_p, options.top_p)),
        (options.min_p > 0.0, (min_p, options.min_p)),
        (!greedy, (temperature, options.temperature)),
    ];
    let active = stages.into_iter().filter(|(on, _)| *on);
    let top_k = usize::try_from(options.top_k).ok().filter(|&k| k > 0);
    (top_k, active.map(|(_, filter)| filter).collect())
}

/// Refuses what no sampler can work with: NaN and +inf. A model may ban tokens with -inf.
fn check(logits: &[f32]) -> Result<()> {
    let unusable = |logit: &f32| logit.is_nan() || *logit == f32::INFINITY;
    match logits.iter().position(unusable) {
        None => Ok(()),
        Some(token) => Err(Error::Request(format!(
            "the model computed {} as the logit of token {token}",
            logits.get(token).copied().unwrap_or(f32::NAN)
        ))),
    }
}

fn no_candidate() -> Error {
    Error::Request("no token can be drawn: every logit is -inf".to_string())
}
