//! Writes down a [`Program`] while the decoder runs.

use std::collections::HashMap;

use crate::program::{
    Buf, BufSpec, Cache, CacheSpec, Experts, Factor, Lookup, Op, Output, Program, RowSet, Tail,
    Weight,
};
use crate::spec::{Activation, AttentionShape, Linear, Mask, Moe, Norm, Part, Rope, Temperature};

/// Every method appends an op and returns the buffer that it writes.
#[derive(Debug, Default)]
pub struct Recorder {
    program: Program,
    weights: HashMap<Part, Weight>,
}

impl Recorder {
    /// A recorder for a model with these rotations.
    pub fn new(ropes: &[Rope]) -> Self {
        let program = Program {
            ropes: ropes.to_vec(),
            ..Program::default()
        };
        Self {
            program,
            weights: HashMap::new(),
        }
    }

    /// The program.
    pub fn finish(self) -> Program {
        self.program
    }

    /// Rows of a table.
    pub fn embed(&mut self, table: &Part, lookup: Lookup) -> Buf {
        let out = self.buf(RowSet::All, table.columns());
        let table = self.weight(table);
        self.push(Op::Embed { table, lookup, out })
    }

    /// Adds rows of a table, where the model has one.
    pub fn add_embed_if(&mut self, x: Buf, table: Option<&Part>, lookup: Lookup) -> Buf {
        let Some(table) = table else {
            return x;
        };
        let rows = self.embed(table, lookup);
        self.add(x, rows)
    }

    /// A norm of each group.
    pub fn norm(&mut self, x: Buf, norm: &Norm) -> Buf {
        let out = self.like(x);
        let weight = self.weight(&norm.weight);
        let bias = norm.bias.as_ref().map(|bias| self.weight(bias));
        let (kind, eps) = (norm.kind, norm.eps);
        self.push(Op::Norm {
            x,
            kind,
            eps,
            weight,
            bias,
            out,
        })
    }

    /// A norm where the model has one.
    pub fn norm_if(&mut self, x: Buf, norm: Option<&Norm>) -> Buf {
        norm.map_or(x, |norm| self.norm(x, norm))
    }

    /// `weight x + bias`.
    pub fn linear(&mut self, x: Buf, linear: &Linear) -> Buf {
        let out = self.buf(self.rows_of(x), linear.weight.rows());
        let weight = self.weight(&linear.weight);
        let bias = linear.bias.as_ref().map(|bias| self.weight(bias));
        self.push(Op::Linear {
            x,
            weight,
            bias,
            out,
        })
    }

    /// Turns heads by position.
    pub fn rope(&mut self, x: Buf, rope: usize, heads: usize) -> Buf {
        let out = self.like(x);
        self.push(Op::Rope {
            x,
            rope,
            heads,
            out,
        })
    }

    /// Attention, with a KV memory of its own where later steps go on from here.
    pub fn attend(&mut self, q: Buf, k: Buf, v: Buf, shape: AttentionShape) -> Buf {
        let spec = CacheSpec {
            heads: shape.kv_heads,
            key_dim: shape.key_dim,
            value_dim: shape.value_dim,
        };
        let caches = &mut self.program.caches;
        let shared = match shape.mask {
            Mask::Causal(_) => None,
            Mask::Whole(_) => caches.iter().position(|&known| known == spec),
        };
        let cache = Cache(shared.unwrap_or_else(|| {
            caches.push(spec);
            caches.len() - 1
        }));
        let out = self.buf(self.rows_of(q), shape.heads * shape.value_dim);
        self.push(Op::Attend {
            q,
            k,
            v,
            cache,
            shape,
            out,
        })
    }

    /// `activation(gate) · up`.
    pub fn glu(&mut self, gate: Buf, up: Buf, activation: Activation) -> Buf {
        let out = self.like(gate);
        self.push(Op::Glu {
            gate,
            up,
            activation,
            out,
        })
    }

    /// `activation(x)`.
    pub fn activate(&mut self, x: Buf, activation: Activation) -> Buf {
        let out = self.like(x);
        self.push(Op::Activate { x, activation, out })
    }

    /// A mixture of experts, its router included.
    pub fn moe(&mut self, x: Buf, moe: &Moe) -> Buf {
        let logits = self.linear(x, &moe.router);
        let experts = Experts {
            gate: moe.gate.as_ref().map(|gate| self.weight(gate)),
            up: self.weight(&moe.up),
            down: self.weight(&moe.down),
            used: moe.used,
            activation: moe.activation,
            shares: moe.shares,
        };
        let out = self.like(x);
        self.push(Op::Moe {
            x,
            logits,
            experts,
            out,
        })
    }

    /// `a + b`.
    pub fn add(&mut self, a: Buf, b: Buf) -> Buf {
        let out = self.like(a);
        self.push(Op::Add { a, b, out })
    }

    /// `factor · x`; nothing for a factor of 1.
    pub fn scale(&mut self, x: Buf, factor: f32) -> Buf {
        if factor == 1.0 {
            return x;
        }
        let (factor, out) = (Factor::Constant(factor), self.like(x));
        self.push(Op::Scale { x, factor, out })
    }

    /// A factor by position, where the model has one.
    pub fn temperature_if(&mut self, x: Buf, temperature: Option<Temperature>) -> Buf {
        let Some(temperature) = temperature else {
            return x;
        };
        let (factor, out) = (Factor::Position(temperature), self.like(x));
        self.push(Op::Scale { x, factor, out })
    }

    /// Keeps the head rows.
    pub fn rows(&mut self, x: Buf) -> Buf {
        let out = self.buf(RowSet::Heads, self.width_of(x));
        self.push(Op::Rows { x, out })
    }

    /// The mean of the head rows of each span.
    pub fn pool(&mut self, x: Buf) -> Buf {
        let out = self.buf(RowSet::Spans, self.width_of(x));
        self.push(Op::Pool { x, out })
    }

    /// `cap · tanh(x / cap)`, where there is a cap.
    pub fn softcap_if(&mut self, x: Buf, cap: Option<f32>) -> Buf {
        let Some(cap) = cap else {
            return x;
        };
        let out = self.like(x);
        self.push(Op::Softcap { x, cap, out })
    }

    /// Records with `body` what follows the hidden state for one kind of output.
    pub fn tail(&mut self, output: Output, body: impl FnOnce(&mut Self) -> Buf) {
        let trunk = std::mem::take(&mut self.program.ops);
        let out = body(self);
        let ops = std::mem::replace(&mut self.program.ops, trunk);
        self.program.tails.push(Tail { output, ops, out });
    }

    fn push(&mut self, op: Op) -> Buf {
        let out = op.out();
        self.program.ops.push(op);
        out
    }

    fn buf(&mut self, rows: RowSet, width: usize) -> Buf {
        self.program.bufs.push(BufSpec { rows, width });
        Buf(self.program.bufs.len() - 1)
    }

    fn like(&mut self, x: Buf) -> Buf {
        self.buf(self.rows_of(x), self.width_of(x))
    }

    fn rows_of(&self, x: Buf) -> RowSet {
        self.program.bufs[x.0].rows
    }

    fn width_of(&self, x: Buf) -> usize {
        self.program.bufs[x.0].width
    }

    fn weight(&mut self, part: &Part) -> Weight {
        if let Some(&weight) = self.weights.get(part) {
            return weight;
        }
        let weight = Weight(self.program.weights.len());
        self.program.weights.push(part.clone());
        self.weights.insert(part.clone(), weight);
        weight
    }
}
