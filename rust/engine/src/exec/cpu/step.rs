//! One step: every thread walks the stages and meets the others after each.
//!
//! All access to the arena is here and in the files of the stages. What makes it sound is said once:
//! a unit of a stage writes places that no other unit of this stage touches (its rows, or its
//! columns of all rows), and reads what earlier stages wrote or what it wrote itself.

use std::ops::Range;

use ollamars_kernels::{ActsView, AttentionScratch, Cursor, KvView, Level, Shared, Worker};

use super::experts::Routing;
use super::plan::{Plan, Reg, Stage};
use super::weights::Weights;
use crate::batch::Batch;
use crate::program::{Program, RowSet};

/// What shares its cache lines with nothing else.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Line<T>(pub T);

/// Some rows of a sequence that attend together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queries {
    /// An index of the batch's spans.
    pub span: usize,
    /// Rows of the batch.
    pub rows: Range<usize>,
}

/// Everything that the threads of a step share.
pub struct Step<'a> {
    pub program: &'a Program,
    pub plan: &'a Plan,
    pub weights: &'a Weights,
    pub level: Level,
    pub batch: &'a Batch,
    pub arena: Shared<'a, f32>,
    /// One for each slot.
    pub acts: &'a [ActsView<'a>],
    /// One for each layer's cache.
    pub kv: &'a [KvView<'a>],
    /// For each mask the positions that each row sees.
    pub visible: &'a [Vec<Range<usize>>],
    /// For each span its head rows.
    pub span_heads: &'a [Range<usize>],
    /// All rows, cut for attention.
    pub queries: &'a [Queries],
    pub routing: Routing<'a>,
    /// One for each stage.
    pub cursors: &'a [Line<Cursor>],
}

impl Step<'_> {
    /// This thread's part of some stages.
    pub fn work(&self, worker: &Worker<'_>, stages: Range<usize>, scratch: &mut AttentionScratch) {
        for index in stages {
            self.stage(index, worker, scratch);
            worker.barrier();
        }
    }

    fn stage(&self, index: usize, worker: &Worker<'_>, scratch: &mut AttentionScratch) {
        let cursor = &self.cursors[index].0;
        let units = |count| std::iter::from_fn(move || Some(cursor.take(count, 1)?.start));
        match &self.plan.stages[index] {
            Stage::Rows { set, ops } => {
                for group in units(self.groups(*set)) {
                    self.row_ops(*set, group, ops);
                }
            }
            Stage::Products {
                set,
                joints,
                units: all,
            } => {
                for unit in units(all.len()) {
                    self.panels(*set, joints, &all[unit]);
                }
            }
            Stage::Attend(attend) => {
                for unit in units(self.attend_units(attend)) {
                    self.attend(attend, unit, scratch);
                }
            }
            Stage::Experts { experts, part } => {
                let experts = &self.plan.experts[*experts];
                for unit in units(self.expert_units(experts, *part, worker.threads())) {
                    self.expert_part(experts, *part, unit, worker.threads());
                }
            }
        }
    }

    /// Number of rows.
    pub fn count(&self, set: RowSet) -> usize {
        match set {
            RowSet::All => self.batch.rows(),
            RowSet::Heads => self.batch.head_rows.len(),
            RowSet::Spans => self.batch.spans.len(),
        }
    }

    /// The row of the batch that is row `index` of a set.
    pub fn batch_row(&self, set: RowSet, index: usize) -> usize {
        match set {
            RowSet::All => index,
            RowSet::Heads => self.batch.head_rows[index] as usize,
            RowSet::Spans => self.batch.spans[index].rows.end - 1,
        }
    }

    /// Rows of a buffer, to read.
    ///
    /// # Safety
    /// No thread writes to them before the next barrier, nor does this one through another slice.
    pub unsafe fn read(&self, reg: Reg, rows: Range<usize>) -> &[f32] {
        // SAFETY: the caller's promise.
        unsafe { self.arena.part(self.values(reg, rows)) }
    }

    /// Rows of a buffer, to write.
    ///
    /// # Safety
    /// They are this thread's until the next barrier, and of one slice.
    #[allow(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    pub unsafe fn write(&self, reg: Reg, rows: Range<usize>) -> &mut [f32] {
        // SAFETY: the caller's promise.
        unsafe { self.arena.part_mut(self.values(reg, rows)) }
    }

    /// Some columns of a row, to write.
    ///
    /// # Safety
    /// As [`Step::write`].
    #[allow(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    pub unsafe fn write_columns(&self, reg: Reg, row: usize, columns: Range<usize>) -> &mut [f32] {
        let start = self.values(reg, row..row).start;
        // SAFETY: the caller's promise.
        unsafe {
            self.arena
                .part_mut(start + columns.start..start + columns.end)
        }
    }

    /// Rows of a buffer, for several threads.
    pub fn shared(&self, reg: Reg, rows: Range<usize>) -> Shared<'_, f32> {
        self.arena.range(self.values(reg, rows))
    }

    fn values(&self, reg: Reg, rows: Range<usize>) -> Range<usize> {
        let place = self.plan.places[reg.0];
        place.start + rows.start * place.width..place.start + rows.end * place.width
    }
}
