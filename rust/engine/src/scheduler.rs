//! Which rows the next step computes: continuous batching, first come, first served.
//!
//! Every sequence that waits for a single token gets its row in every step. Prompts share a budget
//! of rows in order of arrival: all of it while nobody decodes, one chunk else, so that a long
//! prompt never holds up those who read, and those who read never hold up a prompt.

use std::collections::VecDeque;
use std::ops::Range;

use crate::batch::Batch;
use crate::exec::PREFILL_CHUNK;
use crate::kv::BlockPool;
use crate::program::Output;
use crate::sequence::Sequence;
use crate::{Error, Result};

/// The rows that a step gives to a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its index in [`Scheduler::running`].
    pub index: usize,
    /// Number of rows.
    pub rows: usize,
    /// Its part of [`Batch::head_rows`].
    pub heads: Range<usize>,
    /// Its place in [`Batch::spans`].
    pub span: usize,
}

/// The sequences of an engine, waiting and running, and their blocks.
#[derive(Debug)]
pub struct Scheduler {
    waiting: VecDeque<Sequence>,
    running: Vec<Sequence>,
    pool: BlockPool,
    parallel: usize,
    prefill_rows: usize,
    /// Sequences are computed in one piece each.
    whole: bool,
    /// What the last step computed.
    output: Output,
}

impl Scheduler {
    /// Runs `parallel` sequences at once over `kv_blocks` blocks; a step has room for
    /// `prefill_rows` rows of prompts, at least one chunk.
    ///
    /// With `whole`, a sequence is computed in one piece, which must fit `prefill_rows`.
    pub fn new(parallel: usize, prefill_rows: usize, kv_blocks: usize, whole: bool) -> Self {
        Self {
            waiting: VecDeque::new(),
            running: Vec::new(),
            pool: BlockPool::new(kv_blocks),
            parallel,
            prefill_rows: prefill_rows.max(PREFILL_CHUNK),
            whole,
            output: Output::default(),
        }
    }

    /// Queues a sequence.
    pub fn add(&mut self, sequence: Sequence) {
        self.waiting.push_back(sequence);
    }

    /// Whether nothing waits or runs.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// Unused blocks.
    pub fn free_blocks(&self) -> usize {
        self.pool.free()
    }

    /// The sequences that run, oldest first.
    pub fn running(&mut self) -> &mut [Sequence] {
        &mut self.running
    }

    /// Fills `batch` and `grants` with the rows of the next step.
    ///
    /// # Errors
    /// The index of a running sequence that cannot get its blocks, and why; end it, plan again.
    pub fn plan(
        &mut self,
        batch: &mut Batch,
        grants: &mut Vec<Grant>,
    ) -> Result<(), (usize, Error)> {
        batch.clear();
        grants.clear();
        let room = self.parallel.saturating_sub(self.running.len());
        let admitted = room.min(self.waiting.len());
        self.running.extend(self.waiting.drain(..admitted));
        self.output = self.next_output();
        batch.output = self.output;
        let decoding = self.running.iter().any(|s| s.pending() == 1);
        let mut budget = if decoding {
            PREFILL_CHUNK
        } else {
            self.prefill_rows
        };
        for (index, sequence) in self.running.iter_mut().enumerate() {
            if sequence.task.output() != self.output {
                continue;
            }
            let rows = if self.whole {
                sequence.pending()
            } else {
                sequence.next_rows()
            };
            let free = sequence.pending() == 1 && !self.whole;
            let cost = if free { 0 } else { rows };
            let Some(rest) = budget.checked_sub(cost) else {
                continue;
            };
            budget = rest;
            let (start, end) = (sequence.computed, sequence.computed + rows);
            let grown = self.pool.grow(&mut sequence.blocks, end);
            grown.map_err(|error| (index, error))?;
            let first = batch.head_rows.len();
            let tokens = sequence.tokens.get(start..end).unwrap_or_default();
            batch.push(start, tokens, &sequence.blocks, sequence.heads(rows));
            let heads = first..batch.head_rows.len();
            let span = grants.len();
            grants.push(Grant {
                index,
                rows,
                heads,
                span,
            });
        }
        Ok(())
    }

    /// A step computes one kind of output; where sequences want several, they take turns.
    fn next_output(&self) -> Output {
        let mut wanted = self.running.iter().map(|s| s.task.output());
        let other = wanted.clone().find(|&output| output != self.output);
        other.or_else(|| wanted.next()).unwrap_or_default()
    }

    /// Takes out the sequences that `ends` says, frees their blocks and returns them.
    pub fn remove(&mut self, mut ends: impl FnMut(&Sequence) -> bool) -> Vec<Sequence> {
        let mut removed: Vec<Sequence> = self.running.extract_if(.., |s| ends(s)).collect();
        for sequence in &mut removed {
            self.pool.shrink(&mut sequence.blocks, 0);
        }
        if self.waiting.iter().any(&mut ends) {
            let (gone, stay) = self.waiting.drain(..).partition(|s| ends(s));
            self.waiting = stay;
            removed.extend::<VecDeque<Sequence>>(gone);
        }
        removed
    }
}
