use crate::MAX_TEMPLATE_BYTES;

/// Why a chat template gave no text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template breaks the rules of the language, or uses what is not there.
    #[error("bad chat template: {0}")]
    Template(String),
    /// The template called `raise_exception` with this text.
    #[error("{0}")]
    Raised(String),
    /// The template did more work, or made more text, than the limit allows.
    #[error("the chat template does too much work (more than {0} steps)")]
    OutOfFuel(u64),
    /// Calls, loops, expressions or values are nested too deeply.
    #[error("the chat template is nested too deeply: {0}")]
    TooDeep(String),
    /// The template is longer than any that can be compiled safely.
    #[error("the chat template has {0} bytes (more than {MAX_TEMPLATE_BYTES})")]
    TooLong(usize),
    /// The context is not an object, or its date cannot be read.
    #[error("bad context of a chat template: {0}")]
    Context(String),
    /// The thread that renders could not be started.
    #[error("cannot start the thread that renders a chat template: {0}")]
    Thread(#[from] std::io::Error),
    /// The thread that renders stopped without a result.
    #[error("the thread that renders a chat template stopped")]
    Stopped,
}
