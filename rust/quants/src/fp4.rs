//! Four-bit floats (E2M1) with a shared scale.

use crate::blocks::{Parts, each_block};

/// Twice the value of each E2M1 code; the scales below are halved.
const DOUBLED: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// Half of the power of two that the exponent byte means (E8M0, bias 127).
fn half_e8m0(exponent: u8) -> f32 {
    f32::from_bits(match exponent {
        0 | 1 => 0x0020_0000 << exponent,
        _ => (u32::from(exponent) - 1) << 23,
    })
}

/// Half of an unsigned float of four exponent bits (bias 7) and three of mantissa. The sign bit is
/// ignored; 0x7F, elsewhere not a number, is zero.
fn half_ue4m3(byte: u8) -> f32 {
    if byte == 0x7f {
        return 0.0;
    }
    let (exponent, mantissa) = (byte >> 3 & 15, f32::from(byte & 7));
    match exponent {
        0 => mantissa / 1024.0,
        _ => (1.0 + mantissa / 8.0) * f32::from_bits((u32::from(exponent) + 127 - 8) << 23),
    }
}

/// A half of the weights in the low nibbles, the other in the high ones.
fn nibbles(out: &mut [f32], scale: f32, codes: &[u8]) {
    let (low, high) = out.split_at_mut(codes.len());
    for ((low, high), &codes) in low.iter_mut().zip(high).zip(codes) {
        *low = f32::from(DOUBLED[usize::from(codes & 15)]) * scale;
        *high = f32::from(DOUBLED[usize::from(codes >> 4)]) * scale;
    }
}

pub(crate) fn mxfp4(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 17], out: &mut [f32; 32]| {
        nibbles(out, half_e8m0(block[0]), block.part::<1, 16>());
    });
}

pub(crate) fn nvfp4(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 36], out: &mut [f32; 64]| {
        let scales = block.part::<0, 4>();
        let codes = block.part::<4, 32>().as_chunks::<8>().0;
        let groups = out.as_chunks_mut::<16>().0;
        for ((out, &scale), codes) in groups.iter_mut().zip(scales).zip(codes) {
            nibbles(out, half_ue4m3(scale), codes);
        }
    });
}
