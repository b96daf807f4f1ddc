//! Rotary position embedding.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape};

use super::values;
use crate::exec::candle::angles::Angles;
use crate::spec::RopeStyle;

/// Turns the pairs of every head: `[n, heads · head_dim]`.
#[derive(Debug, Clone, Copy)]
pub struct Rotate<'a> {
    /// Cosines and sines of every row.
    pub angles: &'a Angles,
    /// Heads of a row.
    pub heads: usize,
}

impl CustomOp1 for Rotate<'_> {
    fn name(&self) -> &'static str {
        "rotate"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, width) = layout.shape().dims2()?;
        let mut out = values(storage, layout)?.to_vec();
        let pairs = self.angles.pairs();
        let (first, step) = match self.angles.style() {
            RopeStyle::Normal => (1, 2),
            RopeStyle::Neox => (pairs, 1),
        };
        for (row, x) in out.chunks_exact_mut(width).enumerate() {
            let (cos, sin) = self.angles.row(row);
            for head in x.chunks_exact_mut(width / self.heads) {
                for (pair, (cos, sin)) in cos.iter().zip(sin).enumerate() {
                    let at = pair * step;
                    let (a, b) = (head[at], head[at + first]);
                    head[at] = a * cos - b * sin;
                    head[at + first] = a * sin + b * cos;
                }
            }
        }
        Ok((CpuStorage::F32(out), (n, width).into()))
    }
}
