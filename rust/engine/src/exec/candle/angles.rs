//! Cosines and sines of the rows of a step.

use candle_core::{Device, Result, Tensor};

use crate::spec::{Rope, RopeStyle};

/// The angles of one rotation, `[rows, pairs]`.
#[derive(Debug)]
pub struct Angles {
    style: RopeStyle,
    pairs: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Angles {
    /// The angles at `positions`, in double precision until they are done.
    pub fn new(rope: &Rope, positions: &[u32]) -> Self {
        let pairs = rope.frequencies.len();
        let count = positions.len() * pairs;
        let (mut cos, mut sin) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for &position in positions {
            for frequency in &rope.frequencies {
                let (s, c) = (f64::from(position) * frequency).sin_cos();
                cos.push((c * rope.magnitude) as f32);
                sin.push((s * rope.magnitude) as f32);
            }
        }
        Self {
            style: rope.style,
            pairs,
            cos,
            sin,
        }
    }

    /// Which values form a pair.
    pub fn style(&self) -> RopeStyle {
        self.style
    }

    /// Pairs of a head.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Cosines and sines of a row.
    pub fn row(&self, row: usize) -> (&[f32], &[f32]) {
        let range = row * self.pairs..(row + 1) * self.pairs;
        (
            self.cos.get(range.clone()).unwrap_or_default(),
            self.sin.get(range).unwrap_or_default(),
        )
    }

    /// Both as tensors `[rows, 1, pairs]`.
    pub fn tensors(&self, device: &Device) -> Result<(Tensor, Tensor)> {
        let shape = (self.cos.len() / self.pairs, 1, self.pairs);
        Ok((
            Tensor::from_slice(&self.cos, shape, device)?,
            Tensor::from_slice(&self.sin, shape, device)?,
        ))
    }
}
