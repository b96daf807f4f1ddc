//! Unigram: the cut of a text whose tokens are likeliest together.
//!
//! Kudo, Subword Regularization, 2018; SentencePiece's normalization comes first ([`Normalizer`]).

use crate::attr::{NORMAL, UNUSED, USER_DEFINED};
use crate::normalizer::Normalizer;
use crate::prefixes::Prefixes;
use crate::texts::Texts;

/// How much less likely than the least likely token an unknown character is.
const UNKNOWN_PENALTY: f64 = 10.0;

/// The scores of a vocabulary.
pub(crate) struct Ugm {
    /// By id; those of user-defined tokens are 0.
    scores: Vec<f64>,
    tokens: Prefixes,
    unknown: u32,
    unknown_score: f64,
    normalizer: Normalizer,
}

/// The best way to a place in the text.
#[derive(Clone, Copy)]
struct Best {
    token: u32,
    /// Where the token begins.
    start: u32,
    score: f64,
}

impl Ugm {
    /// Scores and attributes are by id. Characters without a token become `unknown`.
    pub(crate) fn new(
        texts: &Texts,
        attrs: &[u32],
        scores: &[f32],
        unknown: u32,
        normalizer: Normalizer,
    ) -> Self {
        let is = |id: u32, bits: u32| attrs.get(id as usize).is_some_and(|attr| attr & bits != 0);
        let scored = |(id, &score): (u32, &f32)| {
            if is(id, USER_DEFINED) {
                0.0
            } else {
                f64::from(score)
            }
        };
        let normal = (0u32..).zip(scores).filter(|(id, _)| is(*id, NORMAL));
        let least = normal.map(|(_, &score)| f64::from(score));
        let sought = (0..texts.len()).filter(|&id| is(id, NORMAL | USER_DEFINED | UNUSED));
        Self {
            scores: (0u32..).zip(scores).map(scored).collect(),
            tokens: Prefixes::new(texts, sought),
            unknown,
            unknown_score: least.fold(f64::from(f32::MAX), f64::min) - UNKNOWN_PENALTY,
            normalizer,
        }
    }

    /// Appends the tokens of a text.
    pub(crate) fn encode(&self, texts: &Texts, text: &str, out: &mut Vec<u32>) {
        let text = self.normalizer.normalize(text);
        let best = self.best(texts, &text);
        let first = out.len();
        let mut place = text.len();
        let mut after_unknown = false;
        while place > 0 {
            let Some(&Best { token, start, .. }) = best.get(place) else {
                break;
            };
            let unknown = token == self.unknown;
            if !(unknown && after_unknown) {
                out.push(token);
            }
            after_unknown = unknown;
            place = start as usize;
        }
        out.get_mut(first..).unwrap_or_default().reverse();
    }

    /// The best way to each place of the text, its end included.
    fn best(&self, texts: &Texts, text: &[u8]) -> Vec<Best> {
        let nowhere = Best {
            token: self.unknown,
            start: 0,
            score: f64::from(f32::MIN) * f64::from(f32::MAX),
        };
        let mut best = vec![nowhere; text.len() + 1];
        if let Some(start) = best.first_mut() {
            start.score = 0.0;
        }
        let mut start = 0;
        while start < text.len() {
            let rest = text.get(start..).unwrap_or_default();
            let length = character_len(rest);
            let from = best.get(start).map_or(0.0, |best| best.score);
            let mut offer = |length: usize, token: u32, score: f64| {
                let score = from + score;
                if let Some(place) = best.get_mut(start + length).filter(|b| score > b.score) {
                    let start = start as u32;
                    *place = Best {
                        token,
                        start,
                        score,
                    };
                }
            };
            let mut whole = false;
            self.tokens.each(texts, rest, |id, found| {
                whole |= found == length;
                offer(
                    found,
                    id,
                    self.scores.get(id as usize).copied().unwrap_or(0.0),
                );
            });
            if !whole {
                offer(length, self.unknown, self.unknown_score);
            }
            start += length;
        }
        best
    }
}

/// Bytes of the first character.
fn character_len(text: &[u8]) -> usize {
    let length = match text.first() {
        Some(0xF0..) => 4,
        Some(0xE0..) => 3,
        Some(0xC0..) => 2,
        _ => 1,
    };
    length.min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str) -> Vec<u32> {
        let tokens = [
            ("?", 0.0),
            ("▁a", -1.0),
            ("b", -2.0),
            ("▁ab", -4.0),
            ("▁", -3.0),
            ("a", -5.0),
        ];
        let mut texts = Texts::default();
        tokens
            .iter()
            .for_each(|(text, _)| assert!(texts.intern(text.as_bytes()) < 6));
        let scores = tokens.map(|(_, score)| score);
        let ugm = Ugm::new(
            &texts,
            &[1, 4, 4, 4, 4, 4],
            &scores,
            0,
            Normalizer::default(),
        );
        let mut out = Vec::new();
        ugm.encode(&texts, text, &mut out);
        out
    }

    #[test]
    fn likeliest_together() {
        assert_eq!(encode("ab a"), [1, 2, 1]);
        assert_eq!(encode("aba"), [1, 2, 5]);
    }

    #[test]
    fn unknown_neighbours_are_one() {
        assert_eq!(encode("xyb語語"), [4, 0, 2, 0]);
        assert!(encode("").is_empty());
    }
}
