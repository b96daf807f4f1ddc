//! What a request asks for.

use crate::{Error, Result};

/// Bytes of the longest format that is compiled.
pub const LONGEST_FORMAT: usize = 1 << 20;

/// A form that a text must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Any JSON object.
    Json,
    /// A JSON schema, as text.
    Schema(String),
    /// A regular expression that the whole text matches, in the syntax of Rust's `regex`.
    Regex(String),
    /// A grammar in `llguidance`'s variant of Lark; its rule `start` is the text.
    Lark(String),
    /// A grammar in llama.cpp's GBNF; its rule `root` is the text.
    Gbnf(String),
}

/// Makes a format of its text.
type Make = fn(String) -> Format;

/// The formats by name. The text of `json` does not matter.
const KINDS: &[(&str, Make)] = &[
    ("json", |_| Format::Json),
    ("schema", Format::Schema),
    ("regex", Format::Regex),
    ("lark", Format::Lark),
    ("gbnf", Format::Gbnf),
];

impl Format {
    /// The format of a kind: `json`, `schema`, `regex`, `lark` or `gbnf`.
    ///
    /// # Errors
    /// [`Error::UnknownKind`]
    pub fn named(kind: &str, text: String) -> Result<Self> {
        match KINDS.iter().find(|(name, _)| *name == kind) {
            Some((_, make)) => Ok(make(text)),
            None => {
                let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
                Err(Error::UnknownKind(kind.to_owned(), names.join(", ")))
            }
        }
    }

    /// Its text.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Json => "",
            Self::Schema(text) | Self::Regex(text) | Self::Lark(text) | Self::Gbnf(text) => text,
        }
    }
}
