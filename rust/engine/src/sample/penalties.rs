//! Penalties for tokens that occurred among the last ones, prompt included.

use std::collections::{HashMap, VecDeque};

use super::options::SamplingOptions;

/// A window over the last tokens and what it costs to be in it.
#[derive(Debug, Clone)]
pub struct Penalties {
    repeat: f32,
    frequency: f32,
    presence: f32,
    window: usize,
    recent: VecDeque<u32>,
    counts: HashMap<u32, u32>,
}

impl Penalties {
    /// The penalties of a request; None where they would do nothing.
    pub fn new(options: &SamplingOptions, num_ctx: usize) -> Option<Self> {
        let (repeat, frequency, presence) = (
            options.repeat_penalty,
            options.frequency_penalty,
            options.presence_penalty,
        );
        let window = usize::try_from(options.repeat_last_n).unwrap_or(num_ctx);
        let idle = repeat == 1.0 && frequency == 0.0 && presence == 0.0;
        (window > 0 && !idle).then(|| Self {
            repeat,
            frequency,
            presence,
            window,
            recent: VecDeque::new(),
            counts: HashMap::new(),
        })
    }

    /// Takes one more token into the window.
    pub fn accept(&mut self, token: u32) {
        if self.recent.len() == self.window
            && let Some(old) = self.recent.pop_front()
            && let Some(count) = self.counts.get_mut(&old)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&old);
            }
        }
        self.recent.push_back(token);
        *self.counts.entry(token).or_default() += 1;
    }

    /// Lowers the logits of the tokens in the window; a banned token (-inf) stays banned.
    pub fn apply(&self, logits: &mut [f32]) {
        for (&token, &count) in &self.counts {
            let Some(logit) = logits.get_mut(token as usize) else {
                continue;
            };
            if *logit == f32::NEG_INFINITY {
                continue;
            }
            // Dividing a negative logit would make the token likelier.
            let repeated = if *logit <= 0.0 {
                *logit * self.repeat
            } else {
                *logit / self.repeat
            };
            // Each term is finite, so that none is infinity minus infinity.
            let finite = |x: f32| x.clamp(f32::MIN, f32::MAX);
            let often = finite(count as f32 * self.frequency);
            *logit = finite(finite(repeated) - often - self.presence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn penalties_beyond_all_numbers_leave_a_number() {
        let options = SamplingOptions {
            repeat_penalty: 0.0,
            frequency_penalty: f32::MAX,
            ..SamplingOptions::default()
        };
        let mut penalties = Penalties::new(&options, 16).expect("penalties that do something");
        penalties.accept(0);
        penalties.accept(0);
        let mut logits = [f32::MAX, 1.0];
        penalties.apply(&mut logits);
        assert_eq!(logits, [0.0, 1.0]);
    }
}
