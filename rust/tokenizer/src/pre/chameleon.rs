//! Chameleon's rules before GPT-2's: its own tokens, tabs and indents, single punctuation.

use super::glyph::{Glyph, from, run};
use super::{Step, first_of, word_or_gap};

/// The length of `text` if it is next, otherwise 0.
fn literal(rest: &[Glyph], text: &str) -> usize {
    let mut len = 0;
    for c in text.chars() {
        if rest.get(len).is_none_or(|g| g.c != c) {
            return 0;
        }
        len += 1;
    }
    len
}

/// `<sentinel:[0-9]+>`
pub(super) fn sentinel(rest: &[Glyph]) -> Step {
    let start = literal(rest, "<sentinel:");
    let digits = run(from(rest, start), Glyph::is_digit);
    let end = start + digits;
    let matches = start > 0 && digits > 0 && literal(from(rest, end), ">") > 0;
    word_or_gap(if matches { end + 1 } else { 0 })
}

/// `(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z`
pub(super) fn image(rest: &[Glyph]) -> Step {
    let start = literal(rest, "IMGIMG");
    let letters = run(from(rest, start), |g| matches!(g.c, 'A'..='I'));
    let end = start + letters;
    let matches = start > 0 && (1..=4).contains(&letters) && literal(from(rest, end), "Z") > 0;
    word_or_gap(if matches { end + 1 } else { 0 })
}

/// `([\t\n]|    |  )`
pub(super) fn indents(rest: &[Glyph]) -> Step {
    let single = usize::from(rest.first().is_some_and(|g| matches!(g.c, '\t' | '\n')));
    first_of([single, literal(rest, "    "), literal(rest, "  ")])
}

/// `[\p{P}!-/:-@\[-`{-~]`
pub(super) fn punctuation(rest: &[Glyph]) -> Step {
    let is_sign = |g: &Glyph| g.is_punctuation() || g.c.is_ascii_punctuation();
    word_or_gap(usize::from(rest.first().is_some_and(is_sign)))
}
