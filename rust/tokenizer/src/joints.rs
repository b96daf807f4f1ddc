//! Places in a text that no merge can bridge.
//!
//! Two neighbours can only be merged if some token, or some merge, has their touching characters
//! side by side. Between characters that touch nowhere in the vocabulary a text falls into segments
//! that merge on their own: short ones, that come again and again.

/// Pairs of characters that may touch in a token. It may say "may" too often, never too rarely.
pub(crate) struct Joints {
    bits: Vec<u64>,
}

impl Joints {
    /// Enough for half a million pairs with one wrong answer in four.
    const BITS: usize = 1 << 21;

    pub(crate) fn new() -> Self {
        Self {
            bits: vec![0; Self::BITS / 64],
        }
    }

    /// Word and bit of a pair (Fibonacci hashing).
    fn place(left: char, right: char) -> (usize, u64) {
        let pair = (u64::from(left) << 32) | u64::from(right);
        let hash = pair.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - Self::BITS.ilog2());
        (hash as usize / 64, 1 << (hash % 64))
    }

    pub(crate) fn add(&mut self, left: char, right: char) {
        let (word, bit) = Self::place(left, right);
        if let Some(word) = self.bits.get_mut(word) {
            *word |= bit;
        }
    }

    fn may_touch(&self, left: char, right: char) -> bool {
        let (word, bit) = Self::place(left, right);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The segments of a text, in order, none of them empty.
    pub(crate) fn segments<'a>(&self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let mut rest = text;
        std::iter::from_fn(move || {
            let mut chars = rest.char_indices();
            let mut before = chars.next()?.1;
            let end = chars.find(|&(_, c)| !self.may_touch(std::mem::replace(&mut before, c), c));
            let (segment, after) = rest.split_at(end.map_or(rest.len(), |(place, _)| place));
            rest = after;
            Some(segment)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_end_where_nothing_touches() {
        let mut joints = Joints::new();
        for (left, right) in [('▁', 'a'), ('a', 'b'), ('b', 'é')] {
            joints.add(left, right);
        }
        let segments: Vec<&str> = joints.segments("▁abé▁▁aba").collect();
        assert_eq!(segments, ["▁abé", "▁", "▁ab", "a"]);
        assert_eq!(joints.segments("").count(), 0);
    }
}
