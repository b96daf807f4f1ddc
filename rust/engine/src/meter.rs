//! How fast a model runs here: the steps that the engine would make, without requests and sampling.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::batch::{BLOCK, Batch, BlockId, Heads};
use crate::exec::{Exec, Limits, PREFILL_CHUNK};
use crate::model::Model;
use crate::{Error, Result};

/// What is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterOptions {
    /// Name of the executor; empty: the best there is.
    pub exec: String,
    /// Threads to compute with; 0: as many as there are physical cores.
    pub threads: usize,
    /// Tokens of context of each sequence.
    pub context: usize,
    /// Sequences.
    pub sequences: usize,
}

/// A loaded model whose steps are timed.
pub struct Meter {
    exec: Box<dyn Exec>,
    batch: Batch,
    logits: Vec<f32>,
    blocks: usize,
    options: MeterOptions,
    load: Duration,
}

impl Meter {
    /// Loads the model at `path`.
    ///
    /// # Errors
    /// As [`Model::open`] and [`Model::load`]; [`Error::Request`]: a context or a number of
    /// sequences of 0, or more than can be addressed.
    pub fn open(path: &Path, options: MeterOptions) -> Result<Self> {
        let begin = Instant::now();
        let blocks = options.context.div_ceil(BLOCK);
        let all = blocks.checked_mul(options.sequences);
        let all = all.filter(|&all| all > 0 && BlockId::try_from(all).is_ok());
        let kv_blocks = all.ok_or_else(|| {
            Error::Request(format!(
                "cannot run {} sequences of {} tokens",
                options.sequences, options.context
            ))
        })?;
        let limits = Limits {
            max_rows: PREFILL_CHUNK.max(options.sequences),
            kv_blocks,
            threads: options.threads,
        };
        let model = Model::open(path)?;
        let exec = model.load(&options.exec, options.context, limits)?;
        Ok(Self {
            exec,
            batch: Batch::default(),
            logits: vec![0.0; model.n_vocab()],
            blocks,
            options,
            load: begin.elapsed(),
        })
    }

    /// Name of the executor.
    pub fn exec(&self) -> &str {
        self.exec.name()
    }

    /// Bytes of weights and KV memory.
    pub fn memory(&self) -> u64 {
        self.exec.memory()
    }

    /// From the path to where the first step can run.
    pub fn load_time(&self) -> Duration {
        self.load
    }

    /// The time in which `sequence`, which has `start` tokens in the cache, takes `tokens` more, cut
    /// as the engine cuts them, and the logits of the last one are there.
    ///
    /// # Errors
    /// [`Error::Request`]: beyond the context; the executor's.
    pub fn prefill(&mut self, sequence: usize, start: usize, tokens: usize) -> Result<Duration> {
        self.check(sequence, start, tokens)?;
        let begin = Instant::now();
        let (mut at, end) = (start, start + tokens);
        while at < end {
            let next = end.min((at / PREFILL_CHUNK + 1) * PREFILL_CHUNK);
            let heads = if next == end {
                Heads::Last
            } else {
                Heads::None
            };
            self.batch.clear();
            self.push(sequence, at..next, heads);
            self.step()?;
            at = next;
        }
        Ok(begin.elapsed())
    }

    /// The time in which each of the first `sequences`, which have `start` tokens in the cache, takes
    /// `tokens` more, one a step, with its logits each time.
    ///
    /// # Errors
    /// As [`Meter::prefill`].
    pub fn decode(&mut self, sequences: usize, start: usize, tokens: usize) -> Result<Duration> {
        self.check(sequences.saturating_sub(1), start, tokens)?;
        let begin = Instant::now();
        for at in start..start + tokens {
            self.batch.clear();
            for sequence in 0..sequences {
                self.push(sequence, at..at + 1, Heads::Last);
            }
            self.step()?;
        }
        Ok(begin.elapsed())
    }

    fn check(&self, sequence: usize, start: usize, tokens: usize) -> Result<()> {
        let end = start.checked_add(tokens);
        if sequence < self.options.sequences
            && end.is_some_and(|end| tokens > 0 && end <= self.options.context)
        {
            return Ok(());
        }
        Err(Error::Request(format!(
            "{tokens} tokens after {start} in sequence {sequence} of {} with {} tokens of context",
            self.options.sequences, self.options.context
        )))
    }

    /// Tokens that differ from each other, and are no control tokens where these come first or last.
    fn push(&mut self, sequence: usize, at: std::ops::Range<usize>, heads: Heads) {
        let vocab = self.logits.len();
        let token = |at: usize| ((vocab / 4 + 37 * at + sequence) % (vocab / 2 + 1)) as u32;
        let start = at.start;
        let ids: Vec<u32> = at.map(token).collect();
        let first = sequence * self.blocks;
        let table: Vec<BlockId> = (first..first + self.blocks).map(|b| b as BlockId).collect();
        self.batch.push(start, &ids, &table, heads);
    }

    fn step(&mut self) -> Result<()> {
        self.exec.run(&self.batch)?;
        for head in 0..self.batch.head_rows.len() {
            self.exec.logits(head, &mut self.logits)?;
        }
        Ok(())
    }
}
