//! EXAONE MoE's words, which may hold several words with single spaces between them.

use super::glyph::{Glyph, from, run};
use super::gpt2::{any_case, contraction};
use super::space::{is_blank, lines_or_spaces, spaced};
use super::{Step, first_of};

/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}|`
/// ` ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+`
pub(super) fn exaone_moe(rest: &[Glyph]) -> Step {
    let number = usize::from(rest.first().is_some_and(|g| g.is_number()));
    let mut signs = spaced(rest, is_blank, Glyph::is_rest);
    if signs > 0 {
        let after = rest.get(signs);
        signs += usize::from(after.is_some_and(|g| g.is_line_end() || g.c == '/'));
    }
    first_of([
        contraction(rest, any_case).unwrap_or(0),
        phrase(rest),
        number,
        signs,
        lines_or_spaces(rest),
    ])
}

/// Letters with their marks, single spaces between them, and one sign before them.
fn phrase(rest: &[Glyph]) -> usize {
    let is_letter = |place: usize| rest.get(place).is_some_and(|g| g.is_letter());
    let Some(&first) = rest.first() else {
        return 0;
    };
    if first.is_line_end() || first.is_number() {
        return 0;
    }
    let mut len = usize::from(!first.is_letter());
    if !is_letter(len) {
        return 0;
    }
    loop {
        len += run(from(rest, len), |g| g.is_letter() || g.is_mark());
        let space = rest.get(len).is_some_and(|g| g.c == ' ');
        if !space || !is_letter(len + 1) {
            return len;
        }
        len += 1;
    }
}
