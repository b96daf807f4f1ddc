//! What WordPiece does to characters: bases of accented ones, lower case, controls.

use super::folding_table::{BASE, CONTROLS, LOWER};

/// First composed syllable of Hangul, their number, and how many share a first part.
const HANGUL: (u32, u32, u32) = (0xAC00, 11_172, 588);
/// First of the first parts.
const HANGUL_LEAD: u32 = 0x1100;

/// Control, format, surrogate and private use characters; those not assigned are none.
pub(crate) fn is_control(c: char) -> bool {
    let code = c as u32;
    let place = CONTROLS.partition_point(|&(_, last)| last < code);
    CONTROLS.get(place).is_some_and(|&(first, _)| first <= code)
}

/// The first character of the canonical decomposition.
pub(crate) fn base(c: char) -> char {
    let (first, count, per_lead) = HANGUL;
    let syllable = (c as u32).wrapping_sub(first);
    if syllable < count {
        return char::from_u32(HANGUL_LEAD + syllable / per_lead).unwrap_or(c);
    }
    changed(BASE, c)
}

/// The first character of the lower case.
pub(crate) fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    changed(LOWER, c)
}

fn changed(runs: &[(u32, u32, u32, i32)], c: char) -> char {
    let code = c as u32;
    let place = runs.partition_point(|&(_, last, ..)| last < code);
    let run = runs.get(place).filter(|(first, _, step, _)| {
        code.checked_sub(*first)
            .is_some_and(|offset| offset.is_multiple_of(*step))
    });
    let other = run.and_then(|run| code.checked_add_signed(run.3));
    other.and_then(char::from_u32).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases() {
        let of = |text: &str| text.chars().map(base).collect::<String>();
        assert_eq!(of("Zwölf Ångström"), "Zwolf Angstrom");
        assert_eq!(of("ǖ"), "u");
        assert_eq!(of("한힣"), "\u{1112}\u{1112}");
        assert_eq!(of("語a\u{301}"), "語a\u{301}");
    }

    #[test]
    fn lower_case() {
        let of = |text: &str| text.chars().map(lower).collect::<String>();
        assert_eq!(of("ABC ÀŽ ΣЖ ß"), "abc àž σж ß");
        assert_eq!(of("İ"), "i");
        assert_eq!(of("ĀāĂ"), "āāă");
    }

    #[test]
    fn controls() {
        assert!(is_control('\0') && is_control('\u{200B}') && is_control('\u{E000}'));
        assert!(!is_control('a') && !is_control('\u{378}') && !is_control('\u{10FFFF}'));
    }

    #[test]
    fn runs_ascend() {
        for table in [LOWER, BASE] {
            assert!(table.windows(2).all(|w| w[0].1 < w[1].1));
            assert!(table.iter().all(|run| run.0 <= run.1 && run.2 > 0));
        }
    }
}
