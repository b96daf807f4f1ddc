//! Constrained decoding: what a format allows next, as a mask over the tokens of a vocabulary.
//!
//! A [`Format`] is what a request asks for: JSON, a JSON schema, a regular expression, a grammar in
//! Lark's or llama.cpp's notation. A [`Compiler`], one for each vocabulary, makes a [`Grammar`] of
//! it in bounded time, and each generation follows the grammar with a [`Constraint`] of its own:
//! a mask before each token, the token that was drawn after it.
//!
//! The masks are computed by `llguidance`; nothing outside of this crate knows it. What it would
//! get wrong, or does not know, is refused or rewritten before ([`Error`] names the keyword), so
//! that a finished text always fits what was asked for.
//!
//! ```
//! use ollamars_grammar::{Compiler, Constraint, Format, Start};
//! use ollamars_tokenizer::{Tokenizer, Vocab};
//!
//! let tokens = ["t", "r", "u", "e", "f", "<eos>"];
//! let tokenizer = Tokenizer::new(Vocab {
//!     model: "gpt2".into(),
//!     pre: "default".into(),
//!     tokens: tokens.iter().collect(),
//!     types: vec![1, 1, 1, 1, 1, 3],
//!     special: vec![(ollamars_tokenizer::Special::Eos, 5)],
//!     ..Vocab::default()
//! })?;
//! let compiler = Compiler::new(tokenizer.into())?;
//! let format = Format::Schema(r#"{"const": true}"#.into());
//! let mut constraint = Constraint::new(&compiler.compile(&format, Start::AtOnce)?);
//! for token in [0, 1, 2, 3] {
//!     assert!(constraint.mask()?.allows(token));
//!     constraint.accept(token)?;
//! }
//! assert!(constraint.is_complete());
//! assert_eq!(constraint.mask()?.allowed().collect::<Vec<_>>(), [5]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bounded;
mod compiler;
mod constraint;
mod error;
mod format;
mod gbnf;
mod mask;
mod schema;
mod thinking;
mod vocabulary;

pub use compiler::{Compiler, Grammar, Start};
pub use constraint::Constraint;
pub use error::{Error, Result};
pub use format::{Format, LONGEST_FORMAT};
pub use mask::Mask;
