//! The ops that have two ways.

use candle_core::{Result, Tensor};

use super::angles::Angles;
use super::cpu::{Paged, Pairwise, Pointwise, Rotate};
use super::memory::Layer;
use super::{attention, ops};
use crate::batch::Batch;
use crate::spec::{Activation, AttentionShape};

/// How the ops that have two ways are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// candle's tensors alone.
    Tensors,
    /// Own loops for what candle is slow at; on the CPU only.
    Cpu,
}

impl Route {
    /// Turns the pairs of each head of `x`.
    pub(super) fn rope(self, x: &Tensor, angles: &Angles, heads: usize) -> Result<Tensor> {
        match self {
            Self::Tensors => ops::rope(x, angles, heads),
            Self::Cpu => x.contiguous()?.apply_op1_no_bwd(&Rotate { angles, heads }),
        }
    }

    /// `activation(gate) · up`.
    pub(super) fn glu(self, gate: &Tensor, up: &Tensor, activation: Activation) -> Result<Tensor> {
        match self {
            Self::Tensors => ops::glu(gate, up, activation),
            Self::Cpu => gate.apply_op2_no_bwd(up, &Pairwise::Gate(activation)),
        }
    }

    /// `activation(x)`.
    pub(super) fn activate(self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        match self {
            Self::Tensors => ops::activate(x, activation),
            Self::Cpu => x.contiguous()?.apply_op1_no_bwd(&Pointwise(activation)),
        }
    }

    /// `a + b`.
    pub(super) fn add(self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        match self {
            Self::Tensors => a + b,
            Self::Cpu => a.apply_op2_no_bwd(b, &Pairwise::Add),
        }
    }

    /// Writes keys and values to memory, then attends.
    pub(super) fn attend(
        self,
        batch: &Batch,
        [q, k, v]: [&Tensor; 3],
        layer: &Layer,
        shape: AttentionShape,
    ) -> Result<Tensor> {
        match self {
            Self::Tensors => {
                layer.store(batch, k, v)?;
                attention::attend(batch, q, layer, &shape)
            }
            Self::Cpu => {
                layer.store_in_place(batch, k, v)?;
                let paged = Paged { batch, shape };
                q.contiguous()?
                    .apply_op3_no_bwd(&layer.keys, &layer.values, &paged)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::spec::{Rope, RopeStyle};

    fn most(a: &Tensor, b: &Tensor) -> Result<f32> {
        (a - b)?.abs()?.max_all()?.to_scalar()
    }

    #[test]
    fn both_ways_rotate_alike() -> Result<()> {
        let x = Tensor::randn(0f32, 1., (3, 4 * 10), &Device::Cpu)?;
        for style in [RopeStyle::Normal, RopeStyle::Neox] {
            let rope = Rope {
                style,
                frequencies: vec![1.0, 0.5, 0.125],
                magnitude: 1.25,
            };
            let angles = Angles::new(&rope, &[0, 5, 100_000]);
            let [own, tensors] = [Route::Cpu, Route::Tensors].map(|way| way.rope(&x, &angles, 4));
            assert!(most(&own?, &tensors?)? < 1e-5, "{style:?}");
        }
        Ok(())
    }

    #[test]
    fn both_ways_gate_and_add_alike() -> Result<()> {
        let a = Tensor::randn(0f32, 4., (5, 4000), &Device::Cpu)?;
        let b = Tensor::randn(0f32, 1., (5, 4000), &Device::Cpu)?;
        for activation in [Activation::Silu, Activation::Gelu] {
            let [own, tensors] =
                [Route::Cpu, Route::Tensors].map(|way| way.glu(&a, &b, activation));
            assert!(most(&own?, &tensors?)? < 4e-6, "{activation:?}");
            let [own, tensors] =
                [Route::Cpu, Route::Tensors].map(|way| way.activate(&a, activation));
            assert!(most(&own?, &tensors?)? < 4e-6, "{activation:?}");
        }
        assert_eq!(
            most(&Route::Cpu.add(&a, &b)?, &Route::Tensors.add(&a, &b)?)?,
            0.0
        );
        Ok(())
    }
}
