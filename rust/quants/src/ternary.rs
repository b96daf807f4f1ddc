//! Weights of two or three values, a few of them in a byte.

use crate::blocks::{Parts, each_block};

/// Digit `n` of five base-3 digits in a byte that holds `ceil(number * 256 / 243)`.
fn base_3_digit(byte: u8, n: usize) -> i8 {
    const POWERS: [u8; 5] = [1, 3, 9, 27, 81];
    let shifted = byte.wrapping_mul(POWERS[n]);
    ((u16::from(shifted) * 3) >> 8) as i8 - 1
}

pub(crate) fn tq1_0(source: &[u8], target: &mut [f32]) {
    /// Five digits (four in the last run) of each byte of a run, digit by digit.
    fn run<'a>(
        bytes: &[u8],
        digits: usize,
        scale: f32,
        out: &mut impl Iterator<Item = &'a mut f32>,
    ) {
        for n in 0..digits {
            for (&byte, out) in bytes.iter().zip(&mut *out) {
                *out = f32::from(base_3_digit(byte, n)) * scale;
            }
        }
    }
    each_block(source, target, |block: &[u8; 54], out: &mut [f32; 256]| {
        let scale = block.half::<52>();
        let (long, rest) = out.split_at_mut(160);
        let (short, last) = rest.split_at_mut(80);
        run(block.part::<0, 32>(), 5, scale, &mut long.iter_mut());
        run(block.part::<32, 16>(), 5, scale, &mut short.iter_mut());
        run(block.part::<48, 4>(), 4, scale, &mut last.iter_mut());
    });
}

pub(crate) fn tq2_0(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 66], out: &mut [f32; 256]| {
        let scale = block.half::<64>();
        let codes = block.part::<0, 64>().as_chunks::<32>().0;
        for (i, out) in out.as_chunks_mut::<32>().0.iter_mut().enumerate() {
            for (out, &byte) in out.iter_mut().zip(&codes[i / 4]) {
                *out = f32::from((byte >> (i % 4 * 2) & 3) as i8 - 1) * scale;
            }
        }
    });
}

pub(crate) fn q1_0(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 18], out: &mut [f32; 128]| {
        let scale = block.half::<0>();
        let bytes = block.part::<2, 16>();
        for (out, &byte) in out.as_chunks_mut::<8>().0.iter_mut().zip(bytes) {
            for (j, out) in out.iter_mut().enumerate() {
                *out = if byte >> j & 1 == 0 { -scale } else { scale };
            }
        }
    });
}

pub(crate) fn q2_0(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 18], out: &mut [f32; 64]| {
        let scale = block.half::<0>();
        let bytes = block.part::<2, 16>();
        for (out, &byte) in out.as_chunks_mut::<4>().0.iter_mut().zip(bytes) {
            for (j, out) in out.iter_mut().enumerate() {
                *out = f32::from((byte >> (2 * j) & 3) as i8 - 1) * scale;
            }
        }
    });
}
