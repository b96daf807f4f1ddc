//! The way of one generation through a grammar.

use std::sync::Arc;

use llguidance::Matcher;
use ollamars_tokenizer::Tokenizer;

use crate::compiler::said;
use crate::mask::Mask;
use crate::thinking::Thinking;
use crate::{Error, Grammar, Result};

/// The state of one generation: which tokens may come next. The end tokens are among them where
/// the text may end, and alone where it must.
pub struct Constraint {
    tokenizer: Arc<Tokenizer>,
    matcher: Matcher,
    thinking: Option<Thinking>,
    /// The mask of the next token, if it is known.
    mask: Option<Result<Mask>>,
    /// The text may end here, and nothing else can follow.
    complete: bool,
}

impl Constraint {
    /// The start of a text.
    pub fn new(grammar: &Grammar) -> Self {
        Self {
            tokenizer: Arc::clone(&grammar.tokenizer),
            matcher: grammar.matcher.deep_clone(),
            thinking: grammar.marks.clone().map(Thinking::new),
            mask: None,
            complete: false,
        }
    }

    /// Computes the mask of the next token, for [`Constraint::mask`] to hand out. May run on any
    /// thread, beside the step that computes the logits.
    pub fn prepare(&mut self) {
        if self.mask.is_none() {
            let mask = self.compute();
            self.mask = Some(mask);
        }
    }

    /// The tokens that may come next; empty only where the text is complete and the vocabulary has
    /// no end token.
    ///
    /// # Errors
    /// [`Error::Step`]: the grammar got too large, or no token fits.
    pub fn mask(&mut self) -> Result<&Mask> {
        self.prepare();
        match &self.mask {
            Some(Ok(mask)) => Ok(mask),
            Some(Err(error)) => Err(error.clone()),
            None => Err(Error::Step("there is no mask".to_owned())),
        }
    }

    /// Goes on by the token that was drawn.
    ///
    /// # Errors
    /// [`Error::Step`]: the mask did not allow it.
    pub fn accept(&mut self, token: u32) -> Result<()> {
        self.mask = None;
        if self.tokenizer.is_eog(token) {
            return Ok(());
        }
        if let Some(thinking) = &mut self.thinking {
            let fits = |token| matches!(self.matcher.validate_tokens(&[token]), Ok(1));
            if thinking.take(token, fits) {
                return Ok(());
            }
            self.thinking = None;
        }
        self.matcher.consume_token(token).map_err(|e| step(&e))?;
        self.complete = self.matcher.is_stopped();
        Ok(())
    }

    /// Whether the text fits the grammar and nothing but its end can follow.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    fn compute(&mut self) -> Result<Mask> {
        if let Some(mask) = self.thinking.as_ref().and_then(Thinking::mask) {
            return Ok(mask);
        }
        let mut mask = next_mask(&mut self.matcher)?;
        if let Some(thinking) = &self.thinking {
            thinking.add(&mut mask);
        }
        Ok(mask)
    }
}

/// The tokens that a grammar allows next.
///
/// # Errors
/// [`Error::Step`]: the grammar got too large, or no token fits.
pub(crate) fn next_mask(matcher: &mut Matcher) -> Result<Mask> {
    let mask = matcher.compute_mask_or_eos();
    mask.map(Mask::from).map_err(|error| step(&error))
}

impl std::fmt::Debug for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Constraint");
        debug.field("thinking", &self.thinking.is_some());
        debug.field("complete", &self.complete).finish()
    }
}

/// What `llguidance` calls the ends of a grammar that are none, and what they mean.
const FAULTS: &[(&str, &str)] = &[
    (
        "NoExtensionBias",
        "no token of the vocabulary fits the grammar here",
    ),
    ("LexerTooComplex", "the grammar takes too much work here"),
    ("ParserTooComplex", "the grammar takes too much work here"),
];

fn step(error: &impl std::fmt::Display) -> Error {
    let text = said(error);
    let fault = FAULTS.iter().find(|(name, _)| text.contains(name));
    Error::Step(fault.map_or(text, |(_, meaning)| (*meaning).to_owned()))
}
