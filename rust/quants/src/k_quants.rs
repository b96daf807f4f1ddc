//! Blocks of 256 weights in groups of 16 or 32, whose scales are themselves small integers.

use crate::blocks::{Parts, each_block};

pub(crate) fn q2_k(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 84], out: &mut [f32; 256]| {
        let scales = block.part::<0, 16>();
        let (scale, min) = (block.half::<80>(), block.half::<82>());
        let codes = block.part::<16, 64>();
        for (group, (out, &factors)) in out
            .as_chunks_mut::<16>()
            .0
            .iter_mut()
            .zip(scales)
            .enumerate()
        {
            let scale = scale * f32::from(factors & 15);
            let min = min * f32::from(factors >> 4);
            let (bytes, shift) = two_bit_group(codes, group);
            for (out, &byte) in out.iter_mut().zip(bytes) {
                *out = scale * f32::from(byte >> shift & 3) - min;
            }
        }
    });
}

/// The bytes and the shift that hold the 2-bit codes of group `group` of 16 weights: 32 bytes hold
/// 128 weights, two groups in each pair of bits.
fn two_bit_group(codes: &[u8; 64], group: usize) -> (&[u8; 16], usize) {
    let quarter = group / 8 * 2 + group % 2;
    match codes.as_chunks::<16>().0.get(quarter) {
        Some(bytes) => (bytes, group / 2 % 4 * 2),
        None => unreachable!("a block has 16 groups"),
    }
}

/// The 16 six-bit scales of a Q3_K block: low nibbles in eight bytes, high pairs in four.
fn q3_k_scales(packed: &[u8; 12]) -> [i8; 16] {
    let mut scales = [0; 16];
    for (j, scale) in scales.iter_mut().enumerate() {
        let low = packed[j % 8] >> (j / 8 * 4) & 15;
        let high = packed[8 + j % 4] >> (j / 4 * 2) & 3;
        *scale = (low | high << 4) as i8 - 32;
    }
    scales
}

pub(crate) fn q3_k(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 110], out: &mut [f32; 256]| {
        let high_bits = block.part::<0, 32>().as_chunks::<16>().0;
        let codes = block.part::<32, 64>();
        let scales = q3_k_scales(block.part::<96, 12>());
        let scale = block.half::<108>();
        for (group, (out, factor)) in out
            .as_chunks_mut::<16>()
            .0
            .iter_mut()
            .zip(scales)
            .enumerate()
        {
            let scale = scale * f32::from(factor);
            let (bytes, shift) = two_bit_group(codes, group);
            let high = &high_bits[group % 2];
            for ((out, &byte), &high) in out.iter_mut().zip(bytes).zip(high) {
                let low = (byte >> shift & 3) as i8;
                let high = (high >> (group / 2) & 1) as i8;
                *out = scale * f32::from(low + 4 * high - 4);
            }
        }
    });
}

/// The eight six-bit pairs (scale, minimum) of a Q4_K or Q5_K block.
fn scales_and_mins(packed: &[u8; 12]) -> [(u8, u8); 8] {
    let mut pairs = [(0, 0); 8];
    for j in 0..4 {
        let (scale, min, rest) = (packed[j], packed[j + 4], packed[j + 8]);
        pairs[j] = (scale & 63, min & 63);
        pairs[j + 4] = (rest & 15 | scale >> 6 << 4, rest >> 4 | min >> 6 << 4);
    }
    pairs
}

pub(crate) fn q4_k(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 144], out: &mut [f32; 256]| {
        let (scale, min) = (block.half::<0>(), block.half::<2>());
        let pairs = scales_and_mins(block.part::<4, 12>());
        let codes = block.part::<16, 128>().as_chunks::<32>().0;
        for (group, (out, (s, m))) in out
            .as_chunks_mut::<32>()
            .0
            .iter_mut()
            .zip(pairs)
            .enumerate()
        {
            let (scale, min) = (scale * f32::from(s), min * f32::from(m));
            let shift = group % 2 * 4;
            for (out, &byte) in out.iter_mut().zip(&codes[group / 2]) {
                *out = scale * f32::from(byte >> shift & 15) - min;
            }
        }
    });
}

pub(crate) fn q5_k(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 176], out: &mut [f32; 256]| {
        let (scale, min) = (block.half::<0>(), block.half::<2>());
        let pairs = scales_and_mins(block.part::<4, 12>());
        let high_bits = block.part::<16, 32>();
        let codes = block.part::<48, 128>().as_chunks::<32>().0;
        for (group, (out, (s, m))) in out
            .as_chunks_mut::<32>()
            .0
            .iter_mut()
            .zip(pairs)
            .enumerate()
        {
            let (scale, min) = (scale * f32::from(s), min * f32::from(m));
            let shift = group % 2 * 4;
            for ((out, &byte), &high) in out.iter_mut().zip(&codes[group / 2]).zip(high_bits) {
                let code = byte >> shift & 15 | (high >> group & 1) << 4;
                *out = scale * f32::from(code) - min;
            }
        }
    });
}

pub(crate) fn q6_k(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 210], out: &mut [f32; 256]| {
        let low_bits = block.part::<0, 128>().as_chunks::<64>().0;
        let high_bits = block.part::<128, 64>().as_chunks::<32>().0;
        let scales = block.part::<192, 16>();
        let scale = block.half::<208>();
        for (group, (out, &factor)) in out
            .as_chunks_mut::<16>()
            .0
            .iter_mut()
            .zip(scales)
            .enumerate()
        {
            // 128 weights share 64 bytes of nibbles and 32 bytes of pairs, in four runs of 32.
            let (half, run, part) = (group / 8, group / 2 % 4, group % 2);
            let low = &low_bits[half].as_chunks::<16>().0[run % 2 * 2 + part];
            let high = &high_bits[half].as_chunks::<16>().0[part];
            let (low_shift, high_shift) = (run / 2 * 4, run * 2);
            let scale = scale * f32::from(factor as i8);
            for ((out, &low), &high) in out.iter_mut().zip(low).zip(high) {
                let code = low >> low_shift & 15 | (high >> high_shift & 3) << 4;
                *out = scale * f32::from(code as i8 - 32);
            }
        }
    });
}

/// The type of activations in GGML's dot products: an `f32` scale and sums of the codes.
pub(crate) fn q8_k(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 292], out: &mut [f32; 256]| {
        let scale = f32::from_le_bytes(*block.part::<0, 4>());
        for (out, &code) in out.iter_mut().zip(block.part::<4, 256>()) {
            *out = scale * f32::from(code as i8);
        }
    });
}
