//! Parts of a text that come again are encoded once.

use std::ops::Range;

use hashbrown::HashMap;

/// Longest part that is remembered, in bytes.
const LONGEST: usize = 48;

/// Where the tokens of each part are in the output of one text.
#[derive(Default)]
pub(crate) struct Memory<'a> {
    places: HashMap<&'a str, Range<usize>>,
}

impl<'a> Memory<'a> {
    /// Appends the tokens of `part`: those of its last time, or what `encode` appends.
    pub(crate) fn recall(
        &mut self,
        part: &'a str,
        out: &mut Vec<u32>,
        encode: impl FnOnce(&mut Vec<u32>),
    ) {
        if part.len() > LONGEST {
            encode(out);
        } else if let Some(place) = self.places.get(part) {
            out.extend_from_within(place.clone());
        } else {
            let start = out.len();
            encode(out);
            self.places.insert(part, start..out.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_once() {
        let (mut memory, mut out) = (Memory::default(), vec![9]);
        for _ in 0..3 {
            let first = out.len() == 1;
            memory.recall("ab", &mut out, |out| {
                assert!(first);
                out.extend([1, 2]);
            });
        }
        assert_eq!(out, [9, 1, 2, 1, 2, 1, 2]);
    }
}
