//! Tokenizers from GGUF metadata: byte-pair encoding (GPT-2's kind and Gemma 4's), SentencePiece,
//! WordPiece and Unigram.
//!
//! A [`Vocab`] is what a file says; [`Tokenizer::new`] checks it and makes a [`Tokenizer`], which
//! turns text into ids and back as llama.cpp b10488 does, to the id and to the byte. [`Utf8Stream`]
//! makes text of the pieces of generated tokens.
//!
//! ```
//! use ollamars_tokenizer::{Tokenizer, Vocab};
//!
//! let tokens = ["<s>", "l", "o", "w", "er", "e", "r", "lo", "low", "Ġ"];
//! let tokenizer = Tokenizer::new(Vocab {
//!     model: "gpt2".into(),
//!     pre: "gpt-2".into(),
//!     tokens: tokens.iter().collect(),
//!     types: vec![3, 1, 1, 1, 1, 1, 1, 1, 1, 1],
//!     merges: ["l o", "lo w", "e r"].iter().collect(),
//!     ..Vocab::default()
//! })?;
//! let ids = tokenizer.encode(b"<s>low lower", true, false);
//! assert_eq!(ids, [0, 8, 9, 8, 4]);
//! assert_eq!(tokenizer.pieces(&ids, false)?, b"low lower");
//! # Ok::<(), ollamars_tokenizer::Error>(())
//! ```

pub mod attr;
mod bpe;
mod byte_alphabet;
mod clean;
mod detokenize;
mod error;
mod hash_order;
mod joints;
mod memory;
mod merges;
mod normalizer;
mod partition;
mod pieces;
mod pre;
mod prefixes;
mod roles;
mod setup;
mod special;
mod spm;
mod texts;
mod tokenizer;
mod ugm;
mod unicode;
mod utf8;
mod vocab;
mod wpm;

pub use error::Error;
pub use setup::Kind;
pub use special::{Special, SpecialIds};
pub use tokenizer::Tokenizer;
pub use utf8::Utf8Stream;
pub use vocab::Vocab;
