//! The smaller rules: single expressions that pre-tokenizers combine.

use super::glyph::{Glyph, from, run};
use super::space::{is_blank, spaced};
use super::{Step, word_or_gap};

/// `\p{N}`
pub(super) fn number(rest: &[Glyph]) -> Step {
    one(rest, Glyph::is_number)
}

/// `\p{N}+`
pub(super) fn numbers(rest: &[Glyph]) -> Step {
    word_or_gap(run(rest, Glyph::is_number))
}

/// `\p{N}{1,3}`
pub(super) fn numbers_by_three(rest: &[Glyph]) -> Step {
    word_or_gap(run(rest, Glyph::is_number).min(3))
}

/// `[0-9][0-9][0-9]`
pub(super) fn three_digits(rest: &[Glyph]) -> Step {
    let first = rest.get(..3);
    match first.is_some_and(|three| three.iter().all(|g| g.is_digit())) {
        true => Step::Word(3),
        false => Step::Gap(1),
    }
}

/// Numbers grouped by three from their right end. The first group takes the text before it along,
/// which Tiny Aya's and AFMoE's expression does not say but the original does.
pub(super) fn numbers_from_the_right(rest: &[Glyph]) -> Step {
    let before = run(rest, |g| !g.is_number());
    match run(from(rest, before), Glyph::is_number) {
        0 => Step::Gap(before),
        len => Step::Word(before + first_group(len)),
    }
}

/// Digits in the first group of a number that is grouped by three from its right end.
fn first_group(digits: usize) -> usize {
    match digits % 3 {
        0 => digits.min(3),
        rest => rest,
    }
}

/// `(?=(\d{3})+(?!\d))`: a cut before every group of three ASCII digits, counted from the right.
/// A word reaches to the next cut.
pub(super) fn cuts_from_the_right(rest: &[Glyph]) -> Step {
    let mut digits = run(rest, Glyph::is_digit);
    if digits > 3 {
        return Step::Word(first_group(digits));
    }
    let mut len = digits;
    loop {
        len += run(from(rest, len), |g| !g.is_digit());
        digits = run(from(rest, len), Glyph::is_digit);
        len += digits % 3;
        if digits == 0 || digits >= 3 {
            return word_or_gap(len);
        }
    }
}

/// `[\r\n]`
pub(super) fn line_end(rest: &[Glyph]) -> Step {
    one(rest, Glyph::is_line_end)
}

/// `[^\n]+|[\n]+`
pub(super) fn newline_runs(rest: &[Glyph]) -> Step {
    let newline = rest.first().is_some_and(|g| g.c == '\n');
    word_or_gap(run(rest, |g| (g.c == '\n') == newline))
}

/// `\s?\p{L}+`
pub(super) fn spaced_letters(rest: &[Glyph]) -> Step {
    word_or_gap(spaced(rest, Glyph::is_white, Glyph::is_letter))
}

/// `\s?\p{P}+`
pub(super) fn spaced_punctuation(rest: &[Glyph]) -> Step {
    word_or_gap(spaced(rest, Glyph::is_white, Glyph::is_punctuation))
}

/// `\s+$`
pub(super) fn trailing_space(rest: &[Glyph]) -> Step {
    match run(rest, Glyph::is_white) {
        0 => Step::Gap(run(rest, |g| !g.is_white())),
        len if len == rest.len() => Step::Word(len),
        len => Step::Gap(len),
    }
}

/// `[\p{P}\$\+<=>\^~\|]+`, the first rule of `default`.
pub(super) fn signs(rest: &[Glyph]) -> Step {
    word_or_gap(run(rest, is_sign))
}

/// The same with the backtick, the first rule of `falcon`.
pub(super) fn signs_and_backtick(rest: &[Glyph]) -> Step {
    word_or_gap(run(rest, |g| is_sign(g) || g.c == '`'))
}

fn is_sign(g: Glyph) -> bool {
    g.is_punctuation() || matches!(g.c, '$' | '+' | '<' | '=' | '>' | '^' | '~' | '|')
}

/// ` ?[^(\s|.,!?…。，、।۔،)]+`: Bloom, Poro, Viking.
pub(super) fn sentence_parts(rest: &[Glyph]) -> Step {
    word_or_gap(spaced(rest, is_blank, |g| {
        let ends = "(|.,!?…。，、।۔،)";
        !g.is_white() && !ends.contains(g.c)
    }))
}

fn one(rest: &[Glyph], kind: fn(Glyph) -> bool) -> Step {
    word_or_gap(usize::from(rest.first().is_some_and(|&g| kind(g))))
}
