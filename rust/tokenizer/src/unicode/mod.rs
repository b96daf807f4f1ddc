//! Character classes of Unicode as pre-tokenizers see them.

mod folding;
mod folding_table;
mod table;

use std::sync::LazyLock;

pub(crate) use folding::{base, is_control, lower};
use table::RUNS;

/// The class of a code point: white space first, then the major general category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Class {
    /// Unassigned, control, format, private use.
    Other,
    /// `\s`: the property White_Space.
    White,
    /// `\p{L}`.
    Letter,
    /// `\p{N}`.
    Number,
    /// `\p{M}`.
    Mark,
    /// `\p{P}`.
    Punctuation,
    /// `\p{S}`.
    Symbol,
}

/// The class of every code point, one byte each.
static CLASSES: LazyLock<Vec<Class>> = LazyLock::new(|| {
    let mut classes = Vec::with_capacity(char::MAX as usize + 1);
    for (place, &(_, class)) in RUNS.iter().enumerate() {
        let end = RUNS
            .get(place + 1)
            .map_or(char::MAX as u32 + 1, |run| run.0);
        classes.resize(end as usize, class);
    }
    classes
});

/// A view of [`CLASSES`] that is fetched once per text.
#[derive(Clone, Copy)]
pub(crate) struct Classes(&'static [Class]);

impl Classes {
    pub(crate) fn get() -> Self {
        Self(&CLASSES)
    }

    pub(crate) fn of(self, c: char) -> Class {
        self.0.get(c as usize).copied().unwrap_or(Class::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_ascend_and_cover_everything() {
        assert_eq!(RUNS[0].0, 0);
        assert!(RUNS.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 != w[1].1));
        assert_eq!(CLASSES.len(), 0x11_0000);
    }

    #[test]
    fn known_characters() {
        let of = |c| Classes::get().of(c);
        assert_eq!(of('a'), Class::Letter);
        assert_eq!(of('語'), Class::Letter);
        assert_eq!(of('\u{2EBF0}'), Class::Letter, "new in Unicode 15.1");
        assert_eq!(of('\u{1C89}'), Class::Other, "new in Unicode 16");
        assert_eq!(of('٣'), Class::Number);
        assert_eq!(of('½'), Class::Number);
        assert_eq!(of('\u{301}'), Class::Mark);
        assert_eq!(of('~'), Class::Symbol);
        assert_eq!(of('_'), Class::Punctuation);
        assert_eq!(of('\u{85}'), Class::White);
        assert_eq!(of('\u{3000}'), Class::White);
        assert_eq!(of('\u{200B}'), Class::Other);
        assert_eq!(of(char::MAX), Class::Other);
    }
}
