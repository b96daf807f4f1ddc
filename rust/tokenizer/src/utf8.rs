//! Text from the bytes of tokens as they come, never a part of a character.

use std::borrow::Cow;

/// Joins the bytes of tokens and gives whole UTF-8 characters only.
///
/// Bytes that can no longer become a character turn into U+FFFD, as in
/// [`String::from_utf8_lossy`]; a character that is not complete yet waits for its rest.
///
/// ```
/// use ollamars_tokenizer::Utf8Stream;
///
/// let mut stream = Utf8Stream::new();
/// assert_eq!(stream.push(b"caf\xc3"), "caf");
/// assert_eq!(stream.push(b"\xa9 \xf0\x9f"), "é ");
/// assert_eq!(stream.finish(), "\u{FFFD}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Utf8Stream {
    /// The start of a character, at most 3 bytes.
    rest: Vec<u8>,
}

impl Utf8Stream {
    /// A stream with nothing waiting.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the bytes of the next token and gives the characters that are complete.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let joined = if self.rest.is_empty() {
            Cow::Borrowed(bytes)
        } else {
            self.rest.extend_from_slice(bytes);
            Cow::Owned(std::mem::take(&mut self.rest))
        };
        let whole = joined.len() - incomplete_tail(&joined);
        let (done, rest) = joined.split_at(whole);
        self.rest = rest.to_vec();
        String::from_utf8_lossy(done).into_owned()
    }

    /// Bytes that wait for the rest of their character.
    pub fn pending(&self) -> &[u8] {
        &self.rest
    }

    /// Ends the stream: U+FFFD if a character was begun and not completed, otherwise nothing.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }
}

/// How many bytes at the end are the beginning of a character that more bytes could complete.
fn incomplete_tail(bytes: &[u8]) -> usize {
    match bytes.utf8_chunks().last() {
        Some(last) if could_continue(last.invalid()) => last.invalid().len(),
        _ => 0,
    }
}

/// Whether an invalid sequence at the end of the input is only cut short. A chunk's invalid part is
/// the longest beginning of a character, so it is cut short if its first byte asks for more bytes
/// than there are, and nothing but the end of the input stopped it.
fn could_continue(invalid: &[u8]) -> bool {
    let wanted = match invalid.first() {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => return false,
    };
    invalid.len() < wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Everything that comes out when `bytes` go in by pieces of the given sizes.
    fn streamed(bytes: &[u8], sizes: &[usize]) -> String {
        let mut stream = Utf8Stream::new();
        let mut text = String::new();
        let mut rest = bytes;
        let mut sizes = sizes.iter().copied().cycle();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(sizes.next().unwrap_or(1).clamp(1, rest.len()));
            text += &stream.push(now);
            rest = later;
        }
        text + &stream.finish()
    }

    #[test]
    fn bad_byte_in_the_middle_is_replaced_at_once() {
        let mut stream = Utf8Stream::new();
        assert_eq!(stream.push(b"a\xff"), "a\u{FFFD}");
        assert_eq!(stream.push(b"\xe2\x96"), "");
        assert_eq!(stream.pending(), b"\xe2\x96");
        assert_eq!(stream.push(b"x"), "\u{FFFD}x");
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn surrogates_do_not_wait() {
        let mut stream = Utf8Stream::new();
        assert_eq!(stream.push(b"\xed\xa0\x80"), "\u{FFFD}\u{FFFD}\u{FFFD}");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(bytes: Vec<u8>, sizes in prop::collection::vec(1usize..5, 1..6)) {
            prop_assert_eq!(streamed(&bytes, &sizes), String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn text_comes_back(text: String, sizes in prop::collection::vec(1usize..4, 1..4)) {
            prop_assert_eq!(streamed(text.as_bytes(), &sizes), text);
        }
    }
}
