//! White space: the last alternatives of nearly every pattern.

use super::glyph::{Glyph, from, run};

/// `\s+(?!\S)|\s+`: all white space, but for the last one if something follows two or more.
pub(super) fn spaces(rest: &[Glyph]) -> usize {
    let len = run(rest, Glyph::is_white);
    let followed = len < rest.len();
    if followed && len > 1 { len - 1 } else { len }
}

/// `\s*[\r\n]+|\s+(?!\S)|\s+`: as [`spaces`], but up to the last line end if there is one.
pub(super) fn lines_or_spaces(rest: &[Glyph]) -> usize {
    let white = run(rest, Glyph::is_white);
    let space = rest.get(..white).unwrap_or_default();
    match space.iter().rposition(|g| g.is_line_end()) {
        Some(last) => last + 1,
        None => spaces(rest),
    }
}

/// Spaces in powers of two, the largest first, of which none may end before something that is not
/// white: `\s{512}(?!\S)|…|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}`, after line ends.
pub(super) fn lines_or_halved_spaces(rest: &[Glyph]) -> usize {
    let white = run(rest, Glyph::is_white);
    let space = rest.get(..white).unwrap_or_default();
    if let Some(last) = space.iter().rposition(|g| g.is_line_end()) {
        return last + 1;
    }
    let usable = if white < rest.len() {
        white.saturating_sub(1)
    } else {
        white
    };
    let sizes = [512, 256, 128, 64, 32, 16, 8, 4, 2];
    sizes
        .into_iter()
        .find(|&size| size <= usable)
        .unwrap_or(white.min(1))
}

/// ` ?X+` where `X` is a kind: the length with the space, 0 if there is none of the kind.
pub(super) fn spaced(
    rest: &[Glyph],
    is_space: fn(Glyph) -> bool,
    kind: fn(Glyph) -> bool,
) -> usize {
    let space = usize::from(rest.first().is_some_and(|&g| is_space(g)));
    match run(from(rest, space), kind) {
        0 => 0,
        len => space + len,
    }
}

/// Exactly U+0020.
pub(super) fn is_blank(g: Glyph) -> bool {
    g.c == ' '
}
