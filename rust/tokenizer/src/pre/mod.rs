//! Pre-tokenizers: how a text is cut into words before byte pairs are merged.
//!
//! The original writes each as a list of regular expressions. Here each expression is a [`Rule`], a
//! function that looks at the start of the rest of a piece and says how long the word or the gap
//! there is, so that cutting takes time proportional to the text. [`table`] says which rules and
//! settings belong to each name of `tokenizer.ggml.pre`.

mod cased;
mod chameleon;
mod deepseek;
mod exaone;
mod glyph;
mod gpt2;
mod others;
mod scripts;
mod space;
mod table;
mod words;

use glyph::{Glyph, glyphs};
pub(crate) use table::{Alphabet, Pre, named};

/// What is at the start of a piece, in glyphs; at least 1 if the piece is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A match: a word of its own.
    Word(usize),
    /// No match begins in these glyphs. Gaps without a word between them are one word.
    Gap(usize),
}

/// One regular expression of a pre-tokenizer. The end of the slice is the end of the text for it.
type Rule = fn(&[Glyph]) -> Step;

/// A match if it has glyphs, otherwise a gap of one.
fn word_or_gap(len: usize) -> Step {
    if len > 0 {
        Step::Word(len)
    } else {
        Step::Gap(1)
    }
}

/// The first alternative that matches something.
fn first_of<const N: usize>(lens: [usize; N]) -> Step {
    word_or_gap(lens.into_iter().find(|&len| len > 0).unwrap_or(0))
}

/// Cuts `text` into words: the first rule cuts the text, each further one the pieces of the rule
/// before. The words are the text, in order, none of them empty.
pub(crate) fn split<'a>(pre: &Pre, text: &'a str) -> Vec<&'a str> {
    let glyphs = glyphs(text);
    let mut lens = vec![glyphs.len()];
    for &rule in pre.rules {
        lens = cut_all(&glyphs, &lens, rule);
    }
    let mut words = Vec::with_capacity(lens.len());
    let mut rest = text;
    let mut ahead = glyphs.as_slice();
    for len in lens {
        let (now, later) = ahead.split_at_checked(len).unwrap_or((ahead, &[]));
        let bytes = now.iter().map(|g| g.c.len_utf8()).sum();
        let Some((word, after)) = rest.split_at_checked(bytes) else {
            break;
        };
        if !word.is_empty() {
            words.push(word);
        }
        (rest, ahead) = (after, later);
    }
    words
}

/// Cuts consecutive pieces, given by their lengths in glyphs, with one rule.
fn cut_all(glyphs: &[Glyph], pieces: &[usize], rule: Rule) -> Vec<usize> {
    let mut lens = Vec::with_capacity(pieces.len());
    let mut rest = glyphs;
    for &len in pieces {
        let (piece, later) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        cut(piece, rule, &mut lens);
        rest = later;
    }
    lens
}

/// Cuts one piece.
fn cut(piece: &[Glyph], rule: Rule, lens: &mut Vec<usize>) {
    let mut rest = piece;
    let mut gap = 0;
    while !rest.is_empty() {
        let len = match rule(rest) {
            Step::Gap(len) => {
                let len = len.clamp(1, rest.len());
                gap += len;
                len
            }
            Step::Word(len) => {
                let len = len.clamp(1, rest.len());
                lens.extend((gap > 0).then_some(gap));
                gap = 0;
                lens.push(len);
                len
            }
        };
        rest = glyph::from(rest, len);
    }
    lens.extend((gap > 0).then_some(gap));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words<'a>(pre: &str, text: &'a str) -> Vec<&'a str> {
        split(named(pre).expect("known"), text)
    }

    #[test]
    fn gpt2() {
        assert_eq!(
            words("gpt-2", "Hello world's  12345 (?!)\n\n x "),
            [
                "Hello", " world", "'s", " ", " 12345", " (?!)", "\n\n", " x", " "
            ]
        );
        assert_eq!(words("gpt-2", "'S 'lx"), ["'", "S", " '", "lx"]);
        assert_eq!(words("smollm", "a 123"), ["a", " ", "1", "2", "3"]);
    }

    #[test]
    fn llama3() {
        assert_eq!(
            words("llama-bpe", "I'LL (say 12345\r\n\n  hi!\n\n"),
            [
                "I", "'LL", " (", "say", " ", "123", "45", "\r\n\n", " ", " hi", "!\n\n"
            ]
        );
        assert_eq!(
            words("qwen2", "$x=12 \n y  "),
            ["$x", "=", "1", "2", " \n", " y", "  "]
        );
    }

    #[test]
    fn marks_belong_to_words_in_qwen35_only() {
        assert_eq!(words("qwen35", "ि12"), ["ि", "1", "2"]);
        assert_eq!(words("qwen2", "हिन्दी"), ["ह", "िन", "्द", "ी"]);
        assert_eq!(words("qwen35", "हिन्दी"), ["हिन्दी"]);
    }

    #[test]
    fn cased_words() {
        assert_eq!(
            words("tekken", "HelloWORLD fooBar 12"),
            ["Hello", "WORLD", " foo", "Bar", " ", "1", "2"]
        );
        assert_eq!(
            words("gpt-4o", "don't 1234 a/b//\n"),
            ["don't", " ", "123", "4", " a", "/b", "//\n"]
        );
        assert_eq!(words("tekken", "éAB"), ["é", "AB"]);
    }

    #[test]
    fn several_rules() {
        assert_eq!(
            words("default", "a+b 12345!"),
            ["a", "+", "b", " ", "123", "45", "!"]
        );
        assert_eq!(
            words("falcon", "x`y 1234"),
            ["x", "`", "y", " ", "123", "4"]
        );
        assert_eq!(
            words("deepseek-v3", "a1234, b~\n"),
            ["a", "123", "4", ",", " b", "~\n"]
        );
        assert_eq!(
            words("deepseek-coder", "x =, 12\n"),
            ["x", " =", ",", " ", "1", "2", "\n"]
        );
        assert_eq!(words("deepseek-llm", "ab 12  "), ["ab", " ", "12", "  "]);
    }

    #[test]
    fn rare_names() {
        assert_eq!(
            words("deepseek-llm", "a\u{3000}\u{3000}'"),
            ["a", "\u{3000}", "\u{3000}'"]
        );
        assert_eq!(
            words("granite-embed-multi-97m", "\u{301}AZé"),
            ["\u{301}AZé"]
        );
        assert_eq!(
            words("granite-embed-multi-97m", "\u{301}AZ"),
            ["\u{301}", "AZ"]
        );
        assert_eq!(words("superbpe", "9899Ⅷ"), ["9", "899Ⅷ"]);
        assert_eq!(words("tiny_aya", "ab1234567"), ["ab", "1", "234", "567"]);
        assert_eq!(
            words("exaone-moe", "I am here.\n\n"),
            ["I am here", ".\n", "\n"]
        );
        assert_eq!(
            words("kimi-k2", "中文Abc's 1234"),
            ["中文", "Abc's", " ", "123", "4"]
        );
        assert_eq!(
            words("youtu", "한국中文、b12"),
            ["한국", "中文", "、", "b", "1", "2"]
        );
        assert_eq!(words("afmoe", "ab1234ไทย"), ["ab", "1", "234", "ไ", "ทย"]);
        assert_eq!(
            words("spark2_5", "a.\n\n12"),
            ["a", ".", "\n", "\n", "1", "2"]
        );
        assert_eq!(
            words("chameleon", "IMGIMGABZ    a!?1"),
            ["IMGIMGABZ", "    ", "a", "!", "?", "1"]
        );
        assert_eq!(words("jais-2", "a       b"), ["a", "    ", "  ", " b"]);
        assert_eq!(
            words("bloom", "Hi, you (a)"),
            ["Hi", ",", " you", " (", "a", ")"]
        );
    }

    proptest! {
        #[test]
        fn words_are_the_text(text in "(?s)[ \\n\\r\\t'stldrevm1-3A-Ca-cé中ि٣.,/(~`=\u{a0}😀]{0,60}|.{0,40}") {
            for (_, pre) in table::ALL {
                let words = split(pre, &text);
                prop_assert!(words.iter().all(|w| !w.is_empty()));
                prop_assert_eq!(words.concat(), text.clone());
            }
        }
    }
}
