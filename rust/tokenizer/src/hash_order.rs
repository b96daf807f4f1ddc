//! The order in which the original walks its table of tokens.
//!
//! Where several tokens have a text that gives away the same role, llama.cpp takes the one that its
//! `std::unordered_map` yields first. That is chance, but a chance that is the same wherever it was
//! built with GCC's standard library, and recorded ids depend on it: `<|im_end|>` for Qwen 2,
//! `<|endoftext|>` for SmolLM 2. This replays it: one list of nodes, each bucket knowing the node
//! before its first, MurmurHash64A, primes for the number of buckets.

use crate::texts::Texts;

/// No node, no bucket.
const NONE: u32 = u32::MAX;

/// Numbers of buckets as the table grows to twice its size.
const PRIMES: &[u32] = &[
    13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043, 85229, 172_933, 351_061,
    712_697, 1_447_153, 2_938_679, 5_967_347,
];

/// Of several tokens, the one that comes first. The first given, if the table is larger than any
/// vocabulary.
pub(crate) fn first(texts: &Texts, candidates: &[u32]) -> Option<u32> {
    let given = candidates.first().copied();
    if candidates.len() < 2 {
        return given;
    }
    let table = Table::of(texts);
    table
        .and_then(|table| table.walk().find(|id| candidates.contains(id)))
        .or(given)
}

/// Nodes are token ids; the node past the last id stands before the list.
struct Table {
    hashes: Vec<u64>,
    next: Vec<u32>,
    buckets: Vec<u32>,
}

impl Table {
    fn of(texts: &Texts) -> Option<Self> {
        let n = texts.len();
        let mut table = Self {
            hashes: (0..n).map(|id| murmur64a(texts.get(id))).collect(),
            next: vec![NONE; n as usize + 1],
            buckets: Vec::new(),
        };
        let mut primes = PRIMES.iter();
        for id in 0..n {
            if id as usize >= table.buckets.len() {
                table.rehash(*primes.next()?);
            }
            table.insert(id);
        }
        Some(table)
    }

    /// The node before the list.
    fn before(&self) -> u32 {
        self.hashes.len() as u32
    }

    fn bucket(&self, id: u32) -> usize {
        (self.hashes[id as usize] % self.buckets.len() as u64) as usize
    }

    fn insert_after(&mut self, before: u32, id: u32) {
        self.next[id as usize] = self.next[before as usize];
        self.next[before as usize] = id;
    }

    /// Puts a node first in its bucket; a new bucket goes first in the list.
    fn insert(&mut self, id: u32) {
        let bucket = self.bucket(id);
        if self.buckets[bucket] != NONE {
            return self.insert_after(self.buckets[bucket], id);
        }
        let before = self.before();
        self.insert_after(before, id);
        let after = self.next[id as usize];
        if after != NONE {
            let moved = self.bucket(after);
            self.buckets[moved] = id;
        }
        self.buckets[bucket] = before;
    }

    /// Inserts all nodes again, in the order of the list.
    fn rehash(&mut self, buckets: u32) {
        let order: Vec<u32> = self.walk().collect();
        let before = self.before();
        self.next[before as usize] = NONE;
        self.buckets = vec![NONE; buckets as usize];
        for id in order {
            self.insert(id);
        }
    }

    fn walk(&self) -> impl Iterator<Item = u32> {
        let after = |&id: &u32| Some(self.next[id as usize]).filter(|&next| next != NONE);
        std::iter::successors(after(&self.before()), after)
    }
}

/// MurmurHash64A with the seed of `std::hash<std::string>`.
fn murmur64a(text: &[u8]) -> u64 {
    const SEED: u64 = 0xC70F_6907;
    const MUL: u64 = 0xC6A4_A793_5BD1_E995;
    let mix = |v: u64| v ^ (v >> 47);
    let mut hash = SEED ^ (text.len() as u64).wrapping_mul(MUL);
    let mut words = text.chunks_exact(8);
    for word in &mut words {
        let word = word
            .iter()
            .rev()
            .fold(0, |all, &byte| (all << 8) | u64::from(byte));
        hash ^= mix(word.wrapping_mul(MUL)).wrapping_mul(MUL);
        hash = hash.wrapping_mul(MUL);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest
            .iter()
            .rev()
            .fold(0, |all, &byte| (all << 8) | u64::from(byte));
        hash = hash.wrapping_mul(MUL);
    }
    mix(mix(hash).wrapping_mul(MUL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize) -> Texts {
        let mut texts = Texts::default();
        for number in 0..n {
            texts.intern(number.to_string().as_bytes());
        }
        texts
    }

    #[test]
    fn every_token_is_walked_once() {
        for n in [0, 1, 13, 14, 100, 3000] {
            let table = Table::of(&numbers(n)).expect("small");
            let mut ids: Vec<u32> = table.walk().collect();
            ids.sort_unstable();
            assert_eq!(ids, (0..n as u32).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn as_the_standard_library_walks_it() {
        assert_eq!(murmur64a(b"<|endoftext|>"), 0x2B34_C074_254B_95F4);
        let table = Table::of(&numbers(40)).expect("small");
        let order = [
            38, 37, 33, 31, 29, 12, 39, 11, 18, 9, 36, 1, 22, 8, 0, 17, 28, 19, 4, 5, 30, 6, 3, 16,
            7, 10, 35, 27, 13, 15, 34, 14, 32, 26, 20, 21, 23, 24, 2, 25,
        ];
        assert_eq!(table.walk().collect::<Vec<u32>>(), order);
    }

    #[test]
    fn first_of_candidates() {
        let texts = numbers(40);
        let order: Vec<u32> = Table::of(&texts).expect("small").walk().collect();
        assert_eq!(first(&texts, &[]), None);
        assert_eq!(first(&texts, &[7]), Some(7));
        assert_eq!(
            first(&texts, &[order[9], order[3], order[20]]),
            Some(order[3])
        );
    }
}
