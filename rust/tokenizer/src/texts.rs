//! Texts with ids: the tokens of a vocabulary, found by their bytes.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use ollamars_gguf::Strings;

/// Distinct byte strings, numbered from 0 in the order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    texts: Strings,
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Texts {
    pub(crate) fn with_capacity(n: usize) -> Self {
        Self {
            places: HashTable::with_capacity(n),
            ..Self::default()
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.texts.len() as u32
    }

    /// The text with this id; empty if there is none.
    pub(crate) fn get(&self, id: u32) -> &[u8] {
        self.texts.get(id as usize).unwrap_or_default()
    }

    pub(crate) fn find(&self, text: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        let found = self.places.find(hash, |&id| self.get(id) == text);
        found.copied()
    }

    /// The id of `text`, which is added if it is new.
    pub(crate) fn intern(&mut self, text: &[u8]) -> u32 {
        let Self {
            texts,
            places,
            hasher,
        } = self;
        let get = |id: u32| texts.get(id as usize).unwrap_or_default();
        let hash = hasher.hash_one(text);
        if let Some(&id) = places.find(hash, |&id| get(id) == text) {
            return id;
        }
        let id = texts.len() as u32;
        places.insert_unique(hash, id, |&id| hasher.hash_one(get(id)));
        texts.push(text);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_interned() {
        let mut texts = Texts::with_capacity(2);
        for (id, text) in ["", "a", "ab", "b"].iter().enumerate() {
            assert_eq!(texts.intern(text.as_bytes()), id as u32);
        }
        assert_eq!(texts.intern(b"ab"), 2);
        assert_eq!(texts.len(), 4);
        assert_eq!(texts.find(b"b"), Some(3));
        assert_eq!(texts.find(b"c"), None);
        assert_eq!(texts.get(2), b"ab");
        assert_eq!(texts.get(9), b"");
    }
}
