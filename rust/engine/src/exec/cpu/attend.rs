//! Attention of some rows of a sequence for one KV head.

use std::ops::Range;

use ollamars_kernels::{AttentionScratch, AttentionShape, Queries as Rows, attend};

use super::plan::Attend;
use super::step::{Queries, Step};
use crate::batch::Batch;
use crate::spec::Mask;

/// Rows of a unit.
const ROWS: usize = 16;

impl Step<'_> {
    /// Units of a stage: pieces of sequences, each for every KV head.
    pub fn attend_units(&self, attend: &Attend) -> usize {
        self.queries.len() * self.kv_heads(attend)
    }

    fn kv_heads(&self, attend: &Attend) -> usize {
        self.program.caches[attend.cache.0].heads
    }

    /// One unit.
    pub fn attend(&self, op: &Attend, unit: usize, scratch: &mut AttentionScratch) {
        // The last rows of a sequence see most: they come first.
        let (piece, kv_head) = (unit / self.kv_heads(op), unit % self.kv_heads(op));
        let Queries { span, rows } = self.queries[self.queries.len() - 1 - piece].clone();
        let shape = AttentionShape {
            heads: op.heads,
            scale: op.scale,
            softcap: None,
        };
        let queries = Rows {
            // SAFETY: written in an earlier stage.
            q: unsafe { self.read(op.q, rows.clone()) },
            visible: &self.visible[op.mask][rows.clone()],
            table: &self.batch.blocks[self.batch.spans[span].blocks.clone()],
        };
        let (kv, out) = (&self.kv[op.cache.0], self.shared(op.out, rows));
        // SAFETY: this head of these rows is this thread's; keys and values are of an earlier stage.
        unsafe { attend(self.level, &shape, kv, kv_head, &queries, out, scratch) };
    }
}

/// Cuts the rows of a batch for attention, and lists what each sees through each mask.
pub fn prepare(
    batch: &Batch,
    masks: &[Mask],
    queries: &mut Vec<Queries>,
    visible: &mut [Vec<Range<usize>>],
) {
    queries.clear();
    for (span, of) in batch.spans.iter().enumerate() {
        let mut rows = of.rows.clone();
        while !rows.is_empty() {
            let end = rows.end.min(rows.start + ROWS);
            queries.push(Queries {
                span,
                rows: rows.start..end,
            });
            rows.start = end;
        }
    }
    for (mask, visible) in masks.iter().zip(visible) {
        visible.clear();
        for span in &batch.spans {
            let tokens = span.kv_len();
            visible.extend((span.start..tokens).map(|position| mask.visible(position, tokens)));
        }
    }
}
