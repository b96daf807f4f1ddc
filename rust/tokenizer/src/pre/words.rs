//! The family of GPT-4's words, which Llama 3 and Qwen 2 brought to open models.
//!
//! `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|`
//! `\s*[\r\n]+|\s+(?!\S)|\s+`; the members differ in the fields of [`Words`].

use super::glyph::{Glyph, from, run};
use super::gpt2::{any_case, contraction};
use super::space::{lines_or_halved_spaces, lines_or_spaces};
use super::{Step, first_of};

/// What a member of the family does.
struct Words {
    /// English contractions are words.
    contractions: bool,
    /// Most digits in a word.
    digits: usize,
    /// Combining marks belong to words as letters do.
    marks: bool,
    /// Line ends after signs belong to them.
    line_ends: bool,
    /// The last alternatives.
    spaces: fn(&[Glyph]) -> usize,
}

const LLAMA3: Words = Words {
    contractions: true,
    digits: 3,
    marks: false,
    line_ends: true,
    spaces: lines_or_spaces,
};

impl Words {
    fn is_letter(&self, g: Glyph) -> bool {
        g.is_letter() || (self.marks && g.is_mark())
    }

    fn step(&self, rest: &[Glyph]) -> Step {
        if let Some(len) = self.contraction(rest) {
            return Step::Word(len);
        }
        let numbers = run(
            rest.get(..rest.len().min(self.digits)).unwrap_or(rest),
            Glyph::is_number,
        );
        first_of([
            self.letters(rest),
            numbers,
            self.signs(rest),
            (self.spaces)(rest),
        ])
    }

    fn contraction(&self, rest: &[Glyph]) -> Option<usize> {
        self.contractions
            .then(|| contraction(rest, any_case))
            .flatten()
    }

    /// `[^\r\n\p{L}\p{N}]?\p{L}+`
    fn letters(&self, rest: &[Glyph]) -> usize {
        let Some(&first) = rest.first() else {
            return 0;
        };
        if first.is_line_end() || first.is_number() {
            return 0;
        }
        let after = run(from(rest, 1), |g| self.is_letter(g));
        if after > 0 || self.is_letter(first) {
            1 + after
        } else {
            0
        }
    }

    /// ` ?[^\s\p{L}\p{N}]+[\r\n]*`
    fn signs(&self, rest: &[Glyph]) -> usize {
        let space = usize::from(rest.first().is_some_and(|g| g.c == ' '));
        let signs = run(from(rest, space), |g| g.is_rest() && !self.is_letter(g));
        if signs == 0 {
            return 0;
        }
        let len = space + signs;
        if self.line_ends {
            len + run(from(rest, len), Glyph::is_line_end)
        } else {
            len
        }
    }
}

/// Llama 3: numbers by three digits.
pub(super) fn llama3(rest: &[Glyph]) -> Step {
    LLAMA3.step(rest)
}

/// Jais 2: Llama 3 with white space in powers of two.
pub(super) fn jais2(rest: &[Glyph]) -> Step {
    const JAIS2: Words = Words {
        spaces: lines_or_halved_spaces,
        ..LLAMA3
    };
    JAIS2.step(rest)
}

/// Qwen 2: single digits.
pub(super) fn qwen2(rest: &[Glyph]) -> Step {
    const QWEN2: Words = Words {
        digits: 1,
        ..LLAMA3
    };
    QWEN2.step(rest)
}

/// Qwen 3.5: Qwen 2 with combining marks in words.
pub(super) fn qwen35(rest: &[Glyph]) -> Step {
    const QWEN35: Words = Words {
        digits: 1,
        marks: true,
        ..LLAMA3
    };
    QWEN35.step(rest)
}

/// Ufakzeka: Qwen 2 without English contractions.
pub(super) fn ufakzeka(rest: &[Glyph]) -> Step {
    const UFAKZEKA: Words = Words {
        digits: 1,
        contractions: false,
        ..LLAMA3
    };
    UFAKZEKA.step(rest)
}

/// Seed-Coder: Qwen 2 without line ends after signs.
pub(super) fn seed_coder(rest: &[Glyph]) -> Step {
    const SEED_CODER: Words = Words {
        digits: 1,
        line_ends: false,
        ..LLAMA3
    };
    SEED_CODER.step(rest)
}

/// MiniCPM 5: Llama 3 after numbers were cut by three.
pub(super) fn minicpm5(rest: &[Glyph]) -> Step {
    const MINICPM5: Words = Words {
        digits: usize::MAX,
        ..LLAMA3
    };
    MINICPM5.step(rest)
}
