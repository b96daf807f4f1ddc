//! The ops that work on each row alone, in candle tensors.

use std::borrow::Cow;
use std::ops::Range;

use candle_core::{D, Device, IndexOp, Result, Tensor};

use super::angles::Angles;
use crate::batch::Batch;
use crate::program::{Factor, Lookup};
use crate::spec::{Activation, NormKind, RopeStyle};

/// Norms each group of `weight`'s length.
pub fn norm(
    x: &Tensor,
    kind: NormKind,
    eps: f32,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let group = weight.dim(0)?;
    let groups = x.reshape((x.elem_count() / group, group))?;
    let groups = match kind {
        NormKind::Rms => groups,
        NormKind::Layer => groups.broadcast_sub(&groups.mean_keepdim(1)?)?,
    };
    let normed = candle_nn::ops::rms_norm(&groups, weight, eps)?;
    let normed = match bias {
        Some(bias) => normed.broadcast_add(bias)?,
        None => normed,
    };
    normed.reshape(x.shape())
}

/// Rows of a table.
pub fn lookup(batch: &Batch, lookup: Lookup) -> Cow<'_, [u32]> {
    match lookup {
        Lookup::Token => Cow::from(&batch.tokens),
        Lookup::Position => Cow::from(&batch.positions),
        Lookup::First => Cow::from(vec![0; batch.rows()]),
    }
}

/// The mean of the head rows of each span, zeros where it has none.
pub fn pool(batch: &Batch, x: &Tensor) -> Result<Tensor> {
    let mean = |heads: Range<usize>| match heads.len() {
        0 => Tensor::zeros((1, x.dim(1)?), x.dtype(), x.device()),
        1 => x.narrow(0, heads.start, 1),
        count => x.narrow(0, heads.start, count)?.mean_keepdim(0),
    };
    let rows: Vec<Tensor> = batch.span_heads().map(mean).collect::<Result<_>>()?;
    Tensor::cat(&rows, 0)
}

/// Turns the pairs of each head.
pub fn rope(x: &Tensor, angles: &Angles, heads: usize) -> Result<Tensor> {
    let (rows, width) = x.dims2()?;
    let (dim, pairs) = (width / heads, angles.pairs());
    let (cos, sin) = angles.tensors(x.device())?;
    let x = x.reshape((rows, heads, dim))?;
    let turning = x.narrow(2, 0, 2 * pairs)?;
    let rest = x.narrow(2, 2 * pairs, dim - 2 * pairs)?;
    let (a, b) = match angles.style() {
        RopeStyle::Normal => {
            let turning = turning.reshape((rows, heads, pairs, 2))?;
            (turning.i((.., .., .., 0))?, turning.i((.., .., .., 1))?)
        }
        RopeStyle::Neox => (
            turning.narrow(2, 0, pairs)?,
            turning.narrow(2, pairs, pairs)?,
        ),
    };
    let turned_a = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
    let turned_b = (a.broadcast_mul(&sin)? + b.broadcast_mul(&cos)?)?;
    let turned = match angles.style() {
        RopeStyle::Normal => Tensor::stack(&[turned_a, turned_b], D::Minus1)?.flatten_from(2)?,
        RopeStyle::Neox => Tensor::cat(&[turned_a, turned_b], D::Minus1)?,
    };
    Tensor::cat(&[turned, rest], D::Minus1)?.reshape((rows, width))
}

/// `activation(x)`.
pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Silu => x.silu(),
        Activation::Gelu => x.gelu(),
    }
}

/// `activation(gate) · up`.
pub fn glu(gate: &Tensor, up: &Tensor, activation: Activation) -> Result<Tensor> {
    activate(gate, activation)? * up
}

/// Multiplies each row.
pub fn scale(x: &Tensor, factor: Factor, positions: &[u32], device: &Device) -> Result<Tensor> {
    match factor {
        Factor::Constant(factor) => x * f64::from(factor),
        Factor::Position(temperature) => {
            let of = |&position: &u32| {
                let steps = position as usize / temperature.length;
                1.0 + temperature.scale * ((1 + steps) as f32).ln()
            };
            let factors: Vec<f32> = positions.iter().map(of).collect();
            x.broadcast_mul(&Tensor::from_vec(factors, (positions.len(), 1), device)?)
        }
    }
}

/// `cap · tanh(x / cap)`.
pub fn softcap(x: &Tensor, cap: f32) -> Result<Tensor> {
    (x / f64::from(cap))?.tanh()? * f64::from(cap)
}
