//! The tokenizer: a checked vocabulary with its algorithm.

use std::path::Path;

use ollamars_gguf::{Gguf, Strings};

use crate::attr::HIDDEN;
use crate::bpe::Bpe;
use crate::clean::clean_spaces;
use crate::partition::{Fragment, Partition};
use crate::pieces::{Spelling, pieces};
use crate::pre::{Alphabet, Pre, named};
use crate::roles::Roles;
use crate::special::{Special, SpecialIds};
use crate::spm::Spm;
use crate::texts::Texts;
use crate::{Error, Vocab};

/// Longest text that is encoded at once, in bytes; a longer one is cut between characters.
const LONGEST: usize = 1 << 28;

/// The algorithm of a tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Byte-pair encoding with a pre-tokenizer.
    Bpe,
    /// SentencePiece's byte-pair encoding with scores.
    Spm,
}

impl Kind {
    /// The name that the Python package uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bpe => "bpe",
            Self::Spm => "spm",
        }
    }
}

/// Names of `tokenizer.ggml.model`, their algorithm, and a pre-tokenizer that they imply.
const MODELS: &[(&str, Kind, Option<&str>)] = &[
    ("gpt2", Kind::Bpe, None),
    ("gemma4", Kind::Bpe, Some("gemma4")),
    ("llama", Kind::Spm, None),
];

enum Model {
    Bpe(Box<Bpe>),
    Spm(Spm),
}

/// Turns text into token ids and back, exactly as llama.cpp b10488 does.
///
/// It is immutable and shared freely between threads (`Arc<Tokenizer>`).
pub struct Tokenizer {
    model: Model,
    /// Texts of the tokens, then those that only the merges need.
    texts: Texts,
    n_tokens: u32,
    special: SpecialIds,
    attrs: Vec<u32>,
    eog: Vec<u32>,
    partition: Partition,
    pieces: Strings,
    flags: Flags,
}

/// What is done around the tokens of a text.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    add_bos: bool,
    add_eos: bool,
    add_sep: bool,
    space_prefix: bool,
    clean_spaces: bool,
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
        let model = match pre {
            Some(pre) => Model::Bpe(Box::new(Bpe::new(pre, &mut texts, &vocab.merges))),
            None => {
                let unknown = roles.special.get(Special::Unk);
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
        tokenizer.special.set(Special::Nl, tokenizer.newline());
        Ok(tokenizer)
    }

    fn newline(&self) -> Option<u32> {
        match &self.model {
            Model::Spm(spm) => spm.byte(b'\n'),
            Model::Bpe(bpe) => {
                let mut ids = Vec::new();
                bpe.encode(&self.texts, "\n", &mut ids);
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
        if add_special && self.flags.add_bos {
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
        if add_special && self.flags.add_eos {
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

    /// The bytes of one token, as a stream sends it. Control and unknown tokens are empty unless
    /// `special`.
    ///
    /// # Errors
    /// An id outside of the vocabulary.
    pub fn piece(&self, id: u32, special: bool) -> Result<&[u8], Error> {
        if self.attr(id)? & HIDDEN != 0 && !special {
            return Ok(&[]);
        }
        Ok(self.pieces.get(id as usize).unwrap_or_default())
    }

    /// The joined pieces: what a stream of these tokens sends.
    ///
    /// # Errors
    /// An id outside of the vocabulary.
    pub fn pieces(&self, ids: &[u32], special: bool) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(ids.len() * 4);
        for &id in ids {
            out.extend_from_slice(self.piece(id, special)?);
        }
        Ok(out)
    }

    /// The text of a whole sequence: the pieces without the space that was put before the text,
    /// and cleaned of spaces where the vocabulary asks for it.
    ///
    /// # Errors
    /// An id outside of the vocabulary.
    pub fn detokenize(&self, ids: &[u32], special: bool) -> Result<Vec<u8>, Error> {
        self.detokenize_from(ids, special, self.flags.space_prefix)
    }

    /// As [`Tokenizer::detokenize`], without the BOS and EOS that "add special" put there.
    ///
    /// # Errors
    /// An id outside of the vocabulary.
    pub fn detokenize_added(&self, ids: &[u32], special: bool) -> Result<Vec<u8>, Error> {
        let mut ids = ids;
        let mut space = self.flags.space_prefix;
        let is = |id: &u32, special| Some(*id) == self.special.get(special);
        if let Some((first, rest)) = ids.split_first()
            && self.flags.add_bos
            && is(first, Special::Bos)
        {
            ids = rest;
            space = false;
        }
        if let Some((last, rest)) = ids.split_last()
            && self.flags.add_eos
            && is(last, Special::Eos)
        {
            ids = rest;
        }
        self.detokenize_from(ids, special, space)
    }

    fn detokenize_from(&self, ids: &[u32], special: bool, space: bool) -> Result<Vec<u8>, Error> {
        let mut text = self.pieces(ids, special)?;
        let first = ids.first().map(|&id| self.piece(id, special)).transpose()?;
        if space && first.is_some_and(|piece| piece.starts_with(b" ")) {
            text.remove(0);
        }
        if self.flags.clean_spaces {
            clean_spaces(&mut text);
        }
        Ok(text)
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

/// The algorithm and, for BPE, the pre-tokenizer.
fn kind_of(vocab: &Vocab) -> Result<(Kind, Option<&'static Pre>), Error> {
    let row = MODELS.iter().find(|row| row.0 == vocab.model);
    let Some(&(_, kind, implied)) = row else {
        let known: Vec<&str> = MODELS.iter().map(|row| row.0).collect();
        return Err(Error::UnknownModel {
            model: vocab.model.clone(),
            known: known.join(", "),
        });
    };
    let pre = match kind {
        Kind::Spm => None,
        Kind::Bpe => {
            let name = implied.unwrap_or(&vocab.pre);
            let pre = named(name).ok_or_else(|| Error::UnknownPre {
                pre: name.to_owned(),
            });
            Some(pre?)
        }
    };
    Ok((kind, pre))
}

fn check_lengths(vocab: &Vocab) -> Result<(), Error> {
    let tokens = vocab.tokens.len();
    if tokens > i32::MAX as usize || vocab.merges.len() > i32::MAX as usize {
        return Err(Error::TooManyTokens { tokens });
    }
    let lists = [
        ("tokenizer.ggml.scores", vocab.scores.len()),
        ("tokenizer.ggml.token_type", vocab.types.len()),
    ];
    for (list, found) in lists {
        if found != 0 && found < tokens {
            return Err(Error::TooShort {
                list,
                found,
                tokens,
            });
        }
    }
    Ok(())
}

/// The texts of the tokens, ids as in the file. A text ends at its first NUL, as in the original;
/// an empty one is written `[EMPTY_id]`.
fn intern_tokens(tokens: &Strings) -> Result<Texts, Error> {
    let mut texts = Texts::with_capacity(tokens.len());
    for (id, token) in (0u32..).zip(tokens.iter()) {
        let text = token.split(|&byte| byte == 0).next().unwrap_or_default();
        let first = match text.is_empty() {
            true => texts.intern(format!("[EMPTY_{id}]").as_bytes()),
            false => texts.intern(text),
        };
        if first != id {
            return Err(Error::DuplicateToken {
                text: String::from_utf8_lossy(texts.get(first)).into_owned(),
                first,
                second: id,
            });
        }
    }
    Ok(texts)
}

/// Special ids before the metadata are read.
fn defaults(kind: Kind, pre: Option<&Pre>) -> SpecialIds {
    let none = SpecialIds::default();
    match (kind, pre) {
        (Kind::Spm, _) => none
            .with(Special::Bos, 1)
            .with(Special::Eos, 2)
            .with(Special::Unk, 0),
        // Gemma 4's kind names all of its special tokens.
        (Kind::Bpe, Some(pre)) if pre.alphabet == Alphabet::Characters => none,
        (Kind::Bpe, Some(pre)) if pre.no_default_bos => none.with(Special::Eos, 11),
        (Kind::Bpe, _) => none.with(Special::Bos, 11).with(Special::Eos, 11),
    }
}

fn flags(
    vocab: &Vocab,
    kind: Kind,
    pre: Option<&Pre>,
    special: &SpecialIds,
) -> Result<Flags, Error> {
    let add_bos = match pre {
        // Gemma 4 needs BOS whatever its file says.
        Some(pre) if pre.whole_newlines => true,
        Some(pre) => vocab.add_bos.unwrap_or(pre.add_bos),
        None => vocab.add_bos.unwrap_or(true),
    };
    let flags = Flags {
        add_bos,
        add_eos: vocab.add_eos.unwrap_or(false),
        add_sep: vocab.add_sep.unwrap_or(pre.is_some_and(|pre| pre.add_sep)),
        space_prefix: vocab.add_space_prefix.unwrap_or(kind == Kind::Spm),
        clean_spaces: pre.is_some_and(|pre| pre.clean_spaces),
    };
    let needs = [
        (flags.add_bos, Special::Bos, "add_bos_token", "bos_token_id"),
        (flags.add_eos, Special::Eos, "add_eos_token", "eos_token_id"),
        (
            flags.add_sep,
            Special::Sep,
            "add_sep_token",
            "seperator_token_id",
        ),
    ];
    for (flag, id, flag_key, id_key) in needs {
        if flag && special.get(id).is_none() {
            return Err(Error::MissingSpecial {
                flag: flag_key,
                id_key,
            });
        }
    }
    Ok(flags)
}

/// Scores by id, zeros where the file has none. Both zeros are the same to the queue.
fn scores(scores: Vec<f32>, n_tokens: u32) -> Result<Vec<f32>, Error> {
    let mut scores = scores;
    scores.resize(n_tokens as usize, 0.0);
    for (id, score) in (0u32..).zip(&mut scores) {
        if score.is_nan() {
            return Err(Error::BadScore { id });
        }
        *score += 0.0;
    }
    Ok(scores)
}
