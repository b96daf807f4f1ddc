//! Scripts that rules single out, as ranges of characters.

use super::glyph::{Glyph, run};
use super::{Step, word_or_gap};

/// Han characters as Kimi K2 counts them.
pub(super) fn is_han(g: Glyph) -> bool {
    matches!(g.c,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2A6DF}'
        | '\u{2A700}'..='\u{2B73F}' | '\u{2B740}'..='\u{2B81F}' | '\u{2B820}'..='\u{2CEAF}'
        | '\u{2CEB0}'..='\u{2EBEF}' | '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}')
}

/// AFMoE: scripts without spaces between words. U+8C48 to U+FAFF is what its expression says.
pub(super) fn afmoe(rest: &[Glyph]) -> Step {
    let belongs = |g: Glyph| {
        matches!(g.c,
            '\u{E40}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1100}'..='\u{11FF}'
            | '\u{1780}'..='\u{17FF}' | '\u{2F00}'..='\u{2FDF}' | '\u{3040}'..='\u{30FF}'
            | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{FAFF}' | '\u{FF65}'..='\u{FF9F}')
    };
    word_or_gap(run(rest, belongs))
}

/// Youtu: Hangul, East Asian punctuation, Bopomofo, Han with kana.
pub(super) fn youtu(rest: &[Glyph]) -> Step {
    let kinds: [fn(Glyph) -> bool; 4] = [
        |g| matches!(g.c, '\u{AC00}'..='\u{D7A3}' | '\u{3131}'..='\u{318E}'),
        |g| {
            matches!(g.c, '！' | '…' | '“' | '”' | '‘' | '’' | '—' | '：' | '；' | '，'
                | '\u{3001}'..='\u{303F}' | '\u{FE30}'..='\u{FE4F}')
        },
        |g| matches!(g.c, '\u{3105}'..='\u{312F}'),
        |g| matches!(g.c, '\u{4E00}'..='\u{9FA5}' | '\u{3040}'..='\u{30FF}'),
    ];
    let lens = kinds.into_iter().map(|kind| run(rest, kind));
    word_or_gap(lens.max().unwrap_or(0))
}
