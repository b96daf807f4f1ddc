//! WordPiece: words cut into the longest pieces of the vocabulary, from the left.
//!
//! Devlin et al., BERT, 2018; the cleaning of text is llama.cpp b10488's.

use crate::texts::Texts;
use crate::unicode::{Class, Classes, base, is_control, lower};

/// What a piece begins with that begins a word.
const WORD_START: &str = "\u{2581}";

/// What a vocabulary adds to its pieces.
pub(crate) struct Wpm {
    /// Longest token in bytes: no longer text needs to be looked up.
    longest: usize,
    unknown: Option<u32>,
    lowercase: bool,
}

impl Wpm {
    /// A word that cannot be cut into pieces becomes `unknown`, if there is one.
    pub(crate) fn new(texts: &Texts, unknown: Option<u32>, lowercase: bool) -> Self {
        let lengths = (0..texts.len()).map(|id| texts.get(id).len());
        Self {
            longest: lengths.max().unwrap_or(0),
            unknown,
            lowercase,
        }
    }

    /// Appends the tokens of a text.
    pub(crate) fn encode(&self, texts: &Texts, text: &str, out: &mut Vec<u32>) {
        let classes = Classes::get();
        let mut word = String::from(WORD_START);
        for c in text.chars() {
            // Cased models keep accents, as BERT's own tokenizer has it.
            let c = if self.lowercase { base(c) } else { c };
            let class = classes.of(c);
            let accent = self.lowercase && class == Class::Mark;
            if class == Class::White {
                self.end_word(texts, &mut word, out);
            } else if !accent && c != char::REPLACEMENT_CHARACTER && !is_control(c) {
                let alone = stands_alone(c, class);
                if alone {
                    self.end_word(texts, &mut word, out);
                }
                word.push(if self.lowercase { lower(c) } else { c });
                if alone {
                    self.end_word(texts, &mut word, out);
                }
            }
        }
        self.end_word(texts, &mut word, out);
    }

    /// Appends the tokens of a word, and begins the next one.
    fn end_word(&self, texts: &Texts, word: &mut String, out: &mut Vec<u32>) {
        if word.len() > WORD_START.len() {
            let first = out.len();
            if !self.cut(texts, word.as_bytes(), out) {
                out.truncate(first);
                out.extend(self.unknown);
            }
        }
        word.truncate(WORD_START.len());
    }

    /// Appends the pieces of a word; false if a rest has none.
    fn cut(&self, texts: &Texts, word: &[u8], out: &mut Vec<u32>) -> bool {
        let mut rest = word;
        while !rest.is_empty() {
            let longest = rest.len().min(self.longest);
            let piece = (1..=longest).rev().find_map(|length| {
                let id = texts.find(rest.get(..length)?)?;
                Some((id, length))
            });
            let Some((id, length)) = piece else {
                return false;
            };
            out.push(id);
            rest = rest.get(length..).unwrap_or_default();
        }
        true
    }
}

/// Whether a character is a word of its own.
fn stands_alone(c: char, class: Class) -> bool {
    let symbol = c.is_ascii() && class == Class::Symbol;
    class == Class::Punctuation || symbol || is_ideograph(c)
}

/// The blocks of Chinese characters, as BERT has them; the sixth begins later than Unicode's.
fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x4E00..=0x9FFF
        | 0x3400..=0x4DBF
        | 0x2_0000..=0x2_A6DF
        | 0x2_A700..=0x2_B73F
        | 0x2_B740..=0x2_B81F
        | 0x2_B920..=0x2_CEAF
        | 0xF900..=0xFAFF
        | 0x2_F800..=0x2_FA1F
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, lowercase: bool) -> Vec<u32> {
        let mut texts = Texts::default();
        for token in ["?", "▁un", "want", "ed", "▁,", "▁runn", "ing", "▁語", "▁U"] {
            texts.intern(token.as_bytes());
        }
        let mut out = Vec::new();
        Wpm::new(&texts, Some(0), lowercase).encode(&texts, text, &mut out);
        out
    }

    #[test]
    fn longest_pieces_first() {
        assert_eq!(words("UNwanted,running", true), [1, 2, 3, 4, 5, 6]);
        assert_eq!(words(" ünwa\u{200B}nted\t語語 ", true), [1, 2, 3, 7, 7]);
    }

    #[test]
    fn a_word_is_known_or_not() {
        assert_eq!(words("unwantedx running", true), [0, 5, 6]);
        assert_eq!(words("U", false), [8]);
        assert_eq!(words("U\u{301} u\u{301}n", false), [0, 0]);
        assert_eq!(words("u\u{301}n", true), [1]);
        assert_eq!(words("U", true), [0]);
        assert!(words(" \0\u{FFFD}", true).is_empty());
    }
}
