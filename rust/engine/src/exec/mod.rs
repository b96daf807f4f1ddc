//! The seam: a recorded program above, the machine below.
//!
//! An executor owns the weights and the KV memory. The interface assumes nothing about where they
//! are: only the logits of chosen rows come back.

pub mod candle;
pub mod cpu;
mod machine;
mod source;

use crate::Result;
use crate::batch::Batch;

/// Prompts are cut at absolute multiples of so many tokens, and a sequence gets at most one such
/// piece in a step. Its numbers are then the same alone and among others even with an executor whose
/// bits depend on the cut; those of [`candle`] on the CPU do not.
pub const PREFILL_CHUNK: usize = 128;

/// How large an executor must plan its buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most rows of a batch.
    pub max_rows: usize,
    /// Blocks of KV memory ([`crate::batch::BLOCK`] tokens each).
    pub kv_blocks: usize,
    /// Threads to compute with; 0: as many as there are physical cores.
    pub threads: usize,
}

/// Runs a program that it was given at load.
///
/// Contract on the CPU: a row's bits do not depend on the other rows of the batch.
pub trait Exec: Send {
    /// Name and device, such as `candle/cpu`.
    fn name(&self) -> &str;

    /// Bytes held by weights and KV memory.
    fn memory(&self) -> u64;

    /// One step: writes K and V of every row into the cache, computes the head rows.
    fn run(&mut self, batch: &Batch) -> Result<()>;

    /// Logits `[n_vocab]` of the `index`-th head row of the last step, written to `out`; or what else
    /// the batch asked for ([`crate::batch::Batch::output`]).
    fn logits(&mut self, index: usize, out: &mut [f32]) -> Result<()>;
}
