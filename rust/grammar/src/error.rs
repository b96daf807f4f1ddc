//! Everything that can be wrong with a format.

use std::time::Duration;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a format; the text names the keyword or line that is wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// There is no format of this name.
    #[error("unknown kind of format '{0}'; there are {1}")]
    UnknownKind(String, String),
    /// More text than is ever compiled.
    #[error("format: {bytes} bytes are too many; at most {most} are accepted")]
    TooLong {
        /// Bytes of the format.
        bytes: usize,
        /// Most bytes of a format.
        most: usize,
    },
    /// A schema that is no JSON, or nested too deeply.
    #[error("format: the schema is not valid JSON: {0}")]
    Json(String),
    /// A keyword with a value that makes no sense, that is not supported, or that cannot be met.
    #[error("format: {place}: {why}")]
    Schema {
        /// Where it stands, as a JSON pointer with the keyword at its end.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// A regular expression or a grammar that cannot be used.
    #[error("{kind}: {why}")]
    Grammar {
        /// The name of the format.
        kind: &'static str,
        /// What is wrong with it, with its line where there are some.
        why: String,
    },
    /// It was not compiled in time.
    #[error("format: not compiled within {} seconds; a simpler one is needed", .0.as_secs())]
    TooSlow(Duration),
    /// Too many formats are being compiled that take too long.
    #[error("format: too many other formats are being compiled; try again later")]
    Busy,
    /// The vocabulary of the model cannot be used for this.
    #[error("format: the vocabulary of the model cannot be constrained: {0}")]
    Vocabulary(String),
    /// A generation cannot go on: the grammar got too large, or no token fits.
    #[error("format: {0}")]
    Step(String),
}
