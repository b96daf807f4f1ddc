//! Where the program's buffers are put, and how long each place is in use.

use super::super::plan::{Place, Reg, RowOp};
use super::Lowering;
use crate::program::{Buf, Program, RowSet};

#[derive(Clone, Copy, Default)]
pub(super) struct Reads {
    pub(super) count: usize,
    pub(super) last: usize,
}

#[derive(Clone, Copy)]
pub(super) struct RegLife {
    pub(super) rows: usize,
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) forever: bool,
}

impl Lowering<'_> {
    /// The open stage, or the next one, uses a buffer.
    pub(super) fn touch(&mut self, reg: Reg) {
        let stage = self.plan.stages.len();
        let life = &mut self.lives[reg.0];
        life.first = life.first.min(stage);
        life.last = life.last.max(stage);
    }

    pub(super) fn set(&self, buf: Buf) -> RowSet {
        self.program.bufs[buf.0].rows
    }

    /// Where a buffer was put.
    pub(super) fn reg(&self, buf: Buf) -> Reg {
        match self.regs[buf.0] {
            Some(reg) => reg,
            None => unreachable!("the recorder writes buffer {} before it is read", buf.0),
        }
    }

    pub(super) fn new_buf(&mut self, buf: Buf) -> (RowSet, Reg) {
        let spec = self.program.bufs[buf.0];
        let reg = self.new_reg(spec.width, self.max_rows);
        self.regs[buf.0] = Some(reg);
        (spec.rows, reg)
    }

    pub(super) fn new_reg(&mut self, width: usize, rows: usize) -> Reg {
        self.plan.places.push(Place { start: 0, width });
        self.lives.push(RegLife {
            rows,
            first: usize::MAX,
            last: 0,
            forever: false,
        });
        Reg(self.plan.places.len() - 1)
    }

    /// A place for `out` that holds `x`: that of `x` if nothing reads it later, else a copy.
    pub(super) fn in_place(&mut self, index: usize, x: Buf, out: Buf) -> Reg {
        if self.reads[x.0].last == index {
            let reg = self.reg(x);
            self.regs[out.0] = Some(reg);
            return reg;
        }
        self.copied(x, out)
    }

    /// As [`Lowering::in_place`], and not the place `beside`.
    pub(super) fn in_place_beside(&mut self, index: usize, x: Buf, beside: Reg, out: Buf) -> Reg {
        if self.reg(x) == beside {
            return self.copied(x, out);
        }
        self.in_place(index, x, out)
    }

    pub(super) fn copied(&mut self, x: Buf, out: Buf) -> Reg {
        let x = self.reg(x);
        let (set, out) = self.new_buf(out);
        self.row(set, RowOp::Copy { x, out });
        out
    }
}

/// What reads each buffer.
pub(super) fn reads(program: &Program) -> Vec<Reads> {
    let mut reads = vec![Reads::default(); program.bufs.len()];
    let tails = program.tails.iter().flat_map(|tail| &tail.ops);
    for (index, op) in program.ops.iter().chain(tails).enumerate() {
        for buf in op.inputs() {
            reads[buf.0].count += 1;
            reads[buf.0].last = index;
        }
    }
    for tail in &program.tails {
        reads[tail.out.0].count += 1;
        reads[tail.out.0].last = usize::MAX;
    }
    reads
}
