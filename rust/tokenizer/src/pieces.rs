//! The bytes that each token stands for in generated text.

use ollamars_gguf::Strings;

use crate::Error;
use crate::attr::{BYTE, NORMAL, SOUGHT};
use crate::byte_alphabet::Decoder;
use crate::texts::Texts;

/// How the texts of ordinary tokens are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// In GPT-2's alphabet of bytes.
    Bytes,
    /// With U+2581 for a space.
    Spaces,
}

/// The pieces of all tokens, special ones rendered.
///
/// # Errors
/// A byte token whose text names no byte.
pub(crate) fn pieces(texts: &Texts, attrs: &[u32], spelling: Spelling) -> Result<Strings, Error> {
    let decoder = Decoder::new();
    let mut pieces = Strings::default();
    let mut piece = Vec::new();
    for (id, &attr) in (0u32..).zip(attrs) {
        let text = texts.get(id);
        piece.clear();
        if attr & SOUGHT != 0 {
            piece.extend_from_slice(text);
        } else if attr & NORMAL != 0 {
            match spelling {
                Spelling::Bytes => decoder.decode(text, &mut piece),
                Spelling::Spaces => unescape_spaces(text, &mut piece),
            }
        } else if attr & BYTE != 0 {
            piece.push(byte_of(id, text)?);
        }
        pieces.push(&piece);
    }
    Ok(pieces)
}

/// The byte that `<0x2A>` names.
fn byte_of(id: u32, text: &[u8]) -> Result<u8, Error> {
    let hex = text
        .strip_prefix(b"<0x")
        .and_then(|rest| rest.strip_suffix(b">"));
    let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
    let hex = hex.filter(|hex| hex.len() == 2 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
    byte.ok_or_else(|| Error::BadByteToken {
        id,
        text: String::from_utf8_lossy(text).into_owned(),
    })
}

fn unescape_spaces(text: &[u8], out: &mut Vec<u8>) {
    const SPACE: &[u8] = "\u{2581}".as_bytes();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match rest.strip_prefix(SPACE) {
            Some(after) => {
                out.push(b' ');
                after
            }
            None => {
                out.push(byte);
                after
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_checked() {
        assert_eq!(byte_of(0, b"<0xE2>").expect("a byte"), 0xE2);
        for bad in ["<0xE>", "<0x+1>", "0xE2", "<0xE2", ""] {
            assert!(matches!(
                byte_of(3, bad.as_bytes()),
                Err(Error::BadByteToken { id: 3, .. })
            ));
        }
    }

    #[test]
    fn spaces_are_unescaped() {
        let mut out = Vec::new();
        unescape_spaces("▁a▁▁b\u{2580}".as_bytes(), &mut out);
        assert_eq!(out, " a  b\u{2580}".as_bytes());
    }
}
