//! Architectures as data: a file for each, which fills a [`ModelSpec`] from metadata and the tensor
//! table, and one table of them.
//!
//! Facts: llama.cpp b10488 and the files of the public library.

mod attention;
mod bert;
mod embedder;
mod ffn;
mod gemma3;
mod gemma_embedding;
mod jina_bert_v2;
mod llama;
mod mistral3;
mod modern_bert;
mod nomic_bert;
mod qwen2;
mod qwen3;
mod reader;
mod rope;
mod shared;
mod windows;

use ollamars_gguf::Gguf;

use crate::spec::ModelSpec;
use crate::{Error, Result};
use reader::Reader;

/// Reads one architecture.
type Read = fn(&Reader<'_>) -> Result<ModelSpec>;

/// Every architecture, by `general.architecture`.
const ARCHITECTURES: &[(&str, Read)] = &[
    ("bert", bert::read),
    ("gemma-embedding", gemma_embedding::read),
    ("gemma3", gemma3::read),
    ("jina-bert-v2", jina_bert_v2::read),
    ("llama", llama::read),
    ("mistral3", mistral3::read),
    ("modern-bert", modern_bert::read),
    ("nomic-bert", nomic_bert::read),
    ("nomic-bert-moe", nomic_bert::read),
    ("qwen2", qwen2::read),
    ("qwen3", qwen3::read),
];

/// The names of all known architectures.
pub fn names() -> impl Iterator<Item = &'static str> {
    ARCHITECTURES.iter().map(|(name, _)| *name)
}

/// What the file says about its model. `num_ctx` is the context that it will be used with: models
/// with two sets of rotation factors choose by it.
///
/// # Errors
/// [`Error::UnknownArchitecture`]; [`Error::Metadata`], [`Error::Tensor`] or [`Error::Gguf`] for
/// what is missing or makes no sense.
pub fn read(gguf: &Gguf, num_ctx: usize) -> Result<ModelSpec> {
    let (read, reader) = find(gguf, num_ctx)?;
    read(&reader)
}

/// Tokens of context that the file's model was trained with.
///
/// # Errors
/// [`Error::UnknownArchitecture`]; [`Error::Gguf`] or [`Error::Metadata`] for a missing or senseless
/// value.
pub fn train_ctx(gguf: &Gguf) -> Result<usize> {
    let (_, reader) = find(gguf, 0)?;
    reader.size("context_length")
}

fn find(gguf: &Gguf, num_ctx: usize) -> Result<(Read, Reader<'_>)> {
    let name = gguf.metadata().str("general.architecture")?;
    let entry = ARCHITECTURES.iter().find(|(known, _)| *known == name);
    let (_, read) = entry.ok_or_else(|| Error::UnknownArchitecture(name.to_string()))?;
    Ok((*read, Reader::new(gguf, name, num_ctx)))
}
