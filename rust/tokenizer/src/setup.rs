//! From a vocabulary as data to the parts of a tokenizer: everything is checked here.

use ollamars_gguf::Strings;

use crate::normalizer::{Map, Normalizer, Spaces};
use crate::pre::{Alphabet, Pre, named};
use crate::special::{Special, SpecialIds};
use crate::texts::Texts;
use crate::{Error, Vocab};

/// The algorithm of a tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Byte-pair encoding with a pre-tokenizer.
    Bpe,
    /// SentencePiece's byte-pair encoding with scores.
    Spm,
    /// WordPiece.
    Wpm,
    /// Unigram.
    Ugm,
}

impl Kind {
    /// The name that the Python package uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bpe => "bpe",
            Self::Spm => "spm",
            Self::Wpm => "wpm",
            Self::Ugm => "ugm",
        }
    }
}

/// Names of `tokenizer.ggml.model`, their algorithm, and a pre-tokenizer that they imply.
const MODELS: &[(&str, Kind, Option<&str>)] = &[
    ("gpt2", Kind::Bpe, None),
    ("gemma4", Kind::Bpe, Some("gemma4")),
    ("llama", Kind::Spm, None),
    ("bert", Kind::Wpm, None),
    ("t5", Kind::Ugm, None),
];

/// What is done around the tokens of a text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) add_bos: bool,
    pub(crate) add_eos: bool,
    pub(crate) add_sep: bool,
    pub(crate) space_prefix: bool,
    pub(crate) clean_spaces: bool,
}

/// The algorithm and, for BPE, the pre-tokenizer.
pub(crate) fn kind_of(vocab: &Vocab) -> Result<(Kind, Option<&'static Pre>), Error> {
    let row = MODELS.iter().find(|row| row.0 == vocab.model);
    let Some(&(_, kind, implied)) = row else {
        let known: Vec<&str> = MODELS.iter().map(|row| row.0).collect();
        return Err(Error::UnknownModel {
            model: vocab.model.clone(),
            known: known.join(", "),
        });
    };
    let pre = match kind {
        Kind::Spm | Kind::Wpm | Kind::Ugm => None,
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

pub(crate) fn check_lengths(vocab: &Vocab) -> Result<(), Error> {
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
pub(crate) fn intern_tokens(tokens: &Strings) -> Result<Texts, Error> {
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
pub(crate) fn defaults(kind: Kind, pre: Option<&Pre>) -> SpecialIds {
    let none = SpecialIds::default();
    match (kind, pre) {
        (Kind::Spm, _) => none
            .with(Special::Bos, 1)
            .with(Special::Eos, 2)
            .with(Special::Unk, 0),
        (Kind::Wpm, _) => none
            .with(Special::Bos, 101)
            .with(Special::Unk, 100)
            .with(Special::Sep, 102)
            .with(Special::Pad, 0)
            .with(Special::Mask, 103),
        (Kind::Ugm, _) => none
            .with(Special::Eos, 1)
            .with(Special::Unk, 2)
            .with(Special::Pad, 0),
        // Gemma 4's kind names all of its special tokens.
        (Kind::Bpe, Some(pre)) if pre.alphabet == Alphabet::Characters => none,
        (Kind::Bpe, Some(pre)) if pre.no_default_bos => none.with(Special::Eos, 11),
        (Kind::Bpe, _) => none.with(Special::Bos, 11).with(Special::Eos, 11),
    }
}

pub(crate) fn flags(
    vocab: &Vocab,
    kind: Kind,
    pre: Option<&Pre>,
    special: &SpecialIds,
) -> Result<Flags, Error> {
    let add_bos = match pre {
        // Gemma 4 needs BOS whatever its file says.
        Some(pre) if pre.whole_newlines => true,
        Some(pre) => vocab.add_bos.unwrap_or(pre.add_bos),
        None => vocab.add_bos.unwrap_or(kind != Kind::Ugm),
    };
    let flags = Flags {
        add_bos,
        add_eos: vocab.add_eos.unwrap_or(kind == Kind::Ugm),
        add_sep: vocab.add_sep.unwrap_or(match pre {
            Some(pre) => pre.add_sep,
            None => kind == Kind::Wpm,
        }),
        space_prefix: vocab
            .add_space_prefix
            .unwrap_or(matches!(kind, Kind::Spm | Kind::Ugm)),
        clean_spaces: match pre {
            Some(pre) => pre.clean_spaces,
            None => kind == Kind::Wpm,
        },
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

/// How text is prepared for Unigram.
pub(crate) fn normalizer(vocab: &Vocab, flags: &Flags) -> Result<Normalizer, Error> {
    let default = Spaces::default();
    let spaces = Spaces {
        add: flags.space_prefix,
        suffix: vocab.space_suffix.unwrap_or(default.suffix),
        merge: vocab.merge_spaces.unwrap_or(default.merge),
        escape: vocab.escape_spaces.unwrap_or(default.escape),
    };
    Ok(Normalizer::new(Map::new(&vocab.charsmap)?, spaces))
}

/// Scores by id, zeros where the file has none. Both zeros are the same to the queue.
pub(crate) fn scores(scores: Vec<f32>, n_tokens: u32) -> Result<Vec<f32>, Error> {
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
