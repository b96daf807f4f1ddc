//! One step: the ops of a program, one after the other.

use candle_core::{Device, Result, Tensor, bail};

use super::angles::Angles;
use super::memory::Memory;
use super::weights::Weights;
use super::{Route, experts, ops};
use crate::batch::Batch;
use crate::program::{Buf, Op, Program, Tail};

/// Everything that a step reads.
pub struct Step<'a> {
    pub program: &'a Program,
    pub dead: &'a [Vec<Buf>],
    pub weights: &'a Weights,
    pub memory: &'a Memory,
    pub device: &'a Device,
    pub route: Route,
    pub batch: &'a Batch,
}

/// The buffers that have been written.
type Bufs = Vec<Option<Tensor>>;

impl Step<'_> {
    /// Runs the trunk and a tail; gives the tail's result.
    pub fn run(&self, tail: &Tail) -> Result<Tensor> {
        let angle = |rope| Angles::new(rope, &self.batch.positions);
        let angles: Vec<Angles> = self.program.ropes.iter().map(angle).collect();
        let mut bufs: Bufs = vec![None; self.program.bufs.len()];
        let last = self.last_attention();
        for (index, (op, dead)) in self.program.ops.iter().zip(self.dead).enumerate() {
            self.op(op, &angles, &mut bufs)?;
            for buf in dead {
                bufs[buf.0] = None;
            }
            // Nothing is wanted of these rows, and all of them are in the last layer's memory.
            if self.batch.head_rows.is_empty() && Some(index) == last {
                return Tensor::zeros((0, 0), candle_core::DType::F32, self.device);
            }
        }
        for op in &tail.ops {
            self.op(op, &angles, &mut bufs)?;
        }
        get(&bufs, tail.out).cloned()
    }

    /// Index of the last op that writes to memory.
    fn last_attention(&self) -> Option<usize> {
        let attends = |op: &Op| matches!(op, Op::Attend { .. });
        self.program.ops.iter().rposition(attends)
    }

    fn op(&self, op: &Op, angles: &[Angles], bufs: &mut Bufs) -> Result<()> {
        let x = |buf: Buf| get(bufs, buf);
        let result = match op {
            Op::Embed { table, lookup, .. } => {
                let rows = ops::lookup(self.batch, *lookup);
                self.weights.embed(*table, &rows, self.device)
            }
            Op::Norm {
                x: buf,
                kind,
                eps,
                weight,
                bias,
                ..
            } => {
                let bias = bias.map(|bias| self.weights.vector(bias)).transpose()?;
                let weight = self.weights.vector(*weight)?;
                ops::norm(x(*buf)?, *kind, *eps, weight, bias)
            }
            Op::Linear {
                x: buf,
                weight,
                bias,
                ..
            } => {
                let bias = bias.map(|bias| self.weights.vector(bias)).transpose()?;
                self.weights.linear(*weight, x(*buf)?, bias)
            }
            Op::Rope {
                x: buf,
                rope,
                heads,
                ..
            } => match angles.get(*rope) {
                Some(angles) => self.route.rope(x(*buf)?, angles, *heads),
                None => bail!("no rotation {rope}"),
            },
            Op::Attend {
                q,
                k,
                v,
                cache,
                shape,
                ..
            } => {
                let layer = self.memory.layer(*cache)?;
                let qkv = [x(*q)?, x(*k)?, x(*v)?];
                self.route.attend(self.batch, qkv, layer, *shape)
            }
            Op::Glu {
                gate,
                up,
                activation,
                ..
            } => self.route.glu(x(*gate)?, x(*up)?, *activation),
            Op::Activate {
                x: buf, activation, ..
            } => self.route.activate(x(*buf)?, *activation),
            Op::Pool { x: buf, .. } => ops::pool(self.batch, x(*buf)?),
            Op::Moe {
                x: buf,
                logits,
                experts,
                ..
            } => experts::moe(x(*buf)?, x(*logits)?, experts, self.weights, self.route),
            Op::Add { a, b, .. } => self.route.add(x(*a)?, x(*b)?),
            Op::Scale { x: buf, factor, .. } => {
                ops::scale(x(*buf)?, *factor, &self.batch.positions, self.device)
            }
            Op::Rows { x: buf, .. } => {
                let rows = &self.batch.head_rows;
                let rows = Tensor::from_slice(rows, rows.len(), self.device)?;
                x(*buf)?.index_select(&rows, 0)
            }
            Op::Softcap { x: buf, cap, .. } => ops::softcap(x(*buf)?, *cap),
        };
        bufs[op.out().0] = Some(result?);
        Ok(())
    }
}

fn get(bufs: &Bufs, buf: Buf) -> Result<&Tensor> {
    match bufs.get(buf.0) {
        Some(Some(tensor)) => Ok(tensor),
        _ => bail!("buffer {} is empty", buf.0),
    }
}

/// For each op of the trunk the buffers that it or an earlier op wrote or read last.
pub fn dead_after(program: &Program) -> Vec<Vec<Buf>> {
    let mut live = vec![false; program.bufs.len()];
    for tail in &program.tails {
        live[tail.out.0] = true;
        for buf in tail.ops.iter().flat_map(Op::inputs) {
            live[buf.0] = true;
        }
    }
    let mut dead = Vec::with_capacity(program.ops.len());
    for op in program.ops.iter().rev() {
        let last = |buf: &Buf| !std::mem::replace(&mut live[buf.0], true);
        dead.push(op.inputs().filter(last).collect());
    }
    dead.reverse();
    dead
}
