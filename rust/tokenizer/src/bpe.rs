//! Byte-pair encoding: words from a pre-tokenizer, merged in the order of the vocabulary's list.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ollamars_gguf::Strings;

use crate::byte_alphabet::characters;
use crate::joints::Joints;
use crate::memory::Memory;
use crate::merges::{Ranks, joints, ranks};
use crate::pre::{Alphabet, Pre, split};
use crate::texts::Texts;

/// A symbol that the vocabulary and its merges do not know.
const UNKNOWN: u32 = u32::MAX;
/// A symbol that was merged into the one before it.
const MERGED: u32 = u32::MAX - 1;
/// No symbol before or after.
const END: u32 = u32::MAX;

/// The merges of a vocabulary, over the numbers that [`Texts`] gives to its tokens and, above them,
/// to the parts of merges that are no tokens.
pub(crate) struct Bpe {
    pre: &'static Pre,
    n_tokens: u32,
    merges: Ranks,
    /// The symbol that each byte starts as (alphabet of bytes).
    starts: Vec<u32>,
    /// What each byte of a symbol that is no token becomes, if it has a token.
    fallback: Vec<Option<u32>>,
    characters: [char; 256],
    /// Where words fall apart; words of bytes are short already.
    joints: Option<Joints>,
}

impl Bpe {
    /// Adds to `texts`, which holds the tokens, what the merges need.
    pub(crate) fn new(pre: &'static Pre, texts: &mut Texts, merges: &Strings) -> Self {
        let n_tokens = texts.len();
        let find = |text: &[u8]| texts.find(text);
        let fallback = (0..=u8::MAX).map(|byte| match pre.alphabet {
            Alphabet::Bytes => find(&[byte]),
            Alphabet::Characters => find(format!("<0x{byte:02X}>").as_bytes()),
        });
        let fallback = fallback.collect();
        let characters = characters();
        let starts = characters
            .iter()
            .map(|c| texts.intern(c.encode_utf8(&mut [0; 4]).as_bytes()));
        let starts = starts.collect();
        Self {
            pre,
            n_tokens,
            merges: ranks(texts, merges),
            starts,
            fallback,
            characters,
            joints: (pre.alphabet == Alphabet::Characters).then(|| joints(merges)),
        }
    }

    /// Appends the tokens of a text without special tokens.
    pub(crate) fn encode(&self, texts: &Texts, text: &str, out: &mut Vec<u32>) {
        let escaped;
        let text = match self.pre.alphabet {
            Alphabet::Bytes => text,
            Alphabet::Characters => {
                escaped = text.replace(' ', "\u{2581}");
                &escaped
            }
        };
        let mut session = Session {
            bpe: self,
            texts,
            symbols: Vec::new(),
            queue: BinaryHeap::new(),
            spelled: Vec::new(),
        };
        let mut memory = Memory::default();
        for word in split(self.pre, text) {
            if let Some(token) = session.whole(word) {
                out.push(token);
                continue;
            }
            match &self.joints {
                None => memory.recall(word, out, |out| session.segment(word, out)),
                Some(joints) => {
                    for segment in joints.segments(word) {
                        memory.recall(segment, out, |out| session.segment(segment, out));
                    }
                }
            }
        }
    }
}

/// A part of the word that is being merged.
struct Symbol {
    id: u32,
    before: u32,
    after: u32,
    /// Where it starts in the word as spelled, in bytes.
    start: u32,
}

/// A pair that may be merged: lowest rank first, then leftmost.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    rank: u32,
    left: u32,
    right: u32,
    left_id: u32,
    right_id: u32,
    result: u32,
}

/// The buffers of one text.
struct Session<'a> {
    bpe: &'a Bpe,
    texts: &'a Texts,
    symbols: Vec<Symbol>,
    queue: BinaryHeap<Reverse<Candidate>>,
    /// The word in the alphabet of the vocabulary.
    spelled: Vec<u8>,
}

impl Session<'_> {
    /// The token that a word is as a whole, where the vocabulary looks for it before merging.
    fn whole(&mut self, word: &str) -> Option<u32> {
        let pre = self.bpe.pre;
        let newlines = || pre.whole_newlines && word.bytes().all(|byte| byte == b'\n');
        if !pre.ignore_merges && !newlines() {
            return None;
        }
        self.spell(word);
        self.token(&self.spelled)
    }

    /// Appends the tokens of a word, or of a part of it that nothing joins to the rest.
    fn segment(&mut self, segment: &str, out: &mut Vec<u32>) {
        self.spell(segment);
        self.start(segment);
        self.merge();
        self.emit(out);
    }

    fn token(&self, text: &[u8]) -> Option<u32> {
        self.texts.find(text).filter(|&id| id < self.bpe.n_tokens)
    }

    fn spell(&mut self, word: &str) {
        self.spelled.clear();
        match self.bpe.pre.alphabet {
            Alphabet::Characters => self.spelled.extend_from_slice(word.as_bytes()),
            Alphabet::Bytes => {
                for byte in word.bytes() {
                    let c = self.bpe.characters[byte as usize];
                    self.spelled
                        .extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
    }

    /// One symbol for each byte or character.
    fn start(&mut self, word: &str) {
        self.symbols.clear();
        let mut start = 0;
        let mut push = |symbols: &mut Vec<Symbol>, id, len: usize| {
            let place = symbols.len() as u32;
            symbols.push(Symbol {
                id,
                before: place.wrapping_sub(1),
                after: place + 1,
                start,
            });
            start += len as u32;
        };
        match self.bpe.pre.alphabet {
            Alphabet::Bytes => {
                for byte in word.bytes() {
                    let id = self
                        .bpe
                        .starts
                        .get(byte as usize)
                        .copied()
                        .unwrap_or(UNKNOWN);
                    push(
                        &mut self.symbols,
                        id,
                        self.bpe.characters[byte as usize].len_utf8(),
                    );
                }
            }
            Alphabet::Characters => {
                for c in word.chars() {
                    let id = self.texts.find(c.encode_utf8(&mut [0; 4]).as_bytes());
                    push(&mut self.symbols, id.unwrap_or(UNKNOWN), c.len_utf8());
                }
            }
        }
        if let Some(last) = self.symbols.last_mut() {
            last.after = END;
        }
    }

    fn merge(&mut self) {
        self.queue.clear();
        for right in 1..self.symbols.len() as u32 {
            self.propose(right - 1, right);
        }
        while let Some(Reverse(best)) = self.queue.pop() {
            if self.id(best.left) != best.left_id || self.id(best.right) != best.right_id {
                continue;
            }
            let after = self.join(best.left, best.right, best.result);
            let before = self
                .symbols
                .get(best.left as usize)
                .map_or(END, |s| s.before);
            self.propose(before, best.left);
            self.propose(best.left, after);
        }
    }

    fn id(&self, place: u32) -> u32 {
        self.symbols
            .get(place as usize)
            .map_or(MERGED, |symbol| symbol.id)
    }

    /// Queues a pair if the vocabulary merges it.
    fn propose(&mut self, left: u32, right: u32) {
        let (left_id, right_id) = (self.id(left), self.id(right));
        if let Some(&(rank, result)) = self.bpe.merges.get(&(left_id, right_id)) {
            self.queue.push(Reverse(Candidate {
                rank,
                left,
                right,
                left_id,
                right_id,
                result,
            }));
        }
    }

    /// Merges `right` into `left` and gives the symbol that now follows.
    fn join(&mut self, left: u32, right: u32, result: u32) -> u32 {
        let mut after = END;
        if let Some(symbol) = self.symbols.get_mut(right as usize) {
            symbol.id = MERGED;
            after = symbol.after;
        }
        if let Some(symbol) = self.symbols.get_mut(left as usize) {
            symbol.id = result;
            symbol.after = after;
        }
        if let Some(symbol) = self.symbols.get_mut(after as usize) {
            symbol.before = left;
        }
        after
    }

    /// Appends the tokens of the symbols that are left.
    fn emit(&self, out: &mut Vec<u32>) {
        let mut place = 0;
        while let Some(symbol) = self.symbols.get(place as usize) {
            if symbol.id < self.bpe.n_tokens {
                out.push(symbol.id);
            } else {
                let next = self.symbols.get(symbol.after as usize);
                let end = next.map_or(self.spelled.len(), |next| next.start as usize);
                let bytes = self
                    .spelled
                    .get(symbol.start as usize..end)
                    .unwrap_or_default();
                let tokens = bytes
                    .iter()
                    .filter_map(|&byte| *self.bpe.fallback.get(byte as usize)?);
                out.extend(tokens);
            }
            place = symbol.after;
        }
    }
}
