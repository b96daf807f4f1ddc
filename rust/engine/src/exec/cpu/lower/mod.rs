//! From a program to a plan: ops go into stages, neighbours are joined.
//!
//! - Ops on rows follow each other in one stage, quantizing for the products that come next included.
//! - Products that share their input are one stage. A gate and what it gates are computed panel by
//!   panel together, a residual is added to where it lies.
//! - What an op may overwrite, because nothing reads it later, it overwrites.

mod buffers;
mod stages;

use super::arena::{Life, arrange};
use super::plan::{
    Attend, Ending, Held, Mixture, Part, Plan, Product, Reg, RowOp, Slot, SlotSpec, Stage, Then,
    places,
};
use super::weights::Weights;
use crate::program::{Buf, Experts, Op, Program, RowSet};
use crate::spec::NormKind;
use buffers::{Reads, RegLife, reads};
use ollamars_kernels::{ActKind, RopeStyle};
use stages::Open;

/// Lowers a program for steps of up to `max_rows` rows on `threads` threads.
pub fn lower(program: &Program, weights: &Weights, max_rows: usize, threads: usize) -> Plan {
    let mut lowering = Lowering::new(program, weights, max_rows, threads);
    let mut index = 0;
    for op in &program.ops {
        lowering.op(index, op);
        index += 1;
    }
    lowering.close();
    lowering.plan.trunk = lowering.plan.stages.len();
    let (held, angles) = (lowering.held.clone(), lowering.angles.clone());
    for tail in &program.tails {
        // Only the trunk has run before a tail.
        lowering.held.fill(None);
        lowering.held[..held.len()].copy_from_slice(&held);
        lowering.angles.clone_from(&angles);
        let first = lowering.plan.stages.len();
        for op in &tail.ops {
            lowering.op(index, op);
            index += 1;
        }
        lowering.close();
        let out = lowering.reg(tail.out);
        lowering.lives[out.0].forever = true;
        let stages = first..lowering.plan.stages.len();
        let output = tail.output;
        let set = lowering.set(tail.out);
        lowering.plan.endings.push(Ending {
            output,
            stages,
            out,
            set,
        });
    }
    lowering.finish()
}

struct Lowering<'a> {
    program: &'a Program,
    weights: &'a Weights,
    max_rows: usize,
    threads: usize,
    plan: Plan,
    /// How often each buffer is read, and by which op last.
    reads: Vec<Reads>,
    /// Where each buffer was put.
    regs: Vec<Option<Reg>>,
    lives: Vec<RegLife>,
    open: Open,
    /// Which buffer each slot holds.
    held: Vec<Option<Buf>>,
    /// Cosines and sines of a rotation for rows of a set.
    angles: Vec<(usize, RowSet, [Reg; 2])>,
}

impl<'a> Lowering<'a> {
    fn new(program: &'a Program, weights: &'a Weights, max_rows: usize, threads: usize) -> Self {
        Self {
            program,
            weights,
            max_rows,
            threads,
            plan: Plan::default(),
            reads: reads(program),
            regs: vec![None; program.bufs.len()],
            lives: Vec::new(),
            open: Open::Nothing,
            held: Vec::new(),
            angles: Vec::new(),
        }
    }

    fn finish(mut self) -> Plan {
        let stages = self.plan.stages.len();
        let lives = self.lives.iter().zip(&self.plan.places);
        let lives: Vec<Life> = lives
            .map(|(life, place)| Life {
                size: life.rows * place.width,
                stages: life.first..=if life.forever { stages } else { life.last },
            })
            .collect();
        let (starts, size) = arrange(&lives);
        for (place, start) in self.plan.places.iter_mut().zip(starts) {
            place.start = start;
        }
        self.plan.arena = size;
        self.plan
    }

    fn op(&mut self, index: usize, op: &Op) {
        match *op {
            Op::Embed { table, lookup, out } => {
                let (set, out) = self.new_buf(out);
                self.row(set, RowOp::Embed { table, lookup, out });
            }
            Op::Norm {
                x,
                kind,
                eps,
                weight,
                bias,
                out,
            } => {
                let x = self.reg(x);
                let (set, out) = self.new_buf(out);
                let norm = match kind {
                    NormKind::Rms => RowOp::Norm {
                        x,
                        weight,
                        eps,
                        out,
                    },
                    NormKind::Layer => RowOp::LayerNorm {
                        x,
                        weight,
                        bias,
                        eps,
                        out,
                    },
                };
                self.row(set, norm);
            }
            Op::Linear {
                x,
                weight,
                bias,
                out,
            } => {
                let slot = self.quantized(x, self.weights.act_kind(weight));
                let (set, reg) = self.new_buf(out);
                let product = Product {
                    weight,
                    slot,
                    bias,
                    out: reg,
                };
                self.product(set, product, out);
            }
            Op::Rope {
                x,
                rope,
                heads,
                out,
            } => {
                let set = self.set(x);
                let [cos, sin] = self.angles(rope, set);
                let x = self.in_place(index, x, out);
                let style = match self.program.ropes[rope].style {
                    crate::spec::RopeStyle::Normal => RopeStyle::Normal,
                    crate::spec::RopeStyle::Neox => RopeStyle::Neox,
                };
                let head_dim = self.plan.places[x.0].width / heads;
                self.row(
                    set,
                    RowOp::Rope {
                        style,
                        cos,
                        sin,
                        x,
                        head_dim,
                    },
                );
            }
            Op::Attend { .. } => self.attend(op),
            Op::Glu {
                gate,
                up,
                activation,
                out,
            } => {
                if self.joins_glu(gate, up) {
                    return self.join_glu(Then::Glu(activation), gate, out);
                }
                let set = self.set(gate);
                let up = self.reg(up);
                let gate = self.in_place_beside(index, gate, up, out);
                self.row(
                    set,
                    RowOp::Glu {
                        gate,
                        up,
                        activation,
                    },
                );
            }
            Op::Activate { x, activation, out } => {
                if self.last_product(x) {
                    let reg = self.reg(x);
                    self.join(Then::Activate(activation));
                    self.regs[out.0] = Some(reg);
                    return;
                }
                let set = self.set(x);
                let x = self.in_place(index, x, out);
                self.row(set, RowOp::Activate { x, activation });
            }
            Op::Pool { x, out } => {
                let x = self.reg(x);
                let (set, out) = self.new_buf(out);
                self.row(set, RowOp::Pool { x, out });
            }
            Op::Moe {
                x,
                logits,
                experts,
                out,
            } => self.moe(x, logits, experts, out),
            Op::Add { a, b, out } => {
                for (a, b) in [(a, b), (b, a)] {
                    if self.joins_add(index, a, b) {
                        let to = self.reg(a);
                        self.join(Then::AddTo(to));
                        self.regs[out.0] = Some(to);
                        return;
                    }
                }
                let (set, b) = (self.set(a), self.reg(b));
                let a = self.in_place_beside(index, a, b, out);
                self.row(set, RowOp::Add { a, b });
            }
            Op::Scale { x, factor, out } => {
                let set = self.set(x);
                let x = self.in_place(index, x, out);
                self.row(set, RowOp::Scale { x, factor });
            }
            Op::Rows { x, out } => {
                let x = self.reg(x);
                let (set, out) = self.new_buf(out);
                self.row(set, RowOp::Gather { x, out });
            }
            Op::Softcap { x, cap, out } => {
                if self.last_product(x) {
                    let reg = self.reg(x);
                    self.join(Then::Softcap(cap));
                    self.regs[out.0] = Some(reg);
                    return;
                }
                let set = self.set(x);
                let x = self.in_place(index, x, out);
                self.row(set, RowOp::Softcap { x, cap });
            }
        }
    }

    fn attend(&mut self, op: &Op) {
        let Op::Attend {
            q,
            k,
            v,
            cache,
            shape,
            out,
        } = *op
        else {
            return;
        };
        let [q, k, v] = [q, k, v].map(|buf| self.reg(buf));
        let (set, out) = self.new_buf(out);
        self.row(set, RowOp::Store { k, v, cache });
        self.close();
        self.plan.stored = self.plan.stages.len();
        let masks = &mut self.plan.masks;
        let mask = masks.iter().position(|&known| known == shape.mask);
        let mask = mask.unwrap_or_else(|| {
            masks.push(shape.mask);
            masks.len() - 1
        });
        let (heads, scale) = (shape.heads, shape.scale);
        [q, out].into_iter().for_each(|reg| self.touch(reg));
        self.plan.stages.push(Stage::Attend(Attend {
            q,
            out,
            cache,
            heads,
            scale,
            mask,
        }));
    }

    fn moe(&mut self, x: Buf, logits: Buf, weights: Experts, out: Buf) {
        let (set, from, logits) = (self.set(x), self.reg(x), self.reg(logits));
        let (count, used) = (self.weights.count(weights.up), weights.used);
        let (width, hidden) = (
            self.plan.places[from.0].width,
            self.weights.outputs(weights.up),
        );
        let rows = places(self.max_rows * used, count);
        let kinds = [weights.gate.unwrap_or(weights.up), weights.up]
            .map(|weight| self.weights.act_kind(weight));
        let mixture = Mixture {
            set,
            count,
            used,
            x: from,
            sent: self.new_reg(width, rows),
            gate: self.new_reg(hidden, rows),
            up: self.new_reg(hidden, rows),
            down: self.new_reg(width, rows),
            weights,
            slots: kinds.map(|kind| self.slot(kind, width, Held::Routed)),
            hidden: self.slot(self.weights.act_kind(weights.down), hidden, Held::Routed),
        };
        let experts = self.plan.experts.len();
        self.plan.experts.push(mixture);
        self.row(set, RowOp::Choose { logits, experts });
        self.close();
        let Mixture {
            sent,
            gate,
            up,
            down,
            ..
        } = mixture;
        for (part, regs) in [
            (Part::Sort, [from, from]),
            (Part::Send, [from, sent]),
            (Part::GateUp, [gate, up]),
            (Part::Hidden, [gate, gate]),
            (Part::Down, [down, down]),
        ] {
            regs.into_iter().for_each(|reg| self.touch(reg));
            self.plan.stages.push(Stage::Experts { experts, part });
        }
        self.touch(down);
        let (set, out) = self.new_buf(out);
        self.row(set, RowOp::Combine { experts, out });
    }

    /// The slot that holds `x` in a form, filled by an earlier stage.
    fn quantized(&mut self, x: Buf, kind: ActKind) -> Slot {
        let (set, reg) = (self.set(x), self.reg(x));
        let inputs = self.plan.places[reg.0].width;
        let slot = self.slot(kind, inputs, Held::Set(set));
        if self.held[slot.0] != Some(x) {
            for kind in self.kinds_of(x) {
                let slot = self.slot(kind, inputs, Held::Set(set));
                self.row(set, RowOp::Quantize { x: reg, slot });
                self.held[slot.0] = Some(x);
            }
        }
        if let Open::Rows(..) = self.open {
            self.close();
        }
        slot
    }

    /// The forms in which products need `x`.
    fn kinds_of(&self, x: Buf) -> Vec<ActKind> {
        let tails = self.program.tails.iter().flat_map(|tail| &tail.ops);
        let mut kinds = Vec::new();
        for op in self.program.ops.iter().chain(tails) {
            if let Op::Linear {
                x: input, weight, ..
            } = op
                && *input == x
            {
                let kind = self.weights.act_kind(*weight);
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        kinds
    }

    fn slot(&mut self, kind: ActKind, inputs: usize, held: Held) -> Slot {
        let spec = SlotSpec { kind, inputs, held };
        let known = self.plan.slots.iter().position(|&known| known == spec);
        Slot(known.unwrap_or_else(|| {
            self.plan.slots.push(spec);
            self.held.push(None);
            self.plan.slots.len() - 1
        }))
    }

    fn angles(&mut self, rope: usize, set: RowSet) -> [Reg; 2] {
        let known = |&&(known, rows, _): &&(usize, RowSet, _)| known == rope && rows == set;
        if let Some(&(_, _, regs)) = self.angles.iter().find(known) {
            return regs;
        }
        let pairs = self.program.ropes[rope].frequencies.len();
        let regs = [(); 2].map(|()| self.new_reg(pairs, self.max_rows));
        let [cos, sin] = regs;
        self.row(set, RowOp::Angles { rope, cos, sin });
        self.angles.push((rope, set, regs));
        regs
    }
}
