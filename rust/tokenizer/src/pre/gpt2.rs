//! GPT-2's words:
//! `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.

use super::glyph::{Glyph, from, run};
use super::space::spaces;
use super::{Step, word_or_gap};

/// Lower-case contractions, words, numbers and other signs, each with the space before it.
pub(super) fn gpt2(rest: &[Glyph]) -> Step {
    if let Some(len) = contraction(rest, |c| c) {
        return Step::Word(len);
    }
    let space = usize::from(rest.first().is_some_and(|g| g.c == ' '));
    let body = from(rest, space);
    for kind in [Glyph::is_letter, Glyph::is_number, Glyph::is_rest] {
        let len = run(body, kind);
        if len > 0 {
            return Step::Word(space + len);
        }
    }
    word_or_gap(spaces(rest))
}

/// Length of an English contraction: `'s 't 'm 'd 're 've 'll`, its letters seen through `fold`.
pub(super) fn contraction(rest: &[Glyph], fold: fn(char) -> char) -> Option<usize> {
    let letter = |place: usize| rest.get(place).map(|g| fold(g.c));
    if letter(0) != Some('\'') {
        return None;
    }
    match (letter(1)?, letter(2)) {
        ('s' | 't' | 'm' | 'd', _) => Some(2),
        ('r' | 'v', Some('e')) | ('l', Some('l')) => Some(3),
        _ => None,
    }
}

/// The letter in lower case if it is ASCII: the patterns list both cases.
pub(super) fn any_case(c: char) -> char {
    c.to_ascii_lowercase()
}
