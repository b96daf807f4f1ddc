//! Random weights and activations, and what the kernels make of the latter.

#![allow(dead_code, reason = "each test uses a part")]

use half::{bf16, f16};
use ollamars_quants::BlockType;

/// xorshift64*.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From 0 to 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / 16_777_216.0
    }

    /// Nearly Gaussian.
    pub fn normal(&mut self) -> f32 {
        (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * 1.732
    }
}

/// Offsets of the `f16` scales and minimums of a block.
fn halves(ty: BlockType) -> &'static [usize] {
    match ty {
        BlockType::Q4_1 | BlockType::Q5_1 | BlockType::Q4_K | BlockType::Q5_K => &[0, 2],
        BlockType::Q2_K => &[80, 82],
        BlockType::Q3_K => &[108],
        BlockType::Q6_K => &[208],
        BlockType::MXFP4 => &[],
        _ => &[0],
    }
}

/// Blocks of any codes with plausible scales.
pub fn weights(ty: BlockType, outputs: usize, inputs: usize, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = vec![0; outputs * inputs / ty.weights() * ty.bytes()];
    match ty {
        BlockType::F32 | BlockType::F16 | BlockType::BF16 => {
            for bytes in bytes.chunks_exact_mut(ty.bytes()) {
                ty.quantize(&[0.03 * rng.normal()], bytes)
                    .expect("one weight");
            }
        }
        _ => {
            for block in bytes.chunks_exact_mut(ty.bytes()) {
                block.fill_with(|| rng.bits() as u8);
                for &at in halves(ty) {
                    let scale = f16::from_f32((rng.unit() - 0.3) * 0.01);
                    block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
                }
                if ty == BlockType::MXFP4 {
                    block[0] = 100 + (rng.bits() % 20) as u8;
                }
            }
        }
    }
    bytes
}

/// Gaussian, every 97th four times as large.
pub fn activations(count: usize, rng: &mut Rng) -> Vec<f32> {
    (0..count)
        .map(|i| rng.normal() * if i % 97 == 0 { 4.0 } else { 1.0 })
        .collect()
}

/// Activations as the kernels for `ty` see them.
pub fn quantized(ty: BlockType, x: &[f32]) -> Vec<f64> {
    match ty.weights() {
        1 if ty == BlockType::BF16 => x.iter().map(|&x| bf16::from_f32(x).to_f64()).collect(),
        1 => x.iter().map(|&x| x.into()).collect(),
        weights => x.chunks_exact(weights).flat_map(block).collect(),
    }
}

/// The largest magnitude becomes 127.
fn block(x: &[f32]) -> Vec<f64> {
    let largest = x.iter().fold(0f32, |m, x| m.max(x.abs()));
    let (scale, inverse) = if largest > 0.0 {
        (largest / 127.0, 127.0 / largest)
    } else {
        (0.0, 0.0)
    };
    x.iter()
        .map(|x| f64::from(scale) * f64::from((x * inverse).round_ties_even()))
        .collect()
}

/// What two results share if they are equal to the bit; all that is not a number is alike.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values
        .iter()
        .map(|v| {
            if v.is_nan() {
                f32::NAN.to_bits()
            } else {
                v.to_bits()
            }
        })
        .collect()
}
