//! All tokens that a text begins with.

use crate::texts::Texts;

/// Tokens sorted by text: those with a common beginning are neighbours.
pub(crate) struct Prefixes {
    ids: Vec<u32>,
    /// For each first byte its first place among the ids; then their number.
    firsts: Vec<u32>,
}

impl Prefixes {
    pub(crate) fn new(texts: &Texts, ids: impl Iterator<Item = u32>) -> Self {
        let mut ids: Vec<u32> = ids.filter(|&id| !texts.get(id).is_empty()).collect();
        ids.sort_by(|&a, &b| texts.get(a).cmp(texts.get(b)));
        let before = |byte: u16| {
            let below = |&id: &u32| texts.get(id).first().is_some_and(|&b| u16::from(b) < byte);
            ids.partition_point(below) as u32
        };
        let firsts = (0..=256).map(before).collect();
        Self { ids, firsts }
    }

    /// Calls `found` with each token that `text` begins with and its length, shortest first.
    pub(crate) fn each(&self, texts: &Texts, text: &[u8], mut found: impl FnMut(u32, usize)) {
        let Some(&byte) = text.first() else { return };
        let at = |place: usize| self.firsts.get(place).map_or(0, |&first| first as usize);
        let mut same = self
            .ids
            .get(at(byte.into())..at(usize::from(byte) + 1))
            .unwrap_or_default();
        // All of `same` begin with the first `length` bytes of the text.
        for length in 1..=text.len() {
            let Some((&id, longer)) = same.split_first() else {
                return;
            };
            if texts.get(id).len() == length {
                found(id, length);
                same = longer;
            }
            let Some(next) = text.get(length) else { return };
            let byte = |id: &u32| texts.get(*id).get(length).copied().unwrap_or(0);
            let start = same.partition_point(|id| byte(id) < *next);
            let rest = same.get(start..).unwrap_or_default();
            let end = rest.partition_point(|id| byte(id) == *next);
            same = rest.get(..end).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_first() {
        let mut texts = Texts::default();
        for token in ["abc", "b", "a", "abd", "語", "ab", ""] {
            texts.intern(token.as_bytes());
        }
        let prefixes = Prefixes::new(&texts, 0..texts.len());
        let of = |text: &str| {
            let mut found = Vec::new();
            prefixes.each(&texts, text.as_bytes(), |id, length| {
                found.push((id, length))
            });
            found
        };
        assert_eq!(of("abcd"), [(2, 1), (5, 2), (0, 3)]);
        assert_eq!(of("語ab"), [(4, 3)]);
        assert_eq!(of("ab"), [(2, 1), (5, 2)]);
        assert!(of("c").is_empty() && of("").is_empty());
    }
}
