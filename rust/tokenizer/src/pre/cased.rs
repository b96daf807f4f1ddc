//! Words that end where the case changes: Tekken, GPT-4o and their relatives.
//!
//! `[^\r\n\p{L}\p{N}]?U*D+|[^\r\n\p{L}\p{N}]?U+D*|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|`
//! `\s*[\r\n]+|\s+(?!\S)|\s+`, where the original takes every letter but `a-z` for `U` and every
//! letter but `A-Z` for `D`.

use super::glyph::{Glyph, from, run};
use super::gpt2::{any_case, contraction};
use super::scripts::is_han;
use super::space::{is_blank, lines_or_spaces, spaced};
use super::{Step, first_of};

/// What a member of the family does.
struct Cased {
    /// A contraction belongs to the word before it.
    contractions: bool,
    /// Most digits in a word.
    digits: usize,
    /// Combining marks are letters of both cases.
    marks: bool,
    /// ASCII letters have a case.
    case: bool,
    /// Slashes after signs belong to them, as line ends do.
    slashes: bool,
    /// Han characters are no letters: another rule cuts them out.
    han_apart: bool,
}

const GPT4O: Cased = Cased {
    contractions: true,
    digits: 3,
    marks: false,
    case: true,
    slashes: true,
    han_apart: false,
};

impl Cased {
    fn is_letter(&self, g: Glyph) -> bool {
        let letter = g.is_letter() || (self.marks && g.is_mark());
        letter && !(self.han_apart && is_han(g))
    }

    fn is_upper(&self, g: Glyph) -> bool {
        self.is_letter(g) && !(self.case && g.c.is_ascii_lowercase())
    }

    fn is_lower(&self, g: Glyph) -> bool {
        self.is_letter(g) && !(self.case && g.c.is_ascii_uppercase())
    }

    fn step(&self, rest: &[Glyph]) -> Step {
        let numbers = run(
            rest.get(..rest.len().min(self.digits)).unwrap_or(rest),
            Glyph::is_number,
        );
        first_of([
            self.word(rest),
            numbers,
            self.signs(rest),
            lines_or_spaces(rest),
        ])
    }

    /// A word with the sign before it and the contraction after it, 0 if there is none.
    fn word(&self, rest: &[Glyph]) -> usize {
        let Some(&first) = rest.first() else {
            return 0;
        };
        let prefix = usize::from(!(first.is_line_end() || first.is_letter() || first.is_number()));
        // With marks as letters the prefix may itself be one: then it can also be the word.
        let prefixes = [prefix, 0];
        let forms: [fn(&Self, &[Glyph]) -> usize; 2] = [Self::ends_lower, Self::starts_upper];
        let len = forms.iter().find_map(|form| {
            prefixes.into_iter().find_map(|prefix| {
                let len = form(self, from(rest, prefix));
                (len > 0).then_some(prefix + len)
            })
        });
        let Some(len) = len else {
            return 0;
        };
        let suffix = self
            .contractions
            .then(|| contraction(from(rest, len), any_case));
        len + suffix.flatten().unwrap_or(0)
    }

    /// `U*D+`. Where lower case does not follow the upper case at once, `U*` gives back letters
    /// until one that is of both cases can be the `D`.
    fn ends_lower(&self, rest: &[Glyph]) -> usize {
        let upper = run(rest, |g| self.is_upper(g));
        let lower = run(from(rest, upper), |g| self.is_lower(g));
        if lower > 0 {
            return upper + lower;
        }
        let uppers = rest.get(..upper).unwrap_or_default();
        uppers
            .iter()
            .rposition(|&g| self.is_lower(g))
            .map_or(0, |last| last + 1)
    }

    /// `U+D*` where `U*D+` does not match: no lower case follows.
    fn starts_upper(&self, rest: &[Glyph]) -> usize {
        run(rest, |g| self.is_upper(g))
    }

    /// ` ?[^\s\p{L}\p{N}]+[\r\n/]*`
    fn signs(&self, rest: &[Glyph]) -> usize {
        match spaced(rest, is_blank, Glyph::is_rest) {
            0 => 0,
            len => {
                let belongs = |g: Glyph| g.is_line_end() || (self.slashes && g.c == '/');
                len + run(from(rest, len), belongs)
            }
        }
    }
}

/// Tekken (Mistral): single digits, no contractions.
pub(super) fn tekken(rest: &[Glyph]) -> Step {
    const TEKKEN: Cased = Cased {
        contractions: false,
        digits: 1,
        ..GPT4O
    };
    TEKKEN.step(rest)
}

/// GPT-4o.
pub(super) fn gpt4o(rest: &[Glyph]) -> Step {
    GPT4O.step(rest)
}

/// Granite's multilingual embeddings: GPT-4o with combining marks in words.
pub(super) fn granite_embedding(rest: &[Glyph]) -> Step {
    const GRANITE: Cased = Cased {
        marks: true,
        ..GPT4O
    };
    GRANITE.step(rest)
}

/// Tiny Aya: words do not end where the case changes.
pub(super) fn tiny_aya(rest: &[Glyph]) -> Step {
    const TINY_AYA: Cased = Cased {
        marks: true,
        case: false,
        ..GPT4O
    };
    TINY_AYA.step(rest)
}

/// Youtu: the same with single digits.
pub(super) fn youtu(rest: &[Glyph]) -> Step {
    const YOUTU: Cased = Cased {
        digits: 1,
        marks: true,
        case: false,
        ..GPT4O
    };
    YOUTU.step(rest)
}

/// Kimi K2: Han characters together, other words without regard to case.
pub(super) fn kimi_k2(rest: &[Glyph]) -> Step {
    const KIMI_K2: Cased = Cased {
        case: false,
        slashes: false,
        han_apart: true,
        ..GPT4O
    };
    match run(rest, is_han) {
        0 => KIMI_K2.step(rest),
        han => Step::Word(han),
    }
}
