//! The text of a sequence as it grows: whole characters, cut at a stop string.

use ollamars_tokenizer::{Tokenizer, Utf8Stream};

/// What the engine asks a tokenizer for.
pub trait Vocabulary: Send + Sync {
    /// The bytes of a token in a text; empty for a control token and an unknown id.
    fn piece(&self, id: u32) -> &[u8];

    /// Whether the token ends a generation.
    fn is_eog(&self, id: u32) -> bool;

    /// Whether a prompt starts with BOS, which a context shift then keeps.
    fn add_bos(&self) -> bool;
}

impl Vocabulary for Tokenizer {
    fn piece(&self, id: u32) -> &[u8] {
        self.piece(id, false).unwrap_or_default()
    }

    fn is_eog(&self, id: u32) -> bool {
        self.is_eog(id)
    }

    fn add_bos(&self) -> bool {
        self.add_bos()
    }
}

/// Puts the pieces of tokens together and looks for stop strings.
///
/// Text that may be the start of a stop string is held back until it is known to be none. Bytes
/// that are not UTF-8 become U+FFFD.
///
/// ```
/// use ollamars_engine::text::TextStream;
/// let mut text = TextStream::new(vec!["END".to_string()]);
/// assert_eq!(text.push(b"one \xc3"), "one ");
/// assert_eq!(text.push(b"\xbc E"), "ü ");
/// assert_eq!(text.push(b"x"), "Ex");
/// assert_eq!(text.push(b" EN"), " ");
/// assert_eq!(text.push(b"D and more"), "");
/// assert!(text.stopped());
/// ```
#[derive(Debug, Clone)]
pub struct TextStream {
    stops: Vec<String>,
    characters: Utf8Stream,
    held: String,
    stopped: bool,
}

impl TextStream {
    /// A stream that ends at the first of `stops`. An empty stop string ends it at once.
    pub fn new(stops: Vec<String>) -> Self {
        Self {
            stops,
            characters: Utf8Stream::new(),
            held: String::new(),
            stopped: false,
        }
    }

    /// Whether a stop string was found; nothing comes out any more.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Adds a token's bytes and returns the text that is certain by now.
    pub fn push(&mut self, piece: &[u8]) -> String {
        if self.stopped {
            return String::new();
        }
        self.held.push_str(&self.characters.push(piece));
        if let Some(at) = self.find_stop() {
            self.stopped = true;
            self.held.truncate(at);
            return std::mem::take(&mut self.held);
        }
        let certain = self.held.len() - self.possible_stop();
        let rest = self.held.split_off(certain);
        std::mem::replace(&mut self.held, rest)
    }

    /// Ends the stream and returns what was held back.
    pub fn finish(&mut self) -> String {
        if self.stopped {
            return String::new();
        }
        let mut rest = std::mem::take(&mut self.held);
        rest.push_str(&self.characters.finish());
        rest
    }

    /// Where the first stop string begins.
    fn find_stop(&self) -> Option<usize> {
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop));
        found.min()
    }

    /// Length of the longest end of the held text that begins a stop string.
    fn possible_stop(&self) -> usize {
        let held = self.held.as_bytes();
        let longest = |stop: &String| {
            let most = stop.len().saturating_sub(1).min(held.len());
            let begins = |n: &usize| held.ends_with(&stop.as_bytes()[..*n]);
            (1..=most).rev().find(begins).unwrap_or(0)
        };
        self.stops.iter().map(longest).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(stops: &[&str], pieces: &[&[u8]]) -> (String, bool) {
        let mut text = TextStream::new(stops.iter().map(|s| (*s).to_string()).collect());
        let mut out: String = pieces.iter().map(|piece| text.push(piece)).collect();
        out += &text.finish();
        (out, text.stopped())
    }

    #[test]
    fn the_earliest_stop_wins() {
        let cut = run(&["fox", "brown fox"], &[b"a brown", b" fox jumps"]);
        assert_eq!(cut, ("a ".to_string(), true));
        assert_eq!(run(&["bc", "abc"], &[b"xabc"]), ("x".to_string(), true));
    }

    #[test]
    fn an_empty_stop_ends_before_the_first_token() {
        assert_eq!(run(&[""], &[b"The"]), (String::new(), true));
    }

    #[test]
    fn a_stop_that_does_not_come_is_text() {
        assert_eq!(
            run(&["aab"], &[b"a", b"a", b"a", b"a"]),
            ("aaaa".to_string(), false)
        );
        assert_eq!(
            run(&["aab"], &[b"a", b"a", b"a", b"b"]),
            ("a".to_string(), true)
        );
    }

    #[test]
    fn bytes_that_are_no_utf8_are_replaced() {
        let (text, _) = run(
            &[],
            &[b"a\xff", b"b\xe2\x82", b"c\xe2\x82", b"\xac\xf0\x9f"],
        );
        assert_eq!(text, "a\u{fffd}b\u{fffd}c\u{20ac}\u{fffd}");
    }

    proptest! {
        #[test]
        fn cut_anywhere_the_text_is_the_same(
            text in "[abü€🎉]{0,24}",
            stops in prop::collection::vec("[abü€]{1,4}", 0..2),
            cuts in prop::collection::vec(0_usize..6, 0..40),
        ) {
            let mut stream = TextStream::new(stops.clone());
            let (mut out, mut rest) = (String::new(), text.as_bytes());
            for cut in cuts {
                let (piece, tail) = rest.split_at(cut.min(rest.len()));
                out += &stream.push(piece);
                rest = tail;
            }
            out += &stream.push(rest);
            out += &stream.finish();
            let end = stops.iter().filter_map(|stop| text.find(stop.as_str())).min();
            prop_assert_eq!(stream.stopped(), end.is_some());
            prop_assert_eq!(&out, &text[..end.unwrap_or(text.len())]);
        }
    }
}
