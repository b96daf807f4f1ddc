//! One request on its way: from a sampled token to its event, and what to do next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ollamars_grammar::{Constraint, Grammar};

use crate::Result;
use crate::event::{Done, Event};
use crate::sample::{Sampled, Sampler, SamplingOptions};
use crate::text::{TextStream, Vocabulary};

/// `num_predict` without a limit means so many contexts, as Ollama sets it.
const OPEN_ENDED_CONTEXTS: usize = 10;

/// What a request wants, under Ollama's names and with its defaults.
#[derive(Debug, Clone)]
pub struct RequestOptions {
    /// How tokens are drawn.
    pub sampling: SamplingOptions,
    /// Strings that end the text and are not a part of it.
    pub stop: Vec<String>,
    /// Most tokens to sample; 0 or less, or more than ten contexts: ten contexts.
    pub num_predict: i64,
    /// Tokens at the start that a context shift keeps; below 0 the whole prompt.
    pub num_keep: i64,
    /// At a full context, drop the older half of what need not be kept and go on.
    pub shift: bool,
    /// Never sample an end token.
    pub ignore_eog: bool,
    /// What the text must fit; it ends where it is complete.
    pub grammar: Option<Grammar>,
}

impl Default for RequestOptions {
    fn default() -> Self {
        Self {
            sampling: SamplingOptions::default(),
            stop: Vec::new(),
            num_predict: -1,
            num_keep: 4,
            shift: true,
            ignore_eog: false,
            grammar: None,
        }
    }
}

/// What all requests of an engine share.
#[derive(Clone)]
pub struct Setting {
    /// Tokens of context of each sequence.
    pub num_ctx: usize,
    /// The tokenizer.
    pub vocabulary: Arc<dyn Vocabulary>,
    /// The end tokens.
    pub eog: Arc<[u32]>,
}

/// The moments that the durations of an event are measured from.
#[derive(Debug, Default, Clone, Copy)]
struct Clock {
    prefill: Option<Instant>,
    first_logits: Option<Instant>,
}

/// The state of one request.
#[derive(Debug)]
pub struct Generation {
    id: u64,
    cancelled: Arc<AtomicBool>,
    sampler: Sampler,
    /// What the text must fit, until the first step makes the constraint of it.
    grammar: Option<Grammar>,
    constraint: Option<Constraint>,
    text: TextStream,
    prompt_tokens: usize,
    eval_tokens: usize,
    limit: usize,
    keep: usize,
    shift: bool,
    /// There is no end token, or none may be drawn.
    never_ends: bool,
    clock: Clock,
    eval_ns: u64,
}

impl Generation {
    /// A request that has not run yet. `cancelled` is set from outside to end it.
    ///
    /// # Errors
    /// [`crate::Error::Request`]: an option that no sampler can work with.
    pub fn new(
        id: u64,
        prompt: &[u32],
        options: RequestOptions,
        setting: &Setting,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Self> {
        let num_ctx = setting.num_ctx;
        let banned: &[u32] = if options.ignore_eog {
            &setting.eog
        } else {
            &[]
        };
        let mut sampler = Sampler::new(&options.sampling, num_ctx, banned)?;
        prompt.iter().for_each(|&token| sampler.accept(token));
        let most = num_ctx.saturating_mul(OPEN_ENDED_CONTEXTS);
        let asked = usize::try_from(options.num_predict).unwrap_or(0);
        let keep = usize::try_from(options.num_keep).unwrap_or(prompt.len());
        let bos = usize::from(setting.vocabulary.add_bos());
        Ok(Self {
            id,
            cancelled,
            sampler,
            grammar: options.grammar,
            constraint: None,
            text: TextStream::new(options.stop),
            prompt_tokens: prompt.len(),
            eval_tokens: 0,
            limit: if asked == 0 { most } else { asked.min(most) },
            keep: keep.saturating_add(bos).min(num_ctx.saturating_sub(4)),
            shift: options.shift,
            never_ends: options.ignore_eog || setting.eog.is_empty(),
            clock: Clock::default(),
            eval_ns: 0,
        })
    }

    /// The caller's number of the request.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether somebody asked to end it.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Notes that a step which computes some of its rows begins.
    pub fn begin_step(&mut self, now: Instant) {
        self.clock.prefill.get_or_insert(now);
    }

    /// Whether its text must fit a grammar.
    pub fn is_constrained(&self) -> bool {
        self.grammar.is_some() || self.constraint.is_some()
    }

    /// Computes which tokens the next step may draw. Needs no logits, and so may run beside the pass
    /// that makes them.
    pub fn prepare(&mut self) {
        if let Some(grammar) = self.grammar.take() {
            self.constraint = Some(Constraint::new(&grammar));
        }
        if let Some(constraint) = &mut self.constraint {
            constraint.prepare();
        }
    }

    /// Samples from the logits of the last of `tokens` and appends what it drew. If that fills the
    /// context, tokens are dropped, and the number of those in front that stay comes back too.
    ///
    /// # Errors
    /// [`crate::Error::Request`]: logits that cannot be drawn from; [`crate::Error::Grammar`]: no
    /// token fits.
    pub fn step(
        &mut self,
        logits: &mut [f32],
        tokens: &mut Vec<u32>,
        setting: &Setting,
        ready: Instant,
    ) -> Result<(Event, Option<usize>)> {
        let first = *self.clock.first_logits.get_or_insert(ready);
        let sampled = self.draw(logits)?;
        tokens.push(sampled.id);
        self.eval_tokens += 1;
        let (mut text, done) = self.advance(&sampled, tokens.len(), setting);
        if done.is_some() {
            text.push_str(&self.text.finish());
        }
        self.eval_ns = nanoseconds(first, Instant::now());
        let event = Event {
            text,
            token: Some(sampled.id),
            logprob: sampled.logprob,
            top: sampled.top,
            ..self.event(done)
        };
        let full = event.done.is_none() && tokens.len() >= setting.num_ctx;
        Ok((event, full.then(|| self.shift(tokens))))
    }

    fn draw(&mut self, logits: &mut [f32]) -> Result<Sampled> {
        self.prepare();
        let Some(constraint) = &mut self.constraint else {
            return self.sampler.sample(logits, None);
        };
        let sampled = self.sampler.sample(logits, Some(constraint.mask()?))?;
        constraint.accept(sampled.id)?;
        Ok(sampled)
    }

    /// An event without news.
    pub fn event(&self, done: Option<Done>) -> Event {
        let prompt_ns = match (self.clock.prefill, self.clock.first_logits) {
            (Some(start), Some(end)) => nanoseconds(start, end),
            _ => 0,
        };
        Event {
            id: self.id,
            done,
            prompt_tokens: self.prompt_tokens,
            eval_tokens: self.eval_tokens,
            prompt_ns,
            eval_ns: self.eval_ns,
            ..Event::default()
        }
    }

    /// Drops the older half of what need not be kept of a full context, whose last token is not
    /// computed yet. Returns how many tokens in front stay as they are.
    ///
    /// The same half as llama.cpp drops, but the rest is computed anew instead of being moved, so
    /// that what follows is exactly what the remaining tokens say.
    fn shift(&self, tokens: &mut Vec<u32>) -> usize {
        let computed = tokens.len().saturating_sub(1);
        let keep = self.keep.min(computed);
        let discard = ((computed - keep) / 2).max(1);
        tokens.drain(keep..(keep + discard).min(tokens.len()));
        keep
    }

    /// The text of a token and whether it ends the request, `len` being the tokens by now.
    fn advance(
        &mut self,
        token: &Sampled,
        len: usize,
        setting: &Setting,
    ) -> (String, Option<Done>) {
        if setting.vocabulary.is_eog(token.id) {
            return (String::new(), Some(Done::Stop));
        }
        let text = self.text.push(setting.vocabulary.piece(token.id));
        let full = len >= setting.num_ctx && !self.shift;
        let complete = self
            .constraint
            .as_ref()
            .is_some_and(Constraint::is_complete);
        let done = if self.text.stopped() || (complete && self.never_ends) {
            Some(Done::Stop)
        } else if full || self.eval_tokens >= self.limit {
            Some(Done::Length)
        } else {
            None
        };
        (text, done)
    }
}

/// At least 1: what happened took some time.
fn nanoseconds(start: Instant, end: Instant) -> u64 {
    let passed = end.saturating_duration_since(start).as_nanos();
    u64::try_from(passed).unwrap_or(u64::MAX).max(1)
}
