//! Value by value: candle does large tensors in a thread pool of its own, which spins against ours.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::exp::exp;
use super::values;
use crate::spec::Activation;

/// Values of one piece of work.
const PIECE: usize = 8192;

/// A function of each value.
#[derive(Debug, Clone, Copy)]
pub struct Pointwise(pub Activation);

impl CustomOp1 for Pointwise {
    fn name(&self) -> &'static str {
        "pointwise"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(x, layout)?;
        let mut out = vec![0.0; x.len()];
        let arch = Arch::new();
        let pieces = out.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE));
        pieces.for_each(|(out, x)| {
            // The second operand is not read.
            let kind = Pairwise::First(self.0);
            arch.dispatch(Piece {
                kind,
                a: x,
                b: x,
                out,
            });
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

/// A function of two values.
#[derive(Debug, Clone, Copy)]
pub enum Pairwise {
    /// `a + b`.
    Add,
    /// `activation(a) · b`.
    Gate(Activation),
    /// `activation(a)`.
    First(Activation),
}

impl CustomOp2 for Pairwise {
    fn name(&self) -> &'static str {
        "pairwise"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (values(a, a_layout)?, values(b, b_layout)?);
        if a.len() != b.len() {
            bail!("{} and {} values", a.len(), b.len());
        }
        let mut out = vec![0.0; a.len()];
        let arch = Arch::new();
        let pieces = out
            .par_chunks_mut(PIECE)
            .zip(a.par_chunks(PIECE))
            .zip(b.par_chunks(PIECE));
        pieces.for_each(|((out, a), b)| {
            arch.dispatch(Piece {
                kind: *self,
                a,
                b,
                out,
            })
        });
        Ok((CpuStorage::F32(out), a_layout.shape().clone()))
    }
}

struct Piece<'a> {
    kind: Pairwise,
    a: &'a [f32],
    b: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Piece<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { kind, a, b, out } = self;
        match kind {
            Pairwise::Add => each(a, b, out, |a, b| a + b),
            Pairwise::Gate(Activation::Silu) => each(a, b, out, |a, b| silu(a) * b),
            Pairwise::Gate(Activation::Gelu) => each(a, b, out, |a, b| gelu(a) * b),
            Pairwise::First(Activation::Silu) => each(a, b, out, |a, _| silu(a)),
            Pairwise::First(Activation::Gelu) => each(a, b, out, |a, _| gelu(a)),
        }
    }
}

#[inline(always)]
fn each(a: &[f32], b: &[f32], out: &mut [f32], function: impl Fn(f32, f32) -> f32) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = function(a, b);
    }
}

/// `x / (1 + e^-x)`.
#[inline(always)]
fn silu(x: f32) -> f32 {
    let small = exp(-x.abs());
    let above = if x < 0.0 { small } else { 1.0 };
    x * above / (1.0 + small)
}

/// `x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    const SQRT_2_OVER_PI: f32 = 0.797_884_6;
    let inner = SQRT_2_OVER_PI * x * (1.0 + 0.044_715 * x * x);
    // (1 + tanh y) / 2 is the logistic function of 2 y.
    let small = exp(-2.0 * inner.abs());
    let above = if inner < 0.0 { small } else { 1.0 };
    x * above / (1.0 + small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_from_zero() {
        assert_eq!([silu(-200.0), gelu(-200.0)], [0.0, 0.0]);
        assert_eq!([silu(200.0), gelu(200.0)], [200.0, 200.0]);
        assert_eq!([silu(0.0), gelu(0.0)], [0.0, 0.0]);
        assert!(silu(f32::NAN).is_nan() && gelu(f32::NAN).is_nan());
    }
}
