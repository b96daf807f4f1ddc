//! What a step says about a request.

/// Why a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// An end token or a stop string.
    Stop,
    /// The limit of tokens, or a full context that must not shift.
    Length,
    /// [`crate::engine::Engine::cancel`], or the engine was closed.
    Cancelled,
    /// It failed; the text says why.
    Error(String),
}

impl Done {
    /// `stop`, `length`, `cancelled` or `error`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Cancelled => "cancelled",
            Self::Error(_) => "error",
        }
    }
}

/// One step's news of one request. Exactly one event of a request has `done`, and it is the last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// The request.
    pub id: u64,
    /// New text: whole characters, never a part of a stop string.
    pub text: String,
    /// The token that this step sampled.
    pub token: Option<u32>,
    /// Its natural log-probability, if asked for.
    pub logprob: Option<f32>,
    /// The likeliest tokens of this step with theirs, best first, if asked for.
    pub top: Vec<(u32, f32)>,
    /// Set on the last event.
    pub done: Option<Done>,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens sampled so far, the end token included.
    pub eval_tokens: usize,
    /// Nanoseconds from the start of the first prefill step to the logits of the first token.
    pub prompt_ns: u64,
    /// Nanoseconds from then to the last token.
    pub eval_ns: u64,
}

impl Event {
    /// The error's text, if the request failed.
    pub fn error(&self) -> Option<&str> {
        match &self.done {
            Some(Done::Error(text)) => Some(text),
            _ => None,
        }
    }
}
