//! Four bits a weight with unevenly spaced levels.

use crate::blocks::{Parts, each_block};

const LEVELS: [i8; 16] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/// 32 weights from 16 bytes.
fn levels(out: &mut [f32; 32], scale: f32, codes: &[u8; 16]) {
    let (low, high) = out.split_at_mut(16);
    for ((low, high), &codes) in low.iter_mut().zip(high).zip(codes) {
        *low = scale * f32::from(LEVELS[usize::from(codes & 15)]);
        *high = scale * f32::from(LEVELS[usize::from(codes >> 4)]);
    }
}

pub(crate) fn nl(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 18], out: &mut [f32; 32]| {
        levels(out, block.half::<0>(), block.part::<2, 16>());
    });
}

pub(crate) fn xs(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 136], out: &mut [f32; 256]| {
        let scale = block.half::<0>();
        let high_bits = block.u16::<2>();
        let low_bits = block.part::<4, 4>();
        let codes = block.part::<8, 128>().as_chunks::<16>().0;
        for (i, (out, codes)) in out.as_chunks_mut().0.iter_mut().zip(codes).enumerate() {
            let low = low_bits[i / 2] >> (i % 2 * 4) & 15;
            let high = (high_bits >> (2 * i) & 3) as u8;
            levels(out, scale * f32::from((low | high << 4) as i8 - 32), codes);
        }
    });
}
