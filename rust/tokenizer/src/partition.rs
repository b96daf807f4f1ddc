//! Special tokens found in a text before anything else happens to it.

use std::ops::Range;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use memchr::memmem::Finder;

use crate::attr::{HIDDEN, SOUGHT, STRIP_LEFT, STRIP_RIGHT};
use crate::texts::Texts;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fragment {
    /// Text, as its range of bytes.
    Text(Range<usize>),
    /// A special token.
    Token(u32),
}

/// A token that is searched for.
struct Sought {
    id: u32,
    text: Box<[u8]>,
    attr: u32,
}

/// The tokens that are searched for in text, longest first.
pub(crate) struct Partition {
    sought: Vec<Sought>,
    /// Says which of them occur at all: the others cost nothing.
    occurs: AhoCorasick,
}

impl Partition {
    pub(crate) fn new(texts: &Texts, attrs: &[u32]) -> Result<Self, BuildError> {
        let mut sought: Vec<Sought> = (0u32..)
            .zip(attrs)
            .filter(|&(id, attr)| attr & SOUGHT != 0 && !texts.get(id).is_empty())
            .map(|(id, &attr)| Sought {
                id,
                text: texts.get(id).into(),
                attr,
            })
            .collect();
        sought.sort_by_key(|token| std::cmp::Reverse(token.text.len()));
        let occurs = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(sought.iter().map(|token| &token.text))?;
        Ok(Self { sought, occurs })
    }

    /// Cuts a text at special tokens; control and unknown tokens count only if `special`.
    ///
    /// The longest token is searched for first, in the whole text from left to right, then the next
    /// in what is left, so that a shorter one never takes a part of a longer one.
    pub(crate) fn cut(&self, text: &str, special: bool) -> Vec<Fragment> {
        let text = text.as_bytes();
        if text.is_empty() {
            return Vec::new();
        }
        let mut fragments = vec![Fragment::Text(0..text.len())];
        for token in self.occurring(text) {
            if special || token.attr & HIDDEN == 0 {
                let finder = Finder::new(&token.text);
                let cut = |fragment| cut_fragment(fragment, text, token, &finder);
                fragments = fragments.into_iter().flat_map(cut).collect();
            }
        }
        fragments
    }

    /// The tokens that occur in the text, longest first.
    fn occurring(&self, text: &[u8]) -> Vec<&Sought> {
        let mut found = vec![false; self.sought.len()];
        for hit in self.occurs.find_overlapping_iter(text) {
            if let Some(flag) = found.get_mut(hit.pattern().as_usize()) {
                *flag = true;
            }
        }
        let tokens = self.sought.iter().zip(found);
        tokens
            .filter_map(|(token, found)| found.then_some(token))
            .collect()
    }
}

/// Cuts a fragment at every occurrence of one token.
fn cut_fragment(fragment: Fragment, text: &[u8], token: &Sought, finder: &Finder) -> Vec<Fragment> {
    let Fragment::Text(Range { mut start, end }) = fragment else {
        return vec![fragment];
    };
    let mut parts = Vec::new();
    while let Some(place) = finder.find(text.get(start..end).unwrap_or_default()) {
        let (before, after) = (start + place, start + place + token.text.len());
        let mut left = start..before;
        if token.attr & STRIP_LEFT != 0 {
            left.end -= trailing_space(text.get(left.clone()).unwrap_or_default());
        }
        parts.extend((!left.is_empty()).then_some(Fragment::Text(left)));
        parts.push(Fragment::Token(token.id));
        start = after;
        if token.attr & STRIP_RIGHT != 0 {
            start += leading_space(text.get(after..end).unwrap_or_default());
        }
    }
    parts.extend((start < end).then_some(Fragment::Text(start..end)));
    parts
}

/// `isspace` of the C locale.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn trailing_space(text: &[u8]) -> usize {
    text.iter().rev().take_while(|b| is_space(b)).count()
}

fn leading_space(text: &[u8]) -> usize {
    text.iter().take_while(|b| is_space(b)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::{CONTROL, NORMAL, USER_DEFINED};

    fn partition(tokens: &[(&str, u32)]) -> Partition {
        let mut texts = Texts::default();
        let attrs: Vec<u32> = tokens.iter().map(|t| t.1).collect();
        for (text, _) in tokens {
            texts.intern(text.as_bytes());
        }
        Partition::new(&texts, &attrs).expect("small")
    }

    fn cut(tokens: &[(&str, u32)], text: &str, special: bool) -> Vec<String> {
        let fragments = partition(tokens).cut(text, special);
        let shown = |fragment| match fragment {
            Fragment::Text(range) => text[range].to_owned(),
            Fragment::Token(id) => format!("#{id}"),
        };
        fragments.into_iter().map(shown).collect()
    }

    #[test]
    fn control_tokens_need_parsing() {
        let tokens = [("<s>", CONTROL), ("\n\n", USER_DEFINED), ("a", NORMAL)];
        assert_eq!(
            cut(&tokens, "<s>a\n\n\n<s>", true),
            ["#0", "a", "#1", "\n", "#0"]
        );
        assert_eq!(
            cut(&tokens, "<s>a\n\n\n<s>", false),
            ["<s>a", "#1", "\n<s>"]
        );
        assert!(cut(&tokens, "", true).is_empty());
    }

    #[test]
    fn longest_first() {
        let tokens = [("ab", CONTROL), ("bcd", CONTROL)];
        assert_eq!(cut(&tokens, "abcdab", true), ["a", "#1", "#0"]);
    }

    #[test]
    fn strips_space() {
        let tokens = [
            ("<r>", CONTROL | STRIP_RIGHT),
            ("<l>", CONTROL | STRIP_LEFT),
        ];
        assert_eq!(
            cut(&tokens, "a <r> \n b <l> c", true),
            ["a ", "#0", "b", "#1", " c"]
        );
        assert_eq!(cut(&tokens, " <l><r> ", true), ["#1", "#0"]);
    }
}
