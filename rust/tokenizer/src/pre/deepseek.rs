//! The rules of the DeepSeek pre-tokenizers.

use super::glyph::{Glyph, from, run};
use super::space::{is_blank, lines_or_spaces, spaced, spaces};
use super::{Step, first_of, word_or_gap};

/// The letters of scripts with two cases, as DeepSeek LLM's expression lists them.
#[rustfmt::skip]
const CASED_LETTERS: &[(char, char)] = &[
    ('\u{41}', '\u{5A}'), ('\u{61}', '\u{7A}'), ('\u{B5}', '\u{B5}'), ('\u{C0}', '\u{D6}'),
    ('\u{D8}', '\u{F6}'), ('\u{F8}', '\u{1BA}'), ('\u{1BC}', '\u{1BF}'), ('\u{1C4}', '\u{293}'),
    ('\u{295}', '\u{2AF}'), ('\u{370}', '\u{373}'), ('\u{376}', '\u{377}'), ('\u{37B}', '\u{37D}'),
    ('\u{37F}', '\u{37F}'), ('\u{386}', '\u{386}'), ('\u{388}', '\u{38A}'), ('\u{38C}', '\u{38C}'),
    ('\u{38E}', '\u{3A1}'), ('\u{3A3}', '\u{3F5}'), ('\u{3F7}', '\u{481}'), ('\u{48A}', '\u{52F}'),
    ('\u{531}', '\u{556}'), ('\u{10A0}', '\u{10C5}'), ('\u{13A0}', '\u{13F5}'),
    ('\u{13F8}', '\u{13FD}'), ('\u{1C90}', '\u{1CBA}'), ('\u{1CBD}', '\u{1CBF}'),
    ('\u{1D00}', '\u{1D2B}'), ('\u{1D6B}', '\u{1D77}'), ('\u{1D79}', '\u{1D9A}'),
    ('\u{1E00}', '\u{1F15}'), ('\u{1F18}', '\u{1F1D}'), ('\u{1F20}', '\u{1F45}'),
    ('\u{1F48}', '\u{1F4D}'), ('\u{1F50}', '\u{1F57}'), ('\u{1F59}', '\u{1F59}'),
    ('\u{1F5B}', '\u{1F5B}'), ('\u{1F5D}', '\u{1F5D}'), ('\u{1F5F}', '\u{1F7D}'),
    ('\u{1F80}', '\u{1FB4}'), ('\u{1FB6}', '\u{1FBC}'), ('\u{1FBE}', '\u{1FBE}'),
    ('\u{1FC2}', '\u{1FC4}'), ('\u{1FC6}', '\u{1FCC}'), ('\u{1FD0}', '\u{1FD3}'),
    ('\u{1FD6}', '\u{1FDB}'), ('\u{1FE0}', '\u{1FEC}'), ('\u{1FF2}', '\u{1FF4}'),
    ('\u{1FF6}', '\u{1FFC}'), ('\u{2102}', '\u{2102}'), ('\u{2107}', '\u{2107}'),
    ('\u{210A}', '\u{2113}'), ('\u{2115}', '\u{2115}'), ('\u{2119}', '\u{211D}'),
    ('\u{2124}', '\u{2124}'), ('\u{2126}', '\u{2126}'), ('\u{2128}', '\u{2128}'),
    ('\u{212A}', '\u{212D}'), ('\u{212F}', '\u{2134}'), ('\u{2139}', '\u{2139}'),
    ('\u{213C}', '\u{213F}'), ('\u{2145}', '\u{2149}'), ('\u{214E}', '\u{214E}'),
    ('\u{2183}', '\u{2184}'), ('\u{2C00}', '\u{2C7B}'), ('\u{2C7E}', '\u{2CE4}'),
    ('\u{2CEB}', '\u{2CEE}'), ('\u{2CF2}', '\u{2CF3}'), ('\u{A640}', '\u{A66D}'),
    ('\u{A680}', '\u{A69B}'), ('\u{A722}', '\u{A76F}'), ('\u{A771}', '\u{A787}'),
    ('\u{A78B}', '\u{A78E}'), ('\u{AB70}', '\u{ABBF}'), ('\u{FB00}', '\u{FB06}'),
    ('\u{FB13}', '\u{FB17}'), ('\u{FF21}', '\u{FF3A}'), ('\u{FF41}', '\u{FF5A}'),
    ('\u{10400}', '\u{1044F}'), ('\u{104B0}', '\u{104D3}'), ('\u{104D8}', '\u{104FB}'),
    ('\u{10C80}', '\u{10CB2}'), ('\u{10CC0}', '\u{10CF2}'), ('\u{118A0}', '\u{118DF}'),
    ('\u{1E900}', '\u{1E943}'),
];

/// `\s?` and cased letters.
pub(super) fn cased_letters(rest: &[Glyph]) -> Step {
    word_or_gap(spaced(rest, Glyph::is_white, |g| {
        let after = CASED_LETTERS.partition_point(|&(first, _)| first <= g.c);
        let range = after
            .checked_sub(1)
            .and_then(|place| CASED_LETTERS.get(place));
        range.is_some_and(|&(_, last)| g.c <= last)
    }))
}

/// `[一-龥ࠀ-一가-퟿]+`: DeepSeek's CJK.
pub(super) fn cjk(rest: &[Glyph]) -> Step {
    let is_cjk = |g: Glyph| matches!(g.c, '\u{800}'..='\u{9FA5}' | '\u{AC00}'..='\u{D7FF}');
    // The expressions see all white space beyond ASCII as U+000B.
    word_or_gap(run(rest, |g| is_cjk(g) && !g.is_white()))
}

/// `[一-龥぀-ゟ゠-ヿ]+`: DeepSeek 3's CJK.
pub(super) fn cjk3(rest: &[Glyph]) -> Step {
    let is_cjk = |g: Glyph| matches!(g.c, '\u{4E00}'..='\u{9FA5}' | '\u{3040}'..='\u{30FF}');
    word_or_gap(run(rest, is_cjk))
}

/// `[!-/:-~！-／：-～‘-‟　-。]+` with a white space before it: DeepSeek LLM's signs.
pub(super) fn signs(rest: &[Glyph]) -> Step {
    word_or_gap(spaced(rest, Glyph::is_white, |g| {
        matches!(g.c,
            '!'..='/' | ':'..='~' | '！'..='／' | '：'..='～' | '‘'..='‟' | '\u{3001}'..='。')
    }))
}

/// DeepSeek 3's words: an ASCII sign with ASCII letters, letters and marks with a sign before them,
/// signs with line ends, white space.
pub(super) fn words3(rest: &[Glyph]) -> Step {
    let mut signs = spaced(rest, is_blank, Glyph::is_sign);
    if signs > 0 {
        signs += run(from(rest, signs), Glyph::is_line_end);
    }
    first_of([
        ascii_word(rest),
        prefixed_letters(rest),
        signs,
        lines_or_spaces(rest),
    ])
}

/// Spark 2.5's words: the same, but line ends are words of their own.
pub(super) fn spark(rest: &[Glyph]) -> Step {
    let signs = spaced(rest, is_blank, Glyph::is_sign);
    let line_end = usize::from(rest.first().is_some_and(|g| g.is_line_end()));
    first_of([
        ascii_word(rest),
        prefixed_letters(rest),
        signs,
        line_end,
        spaces(rest),
    ])
}

/// An ASCII sign and ASCII letters.
fn ascii_word(rest: &[Glyph]) -> usize {
    if !rest
        .first()
        .is_some_and(|first| first.c.is_ascii_punctuation())
    {
        return 0;
    }
    match run(from(rest, 1), |g| g.c.is_ascii_alphabetic()) {
        0 => 0,
        letters => 1 + letters,
    }
}

/// `[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+`
fn prefixed_letters(rest: &[Glyph]) -> usize {
    let is_word = |g: Glyph| g.is_letter() || g.is_mark();
    let Some(&first) = rest.first() else {
        return 0;
    };
    if first.is_line_end() || first.is_sign() {
        return 0;
    }
    let after = run(from(rest, 1), is_word);
    if after > 0 || is_word(first) {
        1 + after
    } else {
        0
    }
}
