//! SentencePiece's normalization: characters replaced by a map, spaces put in order.
//!
//! The map is a Darts double array (Yata: Dictionary compression using compact double array, 2007)
//! from sequences of bytes to places in a list of texts that end with a zero byte.

use crate::Error;

/// What is done to a text before it is cut.
#[derive(Debug, Default)]
pub(crate) struct Normalizer {
    map: Map,
    spaces: Spaces,
}

/// What is done to spaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spaces {
    /// A space is put before the text, or behind it.
    pub(crate) add: bool,
    /// Behind it, and words end with their space.
    pub(crate) suffix: bool,
    /// Several become one, and those at the ends none.
    pub(crate) merge: bool,
    /// A space is written U+2581.
    pub(crate) escape: bool,
}

impl Default for Spaces {
    fn default() -> Self {
        Self {
            add: true,
            suffix: false,
            merge: true,
            escape: true,
        }
    }
}

/// Characters that become others.
#[derive(Debug, Default)]
pub(crate) struct Map {
    units: Vec<u32>,
    texts: Vec<u8>,
}

impl Map {
    /// Reads `tokenizer.ggml.precompiled_charsmap`: bytes of the array, the array, the texts.
    ///
    /// # Errors
    /// [`Error::BadCharsmap`]: it is shorter than it says.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let bad = || Error::BadCharsmap { bytes: bytes.len() };
        let (size, rest) = bytes.split_first_chunk().ok_or_else(bad)?;
        let size = u32::from_le_bytes(*size) as usize;
        let (units, texts) = rest.split_at_checked(size).ok_or_else(bad)?;
        let (units, []) = units.as_chunks() else {
            return Err(bad());
        };
        Ok(Self {
            units: units.iter().map(|unit| u32::from_le_bytes(*unit)).collect(),
            texts: texts.to_vec(),
        })
    }

    /// What the longest beginning of `text` that is in the map becomes, and its length.
    fn replace(&self, text: &[u8]) -> Option<(&[u8], usize)> {
        let mut node = offset(*self.units.first()?);
        let mut longest = None;
        for (&byte, length) in text.iter().zip(1..) {
            node ^= u32::from(byte);
            let Some(&unit) = self.units.get(node as usize) else {
                break;
            };
            if byte == 0 || label(unit) != u32::from(byte) {
                break;
            }
            node ^= offset(unit);
            if has_value(unit) {
                let value = self.units.get(node as usize);
                longest = value.map(|value| (value & 0x7FFF_FFFF, length));
            }
        }
        let (start, length) = longest?;
        let text = self.texts.get(start as usize..)?;
        let text = text.split(|&byte| byte == 0).next()?;
        Some((text, length))
    }
}

fn offset(unit: u32) -> u32 {
    (unit >> 10) << ((unit & (1 << 9)) >> 6)
}

fn label(unit: u32) -> u32 {
    unit & (1 << 31 | 0xFF)
}

fn has_value(unit: u32) -> bool {
    unit & (1 << 8) != 0
}

impl Normalizer {
    pub(crate) fn new(map: Map, spaces: Spaces) -> Self {
        Self { map, spaces }
    }

    /// The text as it is cut into tokens.
    pub(crate) fn normalize(&self, text: &str) -> Vec<u8> {
        let mut writer = Writer {
            spaces: self.spaces,
            out: Vec::with_capacity(text.len() + text.len() / 4 + 3),
            in_word: false,
            begun: false,
        };
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let (new, length) = self.first(rest, c.len_utf8());
            writer.write(new);
            rest = rest.get(length..).unwrap_or_default();
        }
        if self.spaces.add && self.spaces.suffix {
            writer.space();
        }
        writer.out
    }

    /// What the beginning of a text becomes, and its length; `character` is that of its first
    /// character.
    fn first<'a>(&'a self, text: &'a str, character: usize) -> (&'a [u8], usize) {
        let bytes = text.as_bytes();
        let whole = |length: &usize| text.is_char_boundary(*length);
        match self.map.replace(bytes) {
            Some((new, length)) if whole(&length) => (new, length),
            _ => (bytes.get(..character).unwrap_or_default(), character),
        }
    }
}

/// Puts spaces in order while text is written.
struct Writer {
    spaces: Spaces,
    out: Vec<u8>,
    in_word: bool,
    /// The space before the text is there.
    begun: bool,
}

impl Writer {
    fn write(&mut self, text: &[u8]) {
        for &byte in text {
            if byte != b' ' {
                self.begin_word();
                self.out.push(byte);
                continue;
            }
            self.in_word = false;
            if !self.spaces.merge {
                self.space();
            }
        }
    }

    fn begin_word(&mut self) {
        if self.in_word {
            return;
        }
        self.in_word = true;
        let before_text = self.spaces.add && !self.spaces.suffix && !self.begun;
        if before_text || self.spaces.merge {
            self.space();
            self.begun = true;
        }
    }

    fn space(&mut self) {
        let space = if self.spaces.escape { "\u{2581}" } else { " " };
        self.out.extend_from_slice(space.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalize(spaces: Spaces, text: &str) -> String {
        let normalizer = Normalizer::new(Map::default(), spaces);
        String::from_utf8(normalizer.normalize(text)).expect("UTF-8")
    }

    #[test]
    fn spaces_in_order() {
        let plain = Spaces::default();
        assert_eq!(normalize(plain, "  a  b "), "▁a▁b");
        assert_eq!(normalize(plain, " "), "");
        let all = Spaces {
            merge: false,
            ..plain
        };
        assert_eq!(normalize(all, "a  b"), "▁a▁▁b");
        let suffix = Spaces {
            suffix: true,
            merge: false,
            escape: false,
            ..plain
        };
        assert_eq!(normalize(suffix, "a b"), "a b ");
    }

    #[test]
    fn a_map_is_walked() -> Result<(), Error> {
        // The root's children lie at 1 ^ byte; 'a' has a value, which lies at its own offset.
        let mut units = [0_u32; 256];
        units[0] = 1 << 10;
        let child = 1 ^ usize::from(b'a');
        units[child] = u32::from(b'a') | 1 << 8 | (3 << 10);
        units[child ^ 3] = 1 << 31 | 2;
        let mut bytes = (units.len() as u32 * 4).to_le_bytes().to_vec();
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend(b"x\0yz\0");
        let map = Map::new(&bytes)?;
        assert_eq!(map.replace(b"ab"), Some((b"yz".as_slice(), 1)));
        assert_eq!(map.replace(b"b"), None);
        assert!(Map::new(&bytes[..50]).is_err() && Map::new(&[1]).is_err());
        Ok(())
    }
}
