//! SentencePiece's BPE: characters merged in the order of the scores of what they become.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::joints::Joints;
use crate::memory::Memory;
use crate::texts::Texts;

/// No symbol before or after.
const END: u32 = u32::MAX;

/// The scores of a vocabulary.
pub(crate) struct Spm {
    scores: Vec<f32>,
    /// Longest token in bytes: no longer text needs to be looked up.
    longest: usize,
    /// The token of each byte.
    bytes: Vec<Option<u32>>,
    unknown: Option<u32>,
    joints: Joints,
}

impl Spm {
    /// Scores are by id; a byte without a token becomes `unknown`, if there is one.
    pub(crate) fn new(texts: &Texts, scores: Vec<f32>, unknown: Option<u32>) -> Self {
        let longest = (0..texts.len())
            .map(|id| texts.get(id).len())
            .max()
            .unwrap_or(0);
        Self {
            scores,
            longest,
            bytes: (0..=u8::MAX).map(|byte| byte_token(texts, byte)).collect(),
            unknown,
            joints: joints(texts),
        }
    }

    /// The token of a byte.
    pub(crate) fn byte(&self, byte: u8) -> Option<u32> {
        self.bytes.get(byte as usize).copied().flatten()
    }

    /// Appends the tokens of a text whose spaces are U+2581 already.
    pub(crate) fn encode(&self, texts: &Texts, text: &str, out: &mut Vec<u32>) {
        let mut session = Session {
            spm: self,
            texts,
            text: &[],
            symbols: Vec::new(),
            queue: BinaryHeap::new(),
        };
        let mut memory = Memory::default();
        for segment in self.joints.segments(text) {
            memory.recall(segment, out, |out| session.segment(segment, out));
        }
    }
}

/// Characters that touch in a token.
fn joints(texts: &Texts) -> Joints {
    let mut joints = Joints::new();
    for text in (0..texts.len()).filter_map(|id| std::str::from_utf8(texts.get(id)).ok()) {
        for (left, right) in text.chars().zip(text.chars().skip(1)) {
            joints.add(left, right);
        }
    }
    joints
}

/// `<0x2A>`, otherwise the byte itself.
fn byte_token(texts: &Texts, byte: u8) -> Option<u32> {
    let named = texts.find(format!("<0x{byte:02X}>").as_bytes());
    named.or_else(|| texts.find(&[byte]))
}

/// A part of the text; empty once it was merged into the one before it.
struct Symbol {
    start: u32,
    len: u32,
    before: u32,
    after: u32,
}

/// A pair that may be merged: highest score first, then leftmost.
#[derive(PartialEq)]
struct Candidate {
    score: f32,
    left: u32,
    right: u32,
    /// Bytes of both.
    len: u32,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let score = self.score.total_cmp(&other.score);
        score.then_with(|| other.left.cmp(&self.left))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct Session<'a> {
    spm: &'a Spm,
    texts: &'a Texts,
    text: &'a [u8],
    symbols: Vec<Symbol>,
    queue: BinaryHeap<Candidate>,
}

impl<'a> Session<'a> {
    /// Appends the tokens of a segment.
    fn segment(&mut self, segment: &'a str, out: &mut Vec<u32>) {
        self.text = segment.as_bytes();
        self.start(segment);
        self.merge();
        self.emit(out);
    }

    /// One symbol for each character.
    fn start(&mut self, segment: &str) {
        self.symbols.clear();
        let chars = segment.char_indices().zip(0u32..);
        self.symbols.extend(chars.map(|((start, c), place)| Symbol {
            start: start as u32,
            len: c.len_utf8() as u32,
            before: place.wrapping_sub(1),
            after: place + 1,
        }));
        if let Some(last) = self.symbols.last_mut() {
            last.after = END;
        }
    }

    fn merge(&mut self) {
        for right in 1..self.symbols.len() as u32 {
            self.propose(right - 1, right);
        }
        while let Some(best) = self.queue.pop() {
            let (left, right) = (self.len(best.left), self.len(best.right));
            if left == 0 || right == 0 || left + right != best.len {
                continue;
            }
            let after = self.join(best.left, best.right, best.len);
            let before = self
                .symbols
                .get(best.left as usize)
                .map_or(END, |s| s.before);
            self.propose(before, best.left);
            self.propose(best.left, after);
        }
    }

    fn len(&self, place: u32) -> u32 {
        self.symbols
            .get(place as usize)
            .map_or(0, |symbol| symbol.len)
    }

    fn bytes(&self, start: u32, len: u32) -> &[u8] {
        let start = start as usize;
        self.text
            .get(start..start + len as usize)
            .unwrap_or_default()
    }

    /// Queues a pair if it is a token together.
    fn propose(&mut self, left: u32, right: u32) {
        let (Some(a), Some(b)) = (
            self.symbols.get(left as usize),
            self.symbols.get(right as usize),
        ) else {
            return;
        };
        let len = a.len + b.len;
        if len as usize > self.spm.longest {
            return;
        }
        let score = self.texts.find(self.bytes(a.start, len));
        if let Some(&score) = score.and_then(|id| self.spm.scores.get(id as usize)) {
            self.queue.push(Candidate {
                score,
                left,
                right,
                len,
            });
        }
    }

    /// Merges `right` into `left` and gives the symbol that now follows.
    fn join(&mut self, left: u32, right: u32, len: u32) -> u32 {
        let mut after = END;
        if let Some(symbol) = self.symbols.get_mut(right as usize) {
            symbol.len = 0;
            after = symbol.after;
        }
        if let Some(symbol) = self.symbols.get_mut(left as usize) {
            symbol.len = len;
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
            let text = self.bytes(symbol.start, symbol.len);
            match self.texts.find(text) {
                Some(token) => out.push(token),
                None => {
                    let tokens = text
                        .iter()
                        .filter_map(|&b| self.spm.byte(b).or(self.spm.unknown));
                    out.extend(tokens);
                }
            }
            place = symbol.after;
        }
    }
}
