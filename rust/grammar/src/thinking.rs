//! Thinking before a grammar holds: free text, but for the marks around it.
//!
//! A model may think or not. Its first token is one that the grammar allows, or one that begins the
//! opening mark. Inside of thinking everything is allowed but the end of the text, and a token that
//! runs beyond the closing mark into the text that the grammar is about. Behind it some white
//! space may come, which is no part of that text.

use std::sync::Arc;

use memchr::memmem;
use ollamars_tokenizer::Tokenizer;

use crate::compiler::Start;
use crate::mask::Mask;

/// Tokens of white space between thinking and the text.
const MOST_SPACE: usize = 2;

/// The marks around thinking, and what they mean for a vocabulary. They are seen where they are
/// special tokens, too.
pub(crate) struct Marks {
    tokenizer: Arc<Tokenizer>,
    opening: Vec<u8>,
    closing: Vec<u8>,
    /// What is allowed inside, as far as a token alone can say.
    inside: Mask,
    /// The tokens of white space.
    space: Vec<u32>,
}

impl Marks {
    /// Those of a start, if it has some.
    pub(crate) fn of(tokenizer: &Arc<Tokenizer>, start: Start) -> Option<Self> {
        let Start::AfterThinking { opening, closing } = start else {
            return None;
        };
        let tokens = tokenizer.n_tokens();
        let mut marks = Self {
            tokenizer: Arc::clone(tokenizer),
            opening: opening.into_bytes(),
            closing: closing.into_bytes(),
            inside: Mask::all(tokens as usize),
            space: Vec::new(),
        };
        marks.space = marks.such(is_space);
        let finder = memmem::Finder::new(&marks.closing);
        let runs_over = |piece: &[u8]| {
            let end = finder.find(piece).map(|at| at + marks.closing.len());
            end.is_some_and(|end| marks.has_text(piece, end))
        };
        for token in marks.such(runs_over) {
            marks.inside.set(token, false);
        }
        for &end in tokenizer.eog() {
            marks.inside.set(end, false);
        }
        Some(marks)
    }

    fn piece(&self, token: u32) -> &[u8] {
        self.tokenizer.piece(token, true).unwrap_or_default()
    }

    /// The tokens whose bytes are such.
    fn such(&self, is: impl Fn(&[u8]) -> bool) -> Vec<u32> {
        let all = 0..self.tokenizer.n_tokens();
        all.filter(|&token| is(self.piece(token))).collect()
    }

    /// Whether a piece has more than white space from `at` on.
    fn has_text(&self, piece: &[u8], at: usize) -> bool {
        let rest = piece.get(at..).unwrap_or_default();
        !rest.iter().all(u8::is_ascii_whitespace)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing came, or a part of the opening mark.
    Before,
    Inside,
    /// Behind the closing mark, and so many tokens of white space.
    Behind(usize),
}

/// Where a text is before the grammar holds.
pub(crate) struct Thinking {
    marks: Arc<Marks>,
    state: State,
    /// The end of the text: what may be a part of a mark.
    tail: Vec<u8>,
}

impl Thinking {
    /// The start of a text.
    pub(crate) fn new(marks: Arc<Marks>) -> Self {
        let state = if marks.opening.is_empty() {
            State::Inside
        } else {
            State::Before
        };
        Self {
            marks,
            state,
            tail: Vec::new(),
        }
    }

    /// The mask of the next token where the grammar does not matter for it.
    pub(crate) fn mask(&self) -> Option<Mask> {
        match self.state {
            State::Before if self.tail.is_empty() => None,
            State::Before => {
                let mut mask = Mask::none(self.marks.tokenizer.n_tokens() as usize);
                self.add(&mut mask);
                Some(mask)
            }
            State::Inside => Some(self.inside()),
            State::Behind(_) => None,
        }
    }

    /// Adds the tokens that begin thinking, or that may stand behind it, to those of the grammar.
    pub(crate) fn add(&self, mask: &mut Mask) {
        let more = match self.state {
            State::Before => &self.marks.such(|piece| self.opens(piece)),
            State::Behind(space) if space < MOST_SPACE => &self.marks.space,
            State::Inside | State::Behind(_) => return,
        };
        for &token in more {
            mask.set(token, true);
        }
    }

    /// Takes a token. False: it belongs to the text of the grammar; `fits` says whether the grammar
    /// would take it.
    pub(crate) fn take(&mut self, token: u32, fits: impl FnOnce(u32) -> bool) -> bool {
        let marks = Arc::clone(&self.marks);
        let piece = marks.piece(token);
        match self.state {
            State::Before if self.opens(piece) => self.open(piece),
            State::Before => return false,
            State::Inside => self.think(piece),
            State::Behind(space) => {
                if !is_space(piece) || fits(token) {
                    return false;
                }
                self.state = State::Behind(space + 1);
            }
        }
        true
    }

    /// Whether a piece continues the opening mark; it may go beyond it.
    fn opens(&self, piece: &[u8]) -> bool {
        let left = self.marks.opening.get(self.tail.len()..);
        let left = left.unwrap_or_default();
        !piece.is_empty() && (left.starts_with(piece) || piece.starts_with(left))
    }

    fn open(&mut self, piece: &[u8]) {
        self.tail.extend_from_slice(piece);
        if self.tail.starts_with(&self.marks.opening) {
            let rest = self.tail.split_off(self.marks.opening.len());
            self.tail.clear();
            self.state = State::Inside;
            self.think(&rest);
        }
    }

    fn think(&mut self, piece: &[u8]) {
        self.tail.extend_from_slice(piece);
        if memmem::find(&self.tail, &self.marks.closing).is_some() {
            self.tail.clear();
            self.state = State::Behind(0);
            return;
        }
        let keep = self.marks.closing.len().saturating_sub(1);
        let cut = self.tail.len().saturating_sub(keep);
        self.tail.drain(..cut);
    }

    /// Without the tokens that would run over the closing mark, a part of which stands already.
    fn inside(&self) -> Mask {
        let mut mask = self.marks.inside.clone();
        let closing = &self.marks.closing;
        for held in 1..=self.tail.len().min(closing.len().saturating_sub(1)) {
            let (begun, left) = closing.split_at(held);
            if self.tail.ends_with(begun) {
                let over = |piece: &[u8]| {
                    piece.starts_with(left) && self.marks.has_text(piece, left.len())
                };
                for token in self.marks.such(over) {
                    mask.set(token, false);
                }
            }
        }
        mask
    }
}

fn is_space(piece: &[u8]) -> bool {
    !piece.is_empty() && piece.iter().all(u8::is_ascii_whitespace)
}
