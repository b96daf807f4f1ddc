//! GPT-2's alphabet: every byte as one printable character.
//!
//! Bytes that are printable in Latin-1 stand for themselves, the other 68 follow from U+0100 on in
//! ascending order (GPT-2's `bytes_to_unicode`).

/// The bytes whose characters start at U+0100, in order.
fn is_shifted(byte: u8) -> bool {
    matches!(byte, 0..=0x20 | 0x7F..=0xA0 | 0xAD)
}

/// The character of each byte.
pub(crate) fn characters() -> [char; 256] {
    let mut next = 0x100;
    std::array::from_fn(|byte| {
        let byte = byte as u8;
        if !is_shifted(byte) {
            return char::from(byte);
        }
        let c = char::from_u32(next).unwrap_or_default();
        next += 1;
        c
    })
}

/// The byte that each character below U+0144 stands for.
pub(crate) struct Decoder([Option<u8>; 0x144]);

impl Decoder {
    pub(crate) fn new() -> Self {
        let mut bytes = [None; 0x144];
        for (byte, c) in characters().iter().enumerate() {
            if let Some(slot) = bytes.get_mut(*c as usize) {
                *slot = Some(byte as u8);
            }
        }
        Self(bytes)
    }

    fn byte(&self, c: char) -> Option<u8> {
        self.0.get(c as usize).copied().flatten()
    }

    /// Appends the bytes that `text` stands for. A character outside of the alphabet gives the
    /// original's remark: `[UNK_BYTE_0x`, the character's bytes, the whole text, `]`.
    pub(crate) fn decode(&self, text: &[u8], out: &mut Vec<u8>) {
        for c in String::from_utf8_lossy(text).chars() {
            match self.byte(c) {
                Some(byte) => out.push(byte),
                None => {
                    out.extend_from_slice(b"[UNK_BYTE_0x");
                    let mut buffer = [0; 4];
                    for byte in c.encode_utf8(&mut buffer).bytes() {
                        out.extend_from_slice(format!("{byte:02x}").as_bytes());
                    }
                    out.extend_from_slice(text);
                    out.push(b']');
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        Decoder::new().decode(text.as_bytes(), &mut out);
        out
    }

    #[test]
    fn every_byte_comes_back() {
        let chars = characters();
        assert_eq!(chars[b' ' as usize], 'Ġ');
        assert_eq!(chars[b'\n' as usize], 'Ċ');
        assert_eq!(chars[0xAD], 'Ń');
        let text: String = chars.iter().collect();
        assert_eq!(decode(&text), (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn other_characters_are_remarked() {
        assert_eq!(decode("a▁"), b"a[UNK_BYTE_0xe29681a\xe2\x96\x81]");
    }
}
