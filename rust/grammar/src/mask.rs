//! Which tokens may come next.

use llguidance::toktrie::SimpleVob;

/// A set of tokens.
#[derive(Clone)]
pub struct Mask {
    bits: SimpleVob,
}

impl Mask {
    /// No token of a vocabulary of `tokens`.
    pub(crate) fn none(tokens: usize) -> Self {
        let bits = SimpleVob::alloc(tokens);
        Self { bits }
    }

    /// Every token of a vocabulary of `tokens`.
    pub(crate) fn all(tokens: usize) -> Self {
        let bits = SimpleVob::alloc_ones(tokens);
        Self { bits }
    }

    /// Adds or takes out a token.
    pub(crate) fn set(&mut self, token: u32, allowed: bool) {
        if (token as usize) < self.bits.len() {
            self.bits.set(token as usize, allowed);
        }
    }

    /// Whether a token is in the set.
    pub fn allows(&self, token: u32) -> bool {
        (token as usize) < self.bits.len() && self.bits.is_allowed(token)
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.bits.is_zero()
    }

    /// The tokens of the set, ascending.
    pub fn allowed(&self) -> impl Iterator<Item = u32> + '_ {
        self.bits.iter()
    }

    /// Sets the logits of all other tokens to -inf; those beyond the vocabulary, too.
    pub fn apply(&self, logits: &mut [f32]) {
        let words = self.bits.as_slice().iter().copied();
        let mut words = words.chain(std::iter::repeat(0));
        let mut left = self.bits.len();
        for part in logits.chunks_mut(32) {
            let word = words.next().unwrap_or(0);
            let inside = left.min(part.len());
            left -= inside;
            if word == u32::MAX && inside == part.len() {
                continue;
            }
            for (bit, logit) in part.iter_mut().enumerate() {
                if bit >= inside || word >> bit & 1 == 0 {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
    }
}

impl From<SimpleVob> for Mask {
    fn from(bits: SimpleVob) -> Self {
        Self { bits }
    }
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({} of {})", self.bits.num_set(), self.bits.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_of_other_tokens_are_banned() {
        let mut mask = Mask::none(70);
        for token in [0, 33, 69, 70] {
            mask.set(token, true);
        }
        let mut logits = vec![1.0; 75];
        mask.apply(&mut logits);
        let left: Vec<usize> = (0..75).filter(|&i| logits[i] == 1.0).collect();
        assert_eq!(left, [0, 33, 69]);
        assert_eq!(mask.allowed().collect::<Vec<_>>(), [0, 33, 69]);
        assert!(!mask.allows(70) && mask.allows(69));
        let mut logits = vec![1.0; 75];
        Mask::all(70).apply(&mut logits);
        assert!(logits[..70].iter().all(|&l| l == 1.0) && logits[70] == f32::NEG_INFINITY);
    }
}
