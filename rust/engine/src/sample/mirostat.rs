//! Mirostat: keeps the surprise of the text near a target (Basu et al. 2020).

use super::candidates::Candidates;
use super::options::SamplingOptions;
use super::rng::Rng;

/// Candidates that version 1 estimates the Zipf exponent from.
const ZIPF_SAMPLE: usize = 100;

/// Which of the two algorithms cuts the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// A top-k whose k follows from an estimate of the Zipf exponent.
    One,
    /// A cut at the greatest allowed surprise.
    Two,
}

/// The state of one sequence.
#[derive(Debug, Clone)]
pub struct Mirostat {
    version: Version,
    tau: f32,
    eta: f32,
    mu: f32,
}

impl Mirostat {
    /// The mirostat of a request; None where it is off.
    pub fn new(options: &SamplingOptions) -> Option<Self> {
        let version = match options.mirostat {
            1 => Version::One,
            2 => Version::Two,
            _ => return None,
        };
        Some(Self {
            version,
            tau: options.mirostat_tau,
            eta: options.mirostat_eta,
            mu: 2.0 * options.mirostat_tau,
        })
    }

    /// Cuts the candidates, draws one and learns from its surprise. None: no candidates.
    pub fn draw(
        &mut self,
        candidates: &mut Candidates,
        n_vocab: usize,
        rng: &mut Rng,
    ) -> Option<u32> {
        candidates.softmax();
        match self.version {
            Version::One => {
                let k = self.k(candidates.sort_prefix(ZIPF_SAMPLE), n_vocab);
                candidates.keep_best(k);
            }
            Version::Two => candidates.retain(|c| -c.p.log2() <= self.mu),
        }
        candidates.softmax();
        let drawn = candidates.at(rng.uniform())?;
        self.mu -= self.eta * (-drawn.p.log2() - self.tau);
        Some(drawn.id)
    }

    /// Version 1: how many candidates give a surprise of `mu`, from the slope of the best ones.
    fn k(&self, best: &[super::Candidate], n_vocab: usize) -> usize {
        let (mut dot, mut square) = (0.0_f32, 0.0_f32);
        for (i, pair) in best.windows(2).enumerate() {
            let (p, next) = (pair[0].p, pair[1].p);
            if next <= 0.0 {
                break;
            }
            let t = ((i + 2) as f32 / (i + 1) as f32).ln();
            dot += t * (p / next).ln();
            square += t * t;
        }
        let s = dot / square;
        let epsilon = s - 1.0;
        let k =
            ((epsilon * self.mu.exp2()) / (1.0 - (n_vocab as f32).powf(-epsilon))).powf(1.0 / s);
        // A conversion that saturates: NaN gives 0.
        k as usize
    }
}
