//! The ops that work on each row alone, a group of rows at a time.

use std::ops::Range;

use ollamars_kernels::{self as kernels, GROUP};

use super::plan::{Reg, RowOp};
use super::step::Step;
use crate::batch::BLOCK;
use crate::program::{Cache, Factor, Lookup, RowSet};

impl Step<'_> {
    /// Groups of rows: the units of a rows' stage.
    pub fn groups(&self, set: RowSet) -> usize {
        self.count(set).div_ceil(GROUP)
    }

    /// All ops of a stage on one group of rows.
    pub fn row_ops(&self, set: RowSet, group: usize, ops: &[RowOp]) {
        let rows = group * GROUP..self.count(set).min((group + 1) * GROUP);
        for op in ops {
            // SAFETY: the rows are this thread's; what else an op reads was written in an earlier
            // stage. The buffers of an op are different places: it works in place on one, and the
            // others are beside it.
            unsafe { self.row_op(set, rows.clone(), group, op) };
        }
    }

    /// # Safety
    /// The rows are this thread's until the next barrier.
    unsafe fn row_op(&self, set: RowSet, rows: Range<usize>, group: usize, op: &RowOp) {
        let level = self.level;
        // SAFETY: the caller's promise.
        let read = |reg| unsafe { self.read(reg, rows.clone()) };
        // SAFETY: the caller's promise.
        let write = |reg| unsafe { self.write(reg, rows.clone()) };
        match *op {
            RowOp::Angles { rope, cos, sin } => {
                let rope = &self.program.ropes[rope];
                let pairs = rope.frequencies.len();
                let both = write(cos)
                    .chunks_exact_mut(pairs)
                    .zip(write(sin).chunks_exact_mut(pairs));
                for (row, (cos, sin)) in rows.clone().zip(both) {
                    let position = self.batch.positions[self.batch_row(set, row)];
                    kernels::rotation(position, &rope.frequencies, rope.magnitude, cos, sin);
                }
            }
            RowOp::Embed { table, lookup, out } => {
                let table = self.weights.matrix(table);
                let outs = write(out).chunks_exact_mut(table.inputs());
                for (row, out) in rows.clone().zip(outs) {
                    let row = self.batch_row(set, row);
                    let index = match lookup {
                        Lookup::Token => self.batch.tokens[row],
                        Lookup::Position => self.batch.positions[row],
                        Lookup::First => 0,
                    };
                    table.dequantize_row(index as usize, out);
                }
            }
            RowOp::Gather { x, out } => {
                let width = self.plan.places[out.0].width;
                for (row, out) in rows.clone().zip(write(out).chunks_exact_mut(width)) {
                    let row = self.batch_row(set, row);
                    // SAFETY: written in an earlier stage.
                    out.copy_from_slice(unsafe { self.read(x, row..row + 1) });
                }
            }
            RowOp::Copy { x, out } => write(out).copy_from_slice(read(x)),
            RowOp::Norm {
                x,
                weight,
                eps,
                out,
            } => kernels::rms_norm(level, read(x), self.weights.vector(weight), eps, write(out)),
            RowOp::Rope {
                style,
                cos,
                sin,
                x,
                head_dim,
            } => {
                let [pairs, width] = [cos, x].map(|reg| self.plan.places[reg.0].width);
                let angles = read(cos)
                    .chunks_exact(pairs)
                    .zip(read(sin).chunks_exact(pairs));
                for (x, (cos, sin)) in write(x).chunks_exact_mut(width).zip(angles) {
                    kernels::rope(level, style, cos, sin, x, head_dim);
                }
            }
            RowOp::Scale { x, factor } => {
                let width = self.plan.places[x.0].width;
                for (row, x) in rows.clone().zip(write(x).chunks_exact_mut(width)) {
                    kernels::scale(level, x, self.factor(set, row, factor));
                }
            }
            RowOp::Softcap { x, cap } => kernels::softcap(level, write(x), cap),
            RowOp::LayerNorm {
                x,
                weight,
                bias,
                eps,
                out,
            } => {
                let bias = self.weights.vector_or_zeros(bias, weight);
                let weight = self.weights.vector(weight);
                kernels::layer_norm(level, read(x), weight, bias, eps, write(out));
            }
            RowOp::Pool { x, out } => {
                let width = self.plan.places[out.0].width;
                for (row, out) in rows.clone().zip(write(out).chunks_exact_mut(width)) {
                    self.pool(self.span_heads[row].clone(), x, out);
                }
            }
            RowOp::Activate { x, activation } => {
                kernels::activate(level, activation.into(), write(x));
            }
            RowOp::Glu {
                gate,
                up,
                activation,
            } => kernels::glu(level, activation.into(), write(gate), read(up)),
            RowOp::Add { a, b } => kernels::add(level, write(a), read(b)),
            RowOp::Store { k, v, cache } => self.store(rows.clone(), cache, read(k), read(v)),
            RowOp::Quantize { x, slot } => {
                // SAFETY: the group is this thread's.
                unsafe { self.acts[slot.0].quantize_group(level, read(x), group) };
            }
            RowOp::Choose { logits, experts } => {
                let experts = &self.plan.experts[experts];
                for (row, logits) in rows.clone().zip(read(logits).chunks_exact(experts.count)) {
                    self.routing.choose(level, row, &experts.weights, logits);
                }
            }
            RowOp::Combine { experts, out } => {
                let experts = &self.plan.experts[experts];
                let width = self.plan.places[out.0].width;
                for (row, out) in rows.clone().zip(write(out).chunks_exact_mut(width)) {
                    self.combine(experts, row, out);
                }
            }
        }
    }

    /// The mean of some rows, zeros if there are none.
    fn pool(&self, rows: Range<usize>, x: Reg, out: &mut [f32]) {
        out.fill(0.0);
        for row in rows.clone() {
            // SAFETY: written in an earlier stage.
            kernels::add(self.level, out, unsafe { self.read(x, row..row + 1) });
        }
        if rows.len() > 1 {
            kernels::scale(self.level, out, 1.0 / rows.len() as f32);
        }
    }

    fn factor(&self, set: RowSet, row: usize, factor: Factor) -> f32 {
        match factor {
            Factor::Constant(factor) => factor,
            Factor::Position(temperature) => {
                let position = self.batch.positions[self.batch_row(set, row)] as usize;
                let steps = position / temperature.length;
                1.0 + temperature.scale * ((1 + steps) as f32).ln()
            }
        }
    }

    /// Writes keys and values of rows of the batch to their places in memory.
    fn store(&self, rows: Range<usize>, cache: Cache, k: &[f32], v: &[f32]) {
        let kv = self.kv[cache.0];
        let (keys, values) = (k.len() / rows.len(), v.len() / rows.len());
        let each = k.chunks_exact(keys).zip(v.chunks_exact(values));
        let mut spans = self.batch.spans.iter();
        let mut span = spans.next();
        for (row, (key, value)) in rows.zip(each) {
            while span.is_some_and(|span| row >= span.rows.end) {
                span = spans.next();
            }
            let Some(span) = span else { return };
            let token = span.start + row - span.rows.start;
            let block = self.batch.blocks[span.blocks.clone()][token / BLOCK];
            // SAFETY: a token belongs to one row, and the row to this thread.
            unsafe { kv.write(self.level, block, token % BLOCK, key, value) };
        }
    }
}
