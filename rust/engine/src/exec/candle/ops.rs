//! The ops that work on each row alone, in candle tensors.

use candle_core::{D, Device, IndexOp, Result, Tensor};

use super::angles::Angles;
use crate::program::Factor;
use crate::spec::{Activation, NormKind, RopeStyle};

/// Norms each group of `weight`'s length.
pub fn norm(x: &Tensor, kind: NormKind, eps: f32, weight: &Tensor) -> Result<Tensor> {
    let group = weight.dim(0)?;
    let groups = x.reshape((x.elem_count() / group, group))?;
    let normed = match kind {
        NormKind::Rms => candle_nn::ops::rms_norm(&groups, weight, eps)?,
    };
    normed.reshape(x.shape())
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

/// `activation(gate) · up`.
pub fn glu(gate: &Tensor, up: &Tensor, activation: Activation) -> Result<Tensor> {
    let gate = match activation {
        Activation::Silu => gate.silu()?,
        Activation::Gelu => gate.gelu()?,
    };
    gate * up
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
