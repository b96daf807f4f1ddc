//! What one step computes: rows of several sequences, prompts and single tokens mixed.
//!
//! A row is one token of one sequence. The rows of a sequence are neighbours and ascend in
//! position; before the first of them the sequence has `start` tokens in the cache. The KV memory
//! is paged: token `p` of a sequence lies in slot `p % BLOCK` of block `blocks[p / BLOCK]`.
//!
//! ```
//! use ollamars_engine::batch::{Batch, Heads};
//! let mut batch = Batch::default();
//! batch.push(0, &[5, 6, 7], &[3], Heads::Last);   // a prompt of three tokens
//! batch.push(40, &[9], &[0, 1], Heads::Last);     // a sequence of 40 tokens takes one more
//! assert_eq!(batch.rows(), 4);
//! assert_eq!(batch.head_rows, [2, 3]);
//! assert_eq!(batch.spans[1].kv_len(), 41);
//! ```

use std::ops::Range;

use crate::exec::Limits;
use crate::program::{Output, Program};
use crate::{Error, Result};

/// Tokens in a block of KV memory; the same for every executor.
pub const BLOCK: usize = 32;

/// A block of KV memory: the same index in every layer of a group.
pub type BlockId = u32;

/// Which rows of a pushed sequence need logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heads {
    /// None: a part of a prompt that is not its end.
    None,
    /// The last row only: generation.
    Last,
    /// Every row: perplexity, `Model.logits`.
    All,
    /// The first row only.
    First,
}

/// The part of a batch that belongs to one sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its rows in the batch.
    pub rows: Range<usize>,
    /// Tokens in the cache before these rows; the position of the first row.
    pub start: usize,
    /// Its blocks: a range of [`Batch::blocks`], enough for `kv_len` tokens.
    pub blocks: Range<usize>,
}

impl Span {
    /// Tokens of the sequence after this step.
    pub fn kv_len(&self) -> usize {
        self.start + self.rows.len()
    }
}

/// A ragged batch. All vectors are reused from step to step.
#[derive(Debug, Default, Clone)]
pub struct Batch {
    /// Token ids, one a row.
    pub tokens: Vec<u32>,
    /// Positions in the sequence, one a row.
    pub positions: Vec<u32>,
    /// One for each sequence, in row order; together they cover all rows.
    pub spans: Vec<Span>,
    /// Block tables of all spans, one after the other.
    pub blocks: Vec<BlockId>,
    /// Rows that need logits, ascending. Logits are asked for by the index in this list.
    pub head_rows: Vec<u32>,
    /// What is computed of the head rows.
    pub output: Output,
}

impl Batch {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.tokens.len()
    }

    /// Where each row's token lies in KV memory: row, block, slot in the block.
    pub fn slots(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.runs().flat_map(|(rows, block, slot)| {
            rows.enumerate()
                .map(move |(index, row)| (row, block, slot + index))
        })
    }

    /// As [`Batch::slots`], neighbours together: rows, block, slot of the first.
    pub fn runs(&self) -> impl Iterator<Item = (Range<usize>, usize, usize)> {
        self.spans.iter().flat_map(|span| {
            let table = self.blocks.get(span.blocks.clone()).unwrap_or_default();
            let mut row = span.rows.start;
            std::iter::from_fn(move || {
                let token = span.start + row - span.rows.start;
                let slot = token % BLOCK;
                let end = span.rows.end.min(row + BLOCK - slot);
                let rows = std::mem::replace(&mut row, end)..end;
                let block = *table.get(token / BLOCK)? as usize;
                (!rows.is_empty()).then_some((rows, block, slot))
            })
        })
    }

    /// For each span its part of [`Batch::head_rows`].
    pub fn span_heads(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = 0;
        self.spans.iter().map(move |span| {
            let rest = self.head_rows.get(start..).unwrap_or_default();
            let count = rest.partition_point(|&row| (row as usize) < span.rows.end);
            let heads = start..start + count;
            start = heads.end;
            heads
        })
    }

    /// Whether an executor with these `limits` can run `program` on it.
    ///
    /// # Errors
    /// [`Error::Request`] names what is beyond them.
    pub fn check(&self, program: &Program, limits: &Limits) -> Result<()> {
        let n_vocab = program.n_vocab();
        let wrong = |why: String| Err(Error::Request(why));
        if self.rows() == 0 || self.rows() > limits.max_rows {
            return wrong(format!("{} rows, at most {}", self.rows(), limits.max_rows));
        }
        if let Some(token) = self.tokens.iter().find(|&&token| token as usize >= n_vocab) {
            return wrong(format!(
                "token {token} is outside the vocabulary of {n_vocab} tokens"
            ));
        }
        let last = self.positions.iter().max().copied().unwrap_or(0);
        if let Some(most) = program.n_positions().filter(|&most| last as usize >= most) {
            return wrong(format!("position {last} of a model with {most} positions"));
        }
        if program.is_encoder() && self.spans.iter().any(|span| span.start > 0) {
            return wrong("a part of a text for a model that reads whole texts".to_string());
        }
        if let Some(block) = self
            .blocks
            .iter()
            .find(|&&id| id as usize >= limits.kv_blocks)
        {
            return wrong(format!("block {block} of {}", limits.kv_blocks));
        }
        let short = |span: &&Span| span.blocks.len() * BLOCK < span.kv_len();
        if let Some(span) = self.spans.iter().find(short) {
            return wrong(format!(
                "{} blocks for {} tokens",
                span.blocks.len(),
                span.kv_len()
            ));
        }
        match self
            .head_rows
            .iter()
            .find(|&&row| row as usize >= self.rows())
        {
            Some(row) => wrong(format!("head row {row} of {}", self.rows())),
            None => Ok(()),
        }
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.tokens.clear();
        self.positions.clear();
        self.spans.clear();
        self.blocks.clear();
        self.head_rows.clear();
        self.output = Output::default();
    }

    /// Appends the next `tokens` of a sequence that has `start` tokens in the cache.
    ///
    /// `blocks` is the sequence's table and must hold `start + tokens.len()` tokens.
    pub fn push(&mut self, start: usize, tokens: &[u32], blocks: &[BlockId], heads: Heads) {
        debug_assert!(blocks.len() * BLOCK >= start + tokens.len());
        let first = self.tokens.len();
        let rows = first..first + tokens.len();
        self.tokens.extend_from_slice(tokens);
        self.positions
            .extend((start..start + tokens.len()).map(|p| p as u32));
        match heads {
            Heads::None => {}
            Heads::Last => self
                .head_rows
                .extend(rows.clone().next_back().map(|r| r as u32)),
            Heads::First => self.head_rows.extend(rows.clone().next().map(|r| r as u32)),
            Heads::All => self.head_rows.extend(rows.clone().map(|r| r as u32)),
        }
        let table = self.blocks.len();
        self.blocks.extend_from_slice(blocks);
        self.spans.push(Span {
            rows,
            start,
            blocks: table..self.blocks.len(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_with_their_block() {
        let mut batch = Batch::default();
        batch.push(30, &[1; 36], &[7, 3, 5], Heads::None);
        batch.push(4, &[], &[1], Heads::Last);
        batch.push(64, &[2], &[0, 2, 9], Heads::Last);
        let runs: Vec<_> = batch.runs().collect();
        assert_eq!(
            runs,
            [(0..2, 7, 30), (2..34, 3, 0), (34..36, 5, 0), (36..37, 9, 0)]
        );
        let slots: Vec<_> = batch.slots().skip(33).collect();
        assert_eq!(slots, [(33, 3, 31), (34, 5, 0), (35, 5, 1), (36, 9, 0)]);
        assert_eq!(batch.head_rows, [36]);
        let heads: Vec<_> = batch.span_heads().collect();
        assert_eq!(heads, [0..0, 0..0, 0..1]);
    }
}
