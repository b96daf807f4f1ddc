//! What a file says about its vocabulary.

use ollamars_gguf::{Array, Gguf, Metadata, Strings};

use crate::Error;
use crate::special::{KEYS, Special};

/// A vocabulary as data: what the metadata of a GGUF file hold, nothing derived from it.
///
/// Nothing in it needs to be right: [`Tokenizer::new`](crate::Tokenizer::new) checks it.
#[derive(Clone, Debug, Default)]
pub struct Vocab {
    /// `tokenizer.ggml.model`: `gpt2`, `llama`, …
    pub model: String,
    /// `tokenizer.ggml.pre`; empty if missing.
    pub pre: String,
    /// `general.architecture`.
    pub architecture: String,
    /// `general.name`.
    pub name: String,
    /// Texts of the tokens, by id.
    pub tokens: Strings,
    /// Scores of the tokens (SentencePiece: log-probabilities); empty if missing.
    pub scores: Vec<f32>,
    /// Types of the tokens: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte;
    /// empty if missing.
    pub types: Vec<i32>,
    /// Byte-pair merges, the two sides with a space between, best first.
    pub merges: Strings,
    /// Ids of special tokens as given; a later one wins over an earlier.
    pub special: Vec<(Special, i64)>,
    /// `tokenizer.ggml.add_bos_token`.
    pub add_bos: Option<bool>,
    /// `tokenizer.ggml.add_eos_token`.
    pub add_eos: Option<bool>,
    /// `tokenizer.ggml.add_sep_token`.
    pub add_sep: Option<bool>,
    /// `tokenizer.ggml.add_space_prefix`.
    pub add_space_prefix: Option<bool>,
    /// `tokenizer.ggml.normalizer.lowercase`.
    pub lowercase: Option<bool>,
    /// `tokenizer.ggml.remove_extra_whitespaces`.
    pub merge_spaces: Option<bool>,
    /// `tokenizer.ggml.escape_whitespaces`.
    pub escape_spaces: Option<bool>,
    /// `tokenizer.ggml.treat_whitespace_as_suffix`.
    pub space_suffix: Option<bool>,
    /// `tokenizer.ggml.precompiled_charsmap`; empty if missing.
    pub charsmap: Vec<u8>,
}

impl Vocab {
    /// Reads the metadata of a file, with the repairs that Ollama makes.
    ///
    /// # Errors
    /// A key that a tokenizer needs is missing or of another type.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, Error> {
        let metadata = gguf.metadata();
        let text = |key| Ok::<_, Error>(lossy(metadata.find::<&[u8]>(key)?.unwrap_or_default()));
        let mut vocab = Self {
            model: lossy(metadata.bytes("tokenizer.ggml.model")?),
            pre: text("tokenizer.ggml.pre")?,
            architecture: text("general.architecture")?,
            name: text("general.name")?,
            tokens: metadata.strings("tokenizer.ggml.tokens")?.clone(),
            scores: scores(metadata)?,
            types: metadata
                .find("tokenizer.ggml.token_type")?
                .unwrap_or_default(),
            merges: merges(metadata)?,
            special: special(metadata)?,
            add_bos: metadata.find("tokenizer.ggml.add_bos_token")?,
            add_eos: metadata.find("tokenizer.ggml.add_eos_token")?,
            add_sep: metadata.find("tokenizer.ggml.add_sep_token")?,
            add_space_prefix: metadata.find("tokenizer.ggml.add_space_prefix")?,
            lowercase: metadata.find("tokenizer.ggml.normalizer.lowercase")?,
            merge_spaces: metadata.find("tokenizer.ggml.remove_extra_whitespaces")?,
            escape_spaces: metadata.find("tokenizer.ggml.escape_whitespaces")?,
            space_suffix: metadata.find("tokenizer.ggml.treat_whitespace_as_suffix")?,
            charsmap: charsmap(metadata)?,
        };
        let template = metadata.find::<&[u8]>("tokenizer.chat_template")?;
        vocab.repair_llama3(&lossy(template.unwrap_or_default()));
        Ok(vocab)
    }

    /// Early Llama 3 files lack the pre-tokenizer, or name `<|end_of_text|>` as the end although
    /// turns end with `<|eot_id|>`. Ollama repairs both when it loads such a file.
    fn repair_llama3(&mut self, template: &str) {
        const END_OF_TEXT: i64 = 128_001;
        const EOT: i64 = 128_009;
        let token = |id: i64| self.tokens.get(id as usize).unwrap_or_default();
        let chat = token(128_006) == b"<|start_header_id|>"
            || template.contains("<|start_header_id|>")
            || template.contains("<|eot_id|>");
        let no_pre = self.pre.is_empty() || self.pre == "default";
        let eos = self.given(Special::Eos);
        let gap = no_pre || eos == Some(END_OF_TEXT);
        if self.architecture != "llama" || token(EOT) != b"<|eot_id|>" || !chat || !gap {
            return;
        }
        if no_pre {
            "llama-bpe".clone_into(&mut self.pre);
        }
        for special in [Special::Eos, Special::Eot] {
            if matches!(self.given(special), None | Some(END_OF_TEXT)) {
                self.special.push((special, EOT));
            }
        }
    }

    fn given(&self, special: Special) -> Option<i64> {
        let found = self.special.iter().rev().find(|(s, _)| *s == special);
        found.map(|&(_, id)| id)
    }
}

/// Byte-pair encoding cannot do without merges (but for Kimi K2), other kinds have none.
fn merges(metadata: &Metadata) -> Result<Strings, Error> {
    const KEY: &str = "tokenizer.ggml.merges";
    let pre = metadata.find::<&[u8]>("tokenizer.ggml.pre")?;
    match metadata.bytes("tokenizer.ggml.model")? {
        b"gpt2" | b"gemma4" if pre != Some(b"kimi-k2") => Ok(metadata.strings(KEY)?.clone()),
        _ => Ok(metadata.find::<&Strings>(KEY)?.cloned().unwrap_or_default()),
    }
}

/// Scores may be floats or integers.
fn scores(metadata: &Metadata) -> Result<Vec<f32>, Error> {
    const KEY: &str = "tokenizer.ggml.scores";
    if let Some(Array::I32(scores)) = metadata.find::<&Array>(KEY)? {
        return Ok(scores.iter().map(|&score| score as f32).collect());
    }
    Ok(metadata.find(KEY)?.unwrap_or_default())
}

/// Bytes, which some files store as signed ones.
fn charsmap(metadata: &Metadata) -> Result<Vec<u8>, Error> {
    const KEY: &str = "tokenizer.ggml.precompiled_charsmap";
    match metadata.find::<&Array>(KEY)? {
        Some(Array::U8(bytes)) => Ok(bytes.clone()),
        Some(Array::I8(bytes)) => Ok(bytes.iter().map(|&byte| byte as u8).collect()),
        _ => Ok(Vec::new()),
    }
}

fn special(metadata: &Metadata) -> Result<Vec<(Special, i64)>, Error> {
    let mut given = Vec::new();
    for &(key, special) in KEYS {
        given.extend(metadata.find::<i64>(key)?.map(|id| (special, id)));
    }
    Ok(given)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
