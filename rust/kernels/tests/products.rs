//! Products of packed weights against what they mean, at every level.

mod common;

use common::{Rng, activations, bits, quantized, weights};
use ollamars_kernels::{Acts, Level, Packed, matmul};
use ollamars_quants::BlockType;

const TYPES: [BlockType; 16] = [
    BlockType::Q4_1,
    BlockType::Q8_0,
    BlockType::Q4_K,
    BlockType::Q6_K,
    BlockType::Q4_0,
    BlockType::Q5_0,
    BlockType::Q5_1,
    BlockType::Q5_K,
    BlockType::F32,
    BlockType::F16,
    BlockType::BF16,
    BlockType::Q2_K,
    BlockType::Q3_K,
    BlockType::IQ4_NL,
    BlockType::IQ4_XS,
    BlockType::MXFP4,
];

fn product(
    level: Level,
    ty: BlockType,
    w: &[u8],
    outputs: usize,
    inputs: usize,
    x: &[f32],
) -> Vec<f32> {
    let packed = Packed::new(level, ty, w, outputs, inputs).expect("packs");
    let rows = x.len() / inputs;
    let mut acts = Acts::new(packed.act_kind(), inputs, rows);
    let mut out = vec![0.0; rows * outputs];
    matmul(&packed, &acts.quantize(level, x), &mut out);
    out
}

/// Sums in `f64` of dequantized weights times quantized activations, and of the magnitudes.
fn expected(ty: BlockType, w: &[u8], outputs: usize, inputs: usize, x: &[f32]) -> Vec<(f64, f64)> {
    let mut dequantized = vec![0.0; outputs * inputs];
    ty.dequantize(w, &mut dequantized).expect("whole blocks");
    let x = quantized(ty, x);
    let mut out = Vec::new();
    for x in x.chunks_exact(inputs) {
        for w in dequantized.chunks_exact(inputs) {
            let products = w.iter().zip(x).map(|(&w, &x)| f64::from(w) * x);
            out.push(products.fold((0.0, 0.0), |(sum, size), p| (sum + p, size + p.abs())));
        }
    }
    out
}

fn check(ty: BlockType, outputs: usize, inputs: usize, rows: usize, seed: u64) {
    let mut rng = Rng::new(seed);
    let w = weights(ty, outputs, inputs, &mut rng);
    let x = activations(rows * inputs, &mut rng);
    let reference = product(Level::SCALAR, ty, &w, outputs, inputs, &x);
    for (i, (&got, (sum, size))) in reference
        .iter()
        .zip(expected(ty, &w, outputs, inputs, &x))
        .enumerate()
    {
        let error = (f64::from(got) - sum).abs();
        assert!(
            error <= 3e-6 * size + 1e-30,
            "{ty} {outputs}x{inputs}, {rows} rows: element {i} is {got}, not {sum} (of {size})"
        );
    }
    for level in Level::available() {
        let got = product(level, ty, &w, outputs, inputs, &x);
        assert_eq!(
            bits(&got),
            bits(&reference),
            "{ty} {outputs}x{inputs}, {rows} rows at {level}"
        );
    }
}

#[test]
fn every_type_level_and_count_of_rows() {
    for ty in TYPES {
        for rows in [1, 2, 3, 7, 8, 16, 33] {
            let blocks = if ty.weights() == 1 { 45 } else { 3 };
            check(ty, 33, blocks * ty.weights(), rows, rows as u64);
        }
        check(ty, 1, ty.weights(), 1, 5);
        check(ty, 16, 2 * ty.weights(), 4, 6);
    }
}
