//! The way of one generation through a grammar.

use std::sync::Arc;

use llguidance::Matcher;
use llguidance::api::StopReason;
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
            matcher: Matcher::new(Ok(grammar.parser.deep_clone())),
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
        let mut mask = self.grammar_mask()?;
        if let Some(thinking) = &self.thinking {
            thinking.add(&mut mask);
        }
        Ok(mask)
    }

    fn grammar_mask(&mut self) -> Result<Mask> {
        let mask = self.matcher.compute_mask_or_eos();
        if mask.is_err() && self.matcher.stop_reason() == StopReason::NoExtensionBias {
            return Err(Error::Step(
                "no token of the vocabulary fits the grammar here".to_owned(),
            ));
        }
        mask.map(Mask::from).map_err(|error| step(&error))
    }
}

impl std::fmt::Debug for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Constraint");
        debug.field("thinking", &self.thinking.is_some());
        debug.field("complete", &self.complete).finish()
    }
}

fn step(error: &impl std::fmt::Display) -> Error {
    Error::Step(said(error))
}
