//! Text as characters that know their class.

use crate::unicode::{Class, Classes};

/// A character and its class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glyph {
    pub(crate) c: char,
    pub(crate) class: Class,
}

impl Glyph {
    pub(crate) fn is_white(self) -> bool {
        self.class == Class::White
    }

    pub(crate) fn is_letter(self) -> bool {
        self.class == Class::Letter
    }

    pub(crate) fn is_number(self) -> bool {
        self.class == Class::Number
    }

    pub(crate) fn is_mark(self) -> bool {
        self.class == Class::Mark
    }

    pub(crate) fn is_punctuation(self) -> bool {
        self.class == Class::Punctuation
    }

    /// `[\p{P}\p{S}]`
    pub(crate) fn is_sign(self) -> bool {
        matches!(self.class, Class::Punctuation | Class::Symbol)
    }

    /// `[^\s\p{L}\p{N}]`
    pub(crate) fn is_rest(self) -> bool {
        !matches!(self.class, Class::White | Class::Letter | Class::Number)
    }

    pub(crate) fn is_digit(self) -> bool {
        self.c.is_ascii_digit()
    }

    pub(crate) fn is_line_end(self) -> bool {
        matches!(self.c, '\r' | '\n')
    }
}

/// The glyphs of a text.
pub(crate) fn glyphs(text: &str) -> Vec<Glyph> {
    let classes = Classes::get();
    let mut glyphs = Vec::with_capacity(text.len());
    glyphs.extend(text.chars().map(|c| Glyph {
        c,
        class: classes.of(c),
    }));
    glyphs
}

/// How many glyphs at the start are of a kind.
pub(crate) fn run(glyphs: &[Glyph], kind: impl Fn(Glyph) -> bool) -> usize {
    glyphs.iter().take_while(|&&g| kind(g)).count()
}

/// The glyphs from `place` on; none past the end.
pub(crate) fn from(glyphs: &[Glyph], place: usize) -> &[Glyph] {
    glyphs.get(place..).unwrap_or_default()
}
