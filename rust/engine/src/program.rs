//! The list of ops that one step runs, recorded once at load.
//!
//! Buffers and weights are numbers; the count of rows is the only size that a step adds. Neighbours
//! that an executor may fuse are neighbours in the list: a norm stands before the linear ops that
//! share its output, gate and up before the [`Op::Glu`] that joins them, a linear op before the
//! residual [`Op::Add`].

use crate::spec::{Activation, AttentionShape, Mask, NormKind, Part, Rope, Shares, Temperature};

/// A buffer of activations, `[rows, width]` of `f32`. Written by one op only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Buf(pub usize);

/// An index in [`Program::weights`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Weight(pub usize);

/// An index in [`Program::caches`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cache(pub usize);

/// Which rows a buffer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowSet {
    /// All rows of the batch.
    All,
    /// The head rows.
    Heads,
    /// One row for each span of the batch.
    Spans,
}

/// Shape of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufSpec {
    /// Which rows.
    pub rows: RowSet,
    /// Values of a row.
    pub width: usize,
}

/// What a token leaves in the KV memory of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSpec {
    /// Heads.
    pub heads: usize,
    /// Values of a key head.
    pub key_dim: usize,
    /// Values of a value head.
    pub value_dim: usize,
}

/// Which row of a table a row of the batch takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// Its token's.
    Token,
    /// Its position's.
    Position,
    /// The first one.
    First,
}

/// One operation. All read and write rows independently but [`Op::Attend`], [`Op::Rows`] and
/// [`Op::Pool`].
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Op {
    /// A row of a table for each row.
    Embed {
        table: Weight,
        lookup: Lookup,
        out: Buf,
    },
    /// Each group of `weight`'s length is normed, multiplied by `weight`, and `bias` added.
    Norm {
        x: Buf,
        kind: NormKind,
        eps: f32,
        weight: Weight,
        bias: Option<Weight>,
        out: Buf,
    },
    /// `weight x + bias`.
    Linear {
        x: Buf,
        weight: Weight,
        bias: Option<Weight>,
        out: Buf,
    },
    /// Turns the pairs of each of `heads` heads by the row's position; an index of
    /// [`Program::ropes`].
    Rope {
        x: Buf,
        rope: usize,
        heads: usize,
        out: Buf,
    },
    /// Writes K and V of every row to the cache, then attends over the row's sequence. Layers of an
    /// encoder share one cache: what is in it is of use in its own step and layer only.
    Attend {
        q: Buf,
        k: Buf,
        v: Buf,
        cache: Cache,
        shape: AttentionShape,
        out: Buf,
    },
    /// `activation(gate) · up`.
    Glu {
        gate: Buf,
        up: Buf,
        activation: Activation,
        out: Buf,
    },
    /// `activation(x)`.
    Activate {
        x: Buf,
        activation: Activation,
        out: Buf,
    },
    /// The weighted sum of the chosen experts (see [`crate::spec::Moe`]); `logits` are the
    /// router's.
    Moe {
        x: Buf,
        logits: Buf,
        experts: Experts,
        out: Buf,
    },
    /// `a + b`.
    Add { a: Buf, b: Buf, out: Buf },
    /// `factor · x`.
    Scale { x: Buf, factor: Factor, out: Buf },
    /// Keeps the head rows.
    Rows { x: Buf, out: Buf },
    /// The mean of the head rows of each span, zeros where it has none.
    Pool { x: Buf, out: Buf },
    /// `cap · tanh(x / cap)`.
    Softcap { x: Buf, cap: f32, out: Buf },
}

/// The weights of a mixture of experts, and how they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Experts {
    pub gate: Option<Weight>,
    pub up: Weight,
    pub down: Weight,
    pub used: usize,
    pub activation: Activation,
    pub shares: Shares,
}

/// What a row is multiplied with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Factor {
    /// The same for all.
    Constant(f32),
    /// By the row's position.
    Position(Temperature),
}

/// A recorded model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Program {
    /// From tokens to the hidden state of the head rows.
    pub ops: Vec<Op>,
    /// From there to what a batch asks for.
    pub tails: Vec<Tail>,
    /// Every buffer.
    pub bufs: Vec<BufSpec>,
    /// Every part of a tensor, each once.
    pub weights: Vec<Part>,
    /// Every layer's memory.
    pub caches: Vec<CacheSpec>,
    /// The rotations.
    pub ropes: Vec<Rope>,
}

/// What is computed of the head rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Output {
    /// `[vocabulary]`: what comes next.
    #[default]
    Logits,
    /// `[embedding]`: the hidden state after the last norm.
    Hidden,
    /// `[embedding]` of each span: its pooled hidden state.
    Embedding,
    /// `[labels]` of each span: a reranker's scores, before any softmax.
    Scores,
}

/// The end of a program: ops that follow [`Program::ops`] for one kind of output.
#[derive(Debug, Clone, PartialEq)]
pub struct Tail {
    /// Which.
    pub output: Output,
    /// From the hidden state of the head rows to `out`.
    pub ops: Vec<Op>,
    /// The result, `[head rows, width]` or `[spans, width]`.
    pub out: Buf,
}

impl Op {
    /// The buffer that it writes.
    pub fn out(&self) -> Buf {
        match *self {
            Self::Embed { out, .. }
            | Self::Norm { out, .. }
            | Self::Linear { out, .. }
            | Self::Rope { out, .. }
            | Self::Attend { out, .. }
            | Self::Glu { out, .. }
            | Self::Activate { out, .. }
            | Self::Pool { out, .. }
            | Self::Moe { out, .. }
            | Self::Add { out, .. }
            | Self::Scale { out, .. }
            | Self::Rows { out, .. }
            | Self::Softcap { out, .. } => out,
        }
    }

    /// The buffers that it reads.
    pub fn inputs(&self) -> impl Iterator<Item = Buf> {
        let inputs = match *self {
            Self::Embed { .. } => [None, None, None],
            Self::Norm { x, .. }
            | Self::Linear { x, .. }
            | Self::Rope { x, .. }
            | Self::Scale { x, .. }
            | Self::Rows { x, .. }
            | Self::Activate { x, .. }
            | Self::Pool { x, .. }
            | Self::Softcap { x, .. } => [Some(x), None, None],
            Self::Glu { gate: a, up: b, .. }
            | Self::Moe {
                x: a, logits: b, ..
            }
            | Self::Add { a, b, .. } => [Some(a), Some(b), None],
            Self::Attend { q, k, v, .. } => [Some(q), Some(k), Some(v)],
        };
        inputs.into_iter().flatten()
    }
}

impl Program {
    /// Number of tokens that the program knows.
    pub fn n_vocab(&self) -> usize {
        self.rows_of(Lookup::Token).unwrap_or(0)
    }

    /// Number of positions that the program knows; none: there is no end of them.
    pub fn n_positions(&self) -> Option<usize> {
        self.rows_of(Lookup::Position)
    }

    fn rows_of(&self, wanted: Lookup) -> Option<usize> {
        let table = self.ops.iter().find_map(|op| match op {
            Op::Embed { table, lookup, .. } if *lookup == wanted => self.weights.get(table.0),
            _ => None,
        });
        table.map(Part::rows)
    }

    /// Values of a row of one kind of output, if the model has it.
    pub fn width(&self, output: Output) -> Option<usize> {
        let tail = self.tail(output)?;
        self.bufs.get(tail.out.0).map(|buf| buf.width)
    }

    /// Whether a row depends on rows after it.
    pub fn is_encoder(&self) -> bool {
        let whole = |op: &Op| match op {
            Op::Attend { shape, .. } => matches!(shape.mask, Mask::Whole(_)),
            _ => false,
        };
        self.ops.iter().any(whole)
    }

    /// The end for one kind of output, if the model has it.
    pub fn tail(&self, output: Output) -> Option<&Tail> {
        self.tails.iter().find(|tail| tail.output == output)
    }
}
