//! What a step does, decided at load: a program's ops in stages, its buffers in one arena.
//!
//! Threads meet after each stage; inside of one they take units of work from a counter. A unit is a
//! group of rows, some panels of the weights, or some rows of a sequence for one KV head.

use std::ops::Range;

use ollamars_kernels::{ActKind, GROUP, RopeStyle};

use crate::program::{Cache, Experts, Factor, Lookup, Output, RowSet, Weight};
use crate::spec::{Activation, Mask};

/// An index in [`Plan::places`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reg(pub usize);

/// An index in [`Plan::slots`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(pub usize);

/// Where a buffer lies: `[rows, width]` values of the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its first value.
    pub start: usize,
    /// Values of a row.
    pub width: usize,
}

/// Which rows a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Rows of the batch, or the head rows.
    Set(RowSet),
    /// Rows by the expert that they were sent to.
    Routed,
}

/// Memory for quantized activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotSpec {
    /// In which form.
    pub kind: ActKind,
    /// Values of a row.
    pub inputs: usize,
    /// Which rows.
    pub held: Held,
}

/// An operation on some rows of one thread.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum RowOp {
    /// Cosines and sines of a rotation of the program.
    Angles {
        rope: usize,
        cos: Reg,
        sin: Reg,
    },
    Embed {
        table: Weight,
        lookup: Lookup,
        out: Reg,
    },
    /// Keeps the head rows.
    Gather {
        x: Reg,
        out: Reg,
    },
    Copy {
        x: Reg,
        out: Reg,
    },
    Norm {
        x: Reg,
        weight: Weight,
        eps: f32,
        out: Reg,
    },
    LayerNorm {
        x: Reg,
        weight: Weight,
        bias: Option<Weight>,
        eps: f32,
        out: Reg,
    },
    /// The mean of the head rows of each span.
    Pool {
        x: Reg,
        out: Reg,
    },
    /// In place, as all that follow without an `out`.
    Rope {
        style: RopeStyle,
        cos: Reg,
        sin: Reg,
        x: Reg,
        head_dim: usize,
    },
    Scale {
        x: Reg,
        factor: Factor,
    },
    Softcap {
        x: Reg,
        cap: f32,
    },
    Activate {
        x: Reg,
        activation: Activation,
    },
    Glu {
        gate: Reg,
        up: Reg,
        activation: Activation,
    },
    Add {
        a: Reg,
        b: Reg,
    },
    /// Keys and values to the cache.
    Store {
        k: Reg,
        v: Reg,
        cache: Cache,
    },
    Quantize {
        x: Reg,
        slot: Slot,
    },
    /// The experts of each row and their shares.
    Choose {
        logits: Reg,
        experts: usize,
    },
    /// The weighted sum of each row's experts.
    Combine {
        experts: usize,
        out: Reg,
    },
}

/// `out = weight x + bias`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Product {
    /// The matrix.
    pub weight: Weight,
    /// Its activations.
    pub slot: Slot,
    /// One value a column.
    pub bias: Option<Weight>,
    /// The result.
    pub out: Reg,
}

/// What follows a product, column by column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// Adds the result to a buffer.
    AddTo(Reg),
    /// The first product is the gate, the second one what it gates; the result is in the first.
    Glu(Activation),
    /// `activation(result)`.
    Activate(Activation),
    /// `cap · tanh(x / cap)`.
    Softcap(f32),
}

/// Products of equally many columns, and what joins them.
#[derive(Debug, Clone, PartialEq)]
pub struct Joint {
    /// One, or two.
    pub products: Vec<Product>,
    /// What follows.
    pub then: Then,
}

/// Some panels of a joint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panels {
    /// An index of the stage's joints.
    pub joint: usize,
    /// Which.
    pub panels: Range<usize>,
}

/// Attention of all rows over what their sequences have in a cache.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attend {
    /// Queries.
    pub q: Reg,
    /// `[rows, heads, value_dim]`.
    pub out: Reg,
    /// The layer's memory.
    pub cache: Cache,
    /// Query heads.
    pub heads: usize,
    /// Of the products of queries and keys.
    pub scale: f32,
    /// An index in [`Plan::masks`].
    pub mask: usize,
}

/// A mixture of experts: the rows of each expert side by side, from a multiple of a group on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixture {
    /// Which rows are sent.
    pub set: RowSet,
    /// Experts.
    pub count: usize,
    /// Experts of a row.
    pub used: usize,
    /// What is sent.
    pub x: Reg,
    /// The same, by expert.
    pub sent: Reg,
    /// Its products with the gates, and then the gated.
    pub gate: Reg,
    /// Its products with `up`.
    pub up: Reg,
    /// The results.
    pub down: Reg,
    /// Weights.
    pub weights: Experts,
    /// Activations for gate and up, which may need different ones.
    pub slots: [Slot; 2],
    /// Activations for down.
    pub hidden: Slot,
}

/// The parts of a mixture of experts between the choice and the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Lists the rows of each expert: one thread's work.
    Sort,
    /// Copies and quantizes rows.
    Send,
    /// Gate, up, and their join.
    GateUp,
    /// Quantizes.
    Hidden,
    /// Down.
    Down,
}

/// What threads do between two meetings.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Stage {
    /// A group of rows goes through all ops.
    Rows {
        set: RowSet,
        ops: Vec<RowOp>,
    },
    Products {
        set: RowSet,
        joints: Vec<Joint>,
        units: Vec<Panels>,
    },
    Attend(Attend),
    /// An index in [`Plan::experts`].
    Experts {
        experts: usize,
        part: Part,
    },
}

/// The end of a plan for one kind of output.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Which.
    pub output: Output,
    /// Its stages.
    pub stages: Range<usize>,
    /// The result.
    pub out: Reg,
    /// Which rows it has.
    pub set: RowSet,
}

/// A lowered program.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Those of the trunk first, then those of the endings.
    pub stages: Vec<Stage>,
    /// Stages of the trunk.
    pub trunk: usize,
    /// After so many stages all keys and values are stored.
    pub stored: usize,
    /// One for each tail.
    pub endings: Vec<Ending>,
    /// Every buffer.
    pub places: Vec<Place>,
    /// Values of the arena.
    pub arena: usize,
    /// Activations.
    pub slots: Vec<SlotSpec>,
    /// The masks of attention that layers have.
    pub masks: Vec<Mask>,
    /// Every mixture.
    pub experts: Vec<Mixture>,
}

impl RowOp {
    /// The buffers that it reads or writes.
    pub fn regs(&self) -> impl Iterator<Item = Reg> {
        let regs = match *self {
            Self::Angles { cos, sin, .. } => [Some(cos), Some(sin), None],
            Self::Gather { x, out }
            | Self::Copy { x, out }
            | Self::Norm { x, out, .. }
            | Self::LayerNorm { x, out, .. }
            | Self::Pool { x, out } => [Some(x), Some(out), None],
            Self::Rope { cos, sin, x, .. } => [Some(cos), Some(sin), Some(x)],
            Self::Scale { x, .. }
            | Self::Activate { x, .. }
            | Self::Softcap { x, .. }
            | Self::Quantize { x, .. }
            | Self::Choose { logits: x, .. }
            | Self::Embed { out: x, .. }
            | Self::Combine { out: x, .. } => [Some(x), None, None],
            Self::Glu { gate: a, up: b, .. }
            | Self::Add { a, b }
            | Self::Store { k: a, v: b, .. } => [Some(a), Some(b), None],
        };
        regs.into_iter().flatten()
    }
}

impl Mixture {
    /// Places for the rows of a step of `max_rows`: each expert's begin at a group.
    pub fn places(&self, max_rows: usize) -> usize {
        places(max_rows * self.used, self.count)
    }
}

/// Places for `rows` rows of `count` experts.
pub fn places(rows: usize, count: usize) -> usize {
    rows + (GROUP - 1) * count.min(rows)
}
