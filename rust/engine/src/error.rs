//! Everything that can go wrong between a file and a token.

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the engine; the text names the value and the place that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not a GGUF file, or is damaged.
    #[error(transparent)]
    Gguf(#[from] ollamars_gguf::Error),
    /// The vocabulary cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] ollamars_tokenizer::Error),
    /// No file of `arch/` knows this architecture.
    #[error("unknown model architecture: '{0}'")]
    UnknownArchitecture(String),
    /// A metadata value that the architecture needs is missing or makes no sense.
    #[error("model metadata {key}: {why}")]
    Metadata {
        /// The GGUF key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// A tensor is missing, or has another shape or type than the architecture asks for.
    #[error("tensor {name}: {why}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// What a format asks for cannot be had.
    #[error(transparent)]
    Grammar(#[from] ollamars_grammar::Error),
    /// A request that cannot be run as it stands.
    #[error("{0}")]
    Request(String),
    /// The executor failed.
    #[error("executor {exec}: {why}")]
    Exec {
        /// The executor's name.
        exec: String,
        /// What it said.
        why: String,
    },
    /// The engine was closed or its thread ended.
    #[error("the engine is closed")]
    Closed,
}
