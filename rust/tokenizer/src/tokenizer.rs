//! The tokenizer: a checked vocabulary with its algorithm.

use std::path::Path;

use ollamars_gguf::{Gguf, Strings};

use crate::bpe::Bpe;
use crate::partition::{Fragment, Partition};
use crate::pieces::{Spelling, pieces};
use crate::pre::{Alphabet, Pre};
use crate::roles::Roles;
use crate::setup::{
    Flags, check_lengths, defaults, flags, intern_tokens, kind_of, normalizer, scores,
};
use crate::special::{Special, SpecialIds};
use crate::spm::Spm;
use crate::texts::Texts;
use crate::ugm::Ugm;
use crate::wpm::Wpm;
use crate::{Error, Kind, Vocab};

/// Longest text that is encoded at once, in bytes; a longer one is cut between characters.
const LONGEST: usize = 1 << 28;

enum Model {
    Bpe(Box<Bpe>),
    Spm(Spm),
    Wpm(Wpm),
    Ugm(Box<Ugm>),
}

/// Turns text into token ids and back, exactly as llama.cpp b10488 does.
///
/// It is immutable and shared freely between threads (`Arc<Tokenizer>`).
pub struct Tokenizer {
    model: Model,
    /// Texts of the tokens, then those that only the merges need.
    texts: Texts,
    n_tokens: u32,
    pub(crate) special: SpecialIds,
    attrs: Vec<u32>,
    eog: Vec<u32>,
    partition: Partition,
    pub(crate) pieces: Strings,
    pub(crate) flags: Flags,
}

impl Tokenizer {
    /// The tokenizer of a GGUF file, which may hold a vocabulary alone.
    ///
    /// # Errors
    /// The file cannot be read, or [`Tokenizer::new`] refuses its vocabulary.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::from_gguf(&Gguf::open(path)?)
    }

    /// The tokenizer of an open file.
    ///
    /// # Errors
    /// As [`Vocab::from_gguf`] and [`Tokenizer::new`].
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, Error> {
        Self::new(Vocab::from_gguf(gguf)?)
    }

    /// Checks a vocabulary and prepares it.
    ///
    /// # Errors
    /// An unknown tokenizer or pre-tokenizer, lists shorter than the vocabulary, two tokens with
    /// one text, byte tokens that name no byte, scores that are no numbers, or a flag that asks for
    /// a special token that the vocabulary does not have.
    pub fn new(vocab: Vocab) -> Result<Self, Error> {
        let (kind, pre) = kind_of(&vocab)?;
        check_lengths(&vocab)?;
        let mut texts = intern_tokens(&vocab.tokens)?;
        let mut roles = Roles::new(&vocab, &texts, defaults(kind, pre));
        let flags = flags(&vocab, kind, pre, &roles.special)?;
        let spelling = match pre {
            Some(Pre {
                alphabet: Alphabet::Bytes,
                ..
            }) => Spelling::Bytes,
            _ => Spelling::Spaces,
        };
        let pieces = pieces(&texts, &roles.attrs, spelling)?;
        roles.set_strips(&vocab, &texts);
        let n_tokens = texts.len();
        let partition = Partition::new(&texts, &roles.attrs).map_err(|_| Error::TooManyTokens {
            tokens: n_tokens as usize,
        })?;
        let unknown = roles.special.get(Special::Unk);
        let model = match (kind, pre) {
            (_, Some(pre)) => Model::Bpe(Box::new(Bpe::new(pre, &mut texts, &vocab.merges))),
            (Kind::Wpm, None) => {
                let lowercase = vocab.lowercase.unwrap_or(true);
                Model::Wpm(Wpm::new(&texts, unknown, lowercase))
            }
            (Kind::Ugm, None) => {
                let normalizer = normalizer(&vocab, &flags)?;
                let scores = scores(vocab.scores, n_tokens)?;
                let unknown = unknown.ok_or(Error::NoUnknown)?;
                let ugm = Ugm::new(&texts, &roles.attrs, &scores, unknown, normalizer);
                Model::Ugm(Box::new(ugm))
            }
            (Kind::Spm | Kind::Bpe, None) => {
                Model::Spm(Spm::new(&texts, scores(vocab.scores, n_tokens)?, unknown))
            }
        };
        let mut tokenizer = Self {
            model,
            texts,
            n_tokens,
            special: roles.special,
            attrs: roles.attrs,
            eog: roles.eog.into_iter().collect(),
            partition,
            pieces,
            flags,
        };
        let no_newline = defaults(kind, pre)
            .get(Special::Pad)
            .filter(|&id| id < n_tokens);
        let newline = tokenizer.newline().or(no_newline);
        tokenizer.special.set(Special::Nl, newline);
        Ok(tokenizer)
    }

    fn newline(&self) -> Option<u32> {
        match &self.model {
            Model::Spm(spm) => spm.byte(b'\n'),
            Model::Wpm(_) => None,
            Model::Bpe(_) | Model::Ugm(_) => {
                let mut ids = Vec::new();
                self.encode_text("\n", false, &mut ids);
                ids.first().copied()
            }
        }
    }

    /// Number of tokens; ids are below it.
    pub fn n_tokens(&self) -> u32 {
        self.n_tokens
    }

    /// The algorithm.
    pub fn kind(&self) -> Kind {
        match self.model {
            Model::Bpe(_) => Kind::Bpe,
            Model::Spm(_) => Kind::Spm,
            Model::Wpm(_) => Kind::Wpm,
            Model::Ugm(_) => Kind::Ugm,
        }
    }

    /// The ids of special tokens.
    pub fn special_ids(&self) -> &SpecialIds {
        &self.special
    }

    /// Whether "add special" puts BOS before a text.
    pub fn add_bos(&self) -> bool {
        self.flags.add_bos
    }

    /// Whether "add special" puts EOS after a text.
    pub fn add_eos(&self) -> bool {
        self.flags.add_eos
    }

    /// Whether a separator belongs between texts.
    pub fn add_sep(&self) -> bool {
        self.flags.add_sep
    }

    /// Ids that end generation, ascending.
    pub fn eog(&self) -> &[u32] {
        &self.eog
    }

    /// Whether a token ends generation. An id outside of the vocabulary does not.
    pub fn is_eog(&self, id: u32) -> bool {
        self.eog.binary_search(&id).is_ok()
    }

    /// Attribute bits of a token: see [`attr`](crate::attr).
    ///
    /// # Errors
    /// An id outside of the vocabulary.
    pub fn attr(&self, id: u32) -> Result<u32, Error> {
        self.attrs
            .get(id as usize)
            .copied()
            .ok_or_else(|| self.no_such(id))
    }

    /// The text of a token as the vocabulary spells it.
    ///
    /// # Errors
    /// An id outside of the vocabulary.
    pub fn text(&self, id: u32) -> Result<&[u8], Error> {
        self.attr(id).map(|_| self.texts.get(id))
    }

    /// The id of the token that the vocabulary spells so.
    pub fn find(&self, text: &[u8]) -> Option<u32> {
        self.texts.find(text).filter(|&id| id < self.n_tokens)
    }

    fn no_such(&self, id: u32) -> Error {
        Error::NoSuchToken {
            id,
            tokens: self.n_tokens,
        }
    }

    /// The tokens of a text.
    ///
    /// With `special`, control tokens that are written in the text are recognised (user-defined
    /// ones always are). With `add_special`, BOS and EOS are put around it as the vocabulary asks.
    /// What is not UTF-8 is replaced by U+FFFD first.
    pub fn encode(&self, text: &[u8], special: bool, add_special: bool) -> Vec<u32> {
        let text = String::from_utf8_lossy(text);
        let mut out = Vec::with_capacity(text.len() / 3 + 2);
        if add_special && (self.flags.add_bos || self.kind() == Kind::Wpm) {
            out.extend(self.special.get(Special::Bos));
        }
        let mut after_special = true;
        for fragment in self.partition.cut(&text, special) {
            match fragment {
                Fragment::Token(id) => {
                    out.push(id);
                    after_special = true;
                }
                Fragment::Text(range) => {
                    let text = text.get(range).unwrap_or_default();
                    self.encode_text(text, after_special, &mut out);
                    after_special = false;
                }
            }
        }
        // WordPiece ends a text with the separator, whatever the flags say.
        if add_special && self.kind() == Kind::Wpm {
            out.extend(self.special.get(Special::Sep));
        } else if add_special && self.flags.add_eos {
            out.extend(self.special.get(Special::Eos));
        }
        out
    }

    /// Appends the tokens of a text without special tokens.
    fn encode_text(&self, text: &str, after_special: bool, out: &mut Vec<u32>) {
        let mut prefix = after_special && self.flags.space_prefix;
        let mut rest = text;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(boundary(rest, LONGEST));
            match &self.model {
                Model::Bpe(bpe) => bpe.encode(&self.texts, now, out),
                Model::Wpm(wpm) => wpm.encode(&self.texts, now, out),
                Model::Ugm(ugm) => ugm.encode(&self.texts, now, out),
                Model::Spm(spm) => {
                    let mut escaped = String::with_capacity(now.len() + now.len() / 2);
                    escaped.extend(prefix.then_some('\u{2581}'));
                    escaped.extend(now.chars().map(|c| if c == ' ' { '\u{2581}' } else { c }));
                    spm.encode(&self.texts, &escaped, out);
                }
            }
            prefix = false;
            rest = later;
        }
    }
}

/// The last boundary between characters that is not behind `most` bytes.
fn boundary(text: &str, most: usize) -> usize {
    let places = (0..=most.min(text.len())).rev();
    places
        .into_iter()
        .find(|&place| text.is_char_boundary(place))
        .unwrap_or(0)
}
