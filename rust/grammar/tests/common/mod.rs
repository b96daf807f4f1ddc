//! Small vocabularies, and ways through a grammar.

#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use ollamars_grammar::{Compiler, Constraint, Format, Grammar, Mask, Start};
use ollamars_tokenizer::{Special, Tokenizer, Vocab};

pub const SPECIALS: [&str; 5] = ["<s>", "<|end|>", "<think>", "</think>", "<|aux|>"];

/// GPT-2's stand-ins of the bytes, in the order of the bytes.
fn byte_tokens() -> Vec<String> {
    let plain = |byte: &u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut extra = 256..;
    (0..256)
        .map(|byte| {
            if plain(&byte) {
                byte
            } else {
                extra.next().unwrap()
            }
        })
        .map(|code| char::from_u32(code).unwrap().to_string())
        .collect()
}

/// All bytes, words that run over borders, special tokens; `<|end|>` ends a text.
pub fn bpe() -> Arc<Tokenizer> {
    let words = [
        "{\"", "\":", "\",", "\"}", "true", "name", "Ġ{", "ĠĠ", "</", "think", ">ĊĊ", ">{",
    ];
    let mut tokens = byte_tokens();
    tokens.extend(words.map(String::from));
    let first = tokens.len();
    tokens.extend(SPECIALS.map(String::from));
    let types = (0..tokens.len()).map(|id| if id < first { 1 } else { 3 });
    let vocab = Vocab {
        model: "gpt2".into(),
        pre: "default".into(),
        types: types.collect(),
        special: vec![
            (Special::Bos, first as i64),
            (Special::Eos, first as i64 + 1),
        ],
        tokens: tokens.iter().collect(),
        ..Vocab::default()
    };
    Tokenizer::new(vocab).unwrap().into()
}

/// SentencePiece: bytes as `<0x0A>`, `▁` for a space.
pub fn spm() -> Arc<Tokenizer> {
    let mut tokens = vec!["<unk>".to_owned(), "<s>".to_owned(), "</s>".to_owned()];
    tokens.extend((0..256).map(|byte| format!("<0x{byte:02X}>")));
    let words = [
        "▁", "▁{", "{", "}", "\"", ":", "▁\"", "\":", "a", "▁a", "▁▁", "ä", "\n", "1", "▁1",
    ];
    tokens.extend(words.map(String::from));
    let types = (0..tokens.len()).map(|id| match id {
        0 => 2,
        1 | 2 => 3,
        3..=258 => 6,
        _ => 1,
    });
    let vocab = Vocab {
        model: "llama".into(),
        scores: (0..tokens.len()).map(|id| -(id as f32)).collect(),
        types: types.collect(),
        special: vec![(Special::Bos, 1), (Special::Eos, 2), (Special::Unk, 0)],
        tokens: tokens.iter().collect(),
        ..Vocab::default()
    };
    Tokenizer::new(vocab).unwrap().into()
}

/// A vocabulary with its compiler.
pub struct Kit {
    pub tokenizer: Arc<Tokenizer>,
    pub compiler: Compiler,
}

impl Kit {
    pub fn new(tokenizer: Arc<Tokenizer>) -> Self {
        let compiler = Compiler::new(Arc::clone(&tokenizer)).unwrap();
        Self {
            tokenizer,
            compiler,
        }
    }

    pub fn compile(&self, kind: &str, text: &str) -> Grammar {
        self.compile_after(kind, text, Start::AtOnce)
    }

    pub fn compile_after(&self, kind: &str, text: &str, start: Start) -> Grammar {
        let format = Format::named(kind, text.to_owned()).unwrap();
        self.compiler.compile(&format, start).unwrap()
    }

    /// What is wrong with a format.
    pub fn refused(&self, kind: &str, text: &str) -> String {
        let format = Format::named(kind, text.to_owned()).unwrap();
        let refused = self.compiler.compile(&format, Start::AtOnce);
        refused
            .expect_err(text.get(..text.len().min(200)).unwrap_or_default())
            .to_string()
    }

    /// The token that is spelled so.
    pub fn token(&self, text: &str) -> u32 {
        self.tokenizer.find(text.as_bytes()).unwrap()
    }

    /// Whether the text may end there.
    pub fn may_end(&self, mask: &Mask) -> bool {
        self.tokenizer.eog().iter().any(|&end| mask.allows(end))
    }

    /// Whether a text, cut into tokens of one byte, fits a grammar as a whole.
    pub fn accepts(&self, grammar: &Grammar, text: &str) -> bool {
        let mut constraint = Constraint::new(grammar);
        for byte in text.bytes() {
            let single = |id: &u32| self.tokenizer.piece(*id, false).unwrap() == [byte];
            let token = (0..self.tokenizer.n_tokens()).find(single).unwrap();
            if !constraint.mask().unwrap().allows(token) {
                return false;
            }
            constraint.accept(token).unwrap();
        }
        self.may_end(constraint.mask().unwrap())
    }

    /// A text of a grammar, drawn from a seed; None: it did not end.
    pub fn walk(&self, grammar: &Grammar, seed: u64) -> Option<String> {
        let mut constraint = Constraint::new(grammar);
        let (mut state, mut bytes) = (seed.wrapping_mul(2) + 1, Vec::new());
        for _ in 0..400 {
            let mask = constraint.mask().unwrap();
            let allowed: Vec<u32> = mask.allowed().collect();
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let number = (state >> 33) as usize;
            let closing = |id: &&u32| {
                let piece = self.tokenizer.piece(**id, false).unwrap();
                piece == b"\"" || piece == b"}" || piece == b"]"
            };
            let token = match allowed.iter().find(closing) {
                Some(&closing) if number.is_multiple_of(3) => closing,
                _ => allowed[number % allowed.len()],
            };
            let ends = self.may_end(mask) && number.is_multiple_of(2);
            if ends || self.tokenizer.is_eog(token) {
                return Some(String::from_utf8(bytes).unwrap());
            }
            constraint.accept(token).unwrap();
            bytes.extend_from_slice(self.tokenizer.piece(token, false).unwrap());
        }
        None
    }
}
