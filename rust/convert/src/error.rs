//! Why a file was not rewritten.

use std::path::PathBuf;

/// What can go wrong. Nothing is left at the target path then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A source is no sound GGUF file.
    #[error(transparent)]
    Gguf(#[from] ollamars_gguf::Error),
    /// A source cannot be read or the target not be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The target is one of the sources.
    #[error("{} cannot be rewritten onto itself", path.display())]
    OntoItself {
        /// The file.
        path: PathBuf,
    },
    /// Ollama's quantizer would not load the file. The text is Ollama's; the reason is the source of
    /// the error.
    #[error(
        "failed to validate GGUF with llama-quantize without compatibility patches: llama-quantize \
         failed: exit status 1"
    )]
    Refused(#[from] Refusal),
    /// Parts that do not make up a whole model.
    #[error("split GGUF: {key} of {} is {found}, expected {expected}", path.display())]
    Split {
        /// The part.
        path: PathBuf,
        /// The key that does not fit.
        key: &'static str,
        /// Its value.
        found: u64,
        /// What the number and the order of the parts ask for.
        expected: u64,
    },
}

impl Error {
    /// What the system refused, if that is what went wrong.
    pub fn io(&self) -> Option<&std::io::Error> {
        match self {
            Self::Io { source, .. }
            | Self::Gguf(
                ollamars_gguf::Error::Write(source) | ollamars_gguf::Error::Open { source, .. },
            ) => Some(source),
            _ => None,
        }
    }
}

/// Why the quantizer would not load a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No string under `general.architecture`.
    #[error("missing key \"general.architecture\"")]
    NoArchitecture,
    /// An architecture that llama.cpp does not know.
    #[error("unknown model architecture: {0:?}")]
    UnknownArchitecture(String),
}
