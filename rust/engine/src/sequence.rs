//! A sequence: tokens, how many of them are in the cache, and what they are computed for.

use std::ops::Range;
use std::time::Instant;

use crate::Result;
use crate::batch::{BlockId, Heads};
use crate::embedding::Embedding;
use crate::event::Event;
use crate::exec::{Exec, PREFILL_CHUNK};
use crate::generation::{Generation, Setting};
use crate::pass::Pass;
use crate::program::Output;
use crate::scheduler::Grant;

/// What a sequence is computed for.
#[derive(Debug)]
pub enum Task {
    /// Text for a request.
    Generate(Box<Generation>),
    /// Logits of every position.
    Pass(Pass),
    /// A vector of the whole.
    Embed(Box<Embedding>),
}

impl Task {
    /// What it wants of a step.
    pub fn output(&self) -> Output {
        match self {
            Self::Generate(_) | Self::Pass(_) => Output::Logits,
            Self::Embed(embedding) => embedding.output(),
        }
    }
}

/// How a sequence ended.
#[derive(Debug)]
pub enum Ended {
    /// All is said: the last event is out, the pass has its last row.
    Complete,
    /// Something went wrong, and nothing has been said of it.
    Failed(String),
}

/// One sequence of the batch.
#[derive(Debug)]
pub struct Sequence {
    /// All its tokens: those in the cache, then those that still have to be computed.
    pub tokens: Vec<u32>,
    /// How many of them are in the cache.
    pub computed: usize,
    /// Its blocks of KV memory.
    pub blocks: Vec<BlockId>,
    /// What for.
    pub task: Task,
    /// Set when it must not run any more.
    pub ended: Option<Ended>,
}

impl Sequence {
    /// A sequence that nothing has been computed of.
    pub fn new(tokens: Vec<u32>, task: Task) -> Self {
        Self {
            tokens,
            computed: 0,
            blocks: Vec::new(),
            task,
            ended: None,
        }
    }

    /// Tokens that are not in the cache yet.
    pub fn pending(&self) -> usize {
        self.tokens.len() - self.computed
    }

    /// How many pending tokens the next step takes: up to the next absolute multiple of
    /// [`PREFILL_CHUNK`], so that a prompt is computed in the same pieces whatever else runs.
    pub fn next_rows(&self) -> usize {
        let to_cut = PREFILL_CHUNK - self.computed % PREFILL_CHUNK;
        self.pending().min(to_cut)
    }

    /// Which of the next `rows` rows need logits.
    pub fn heads(&self, rows: usize) -> Heads {
        match &self.task {
            Task::Pass(_) => Heads::All,
            Task::Embed(embedding) => embedding.heads(self.computed, rows, self.pending()),
            Task::Generate(_) if rows == self.pending() => Heads::Last,
            Task::Generate(_) => Heads::None,
        }
    }

    /// Whether somebody asked to end it.
    pub fn is_cancelled(&self) -> bool {
        match &self.task {
            Task::Generate(generation) => generation.is_cancelled(),
            Task::Embed(embedding) => embedding.is_cancelled(),
            Task::Pass(_) => false,
        }
    }

    /// Notes that a step which computes some of its rows begins.
    pub fn begin_step(&mut self, now: Instant) {
        if let Task::Generate(generation) = &mut self.task {
            generation.begin_step(now);
        }
    }

    /// The request whose next token a step with these `heads` draws.
    pub fn drawing(&mut self, heads: &Range<usize>) -> Option<&mut Generation> {
        match &mut self.task {
            Task::Generate(generation) if !heads.is_empty() => Some(generation),
            _ => None,
        }
    }

    /// Takes what a step computed: `logits` `[n_vocab]` is room for one row, `ready` the moment
    /// at which the step ended.
    ///
    /// # Errors
    /// The executor's, or [`crate::Error::Request`] for logits that cannot be drawn from.
    pub fn commit(
        &mut self,
        grant: &Grant,
        exec: &mut dyn Exec,
        logits: &mut [f32],
        setting: &Setting,
        ready: Instant,
    ) -> Result<Option<Event>> {
        let start = self.computed;
        self.computed += grant.rows;
        let event = match &mut self.task {
            Task::Pass(pass) => {
                for (head, next) in grant.heads.clone().zip(start + 1..) {
                    exec.logits(head, logits)?;
                    pass.push(logits, self.tokens.get(next).copied());
                }
                None
            }
            Task::Embed(embedding) => {
                embedding.take(grant, exec)?;
                None
            }
            Task::Generate(generation) => {
                let Some(head) = grant.heads.clone().next() else {
                    return Ok(None);
                };
                exec.logits(head, logits)?;
                let (event, kept) = generation.step(logits, &mut self.tokens, setting, ready)?;
                self.computed = kept.unwrap_or(self.computed);
                Some(event)
            }
        };
        let done = |event: &Event| event.done.is_some();
        if event.as_ref().map_or(self.pending() == 0, done) {
            self.ended = Some(Ended::Complete);
        }
        Ok(event)
    }
}
