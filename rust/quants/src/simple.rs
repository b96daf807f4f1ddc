//! Blocks of 32 weights with one scale, and in some types one minimum.
//!
//! A byte of 4-bit codes holds a weight of the first half of the block in its low nibble and one of
//! the second half in its high one.

use crate::blocks::{Parts, each_block};

pub(crate) fn q4_0(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 18], out: &mut [f32; 32]| {
        let scale = block.half::<0>();
        let (low, high) = out.split_at_mut(16);
        for ((low, high), &codes) in low.iter_mut().zip(high).zip(block.part::<2, 16>()) {
            *low = f32::from(i16::from(codes & 15) - 8) * scale;
            *high = f32::from(i16::from(codes >> 4) - 8) * scale;
        }
    });
}

pub(crate) fn q4_1(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 20], out: &mut [f32; 32]| {
        let (scale, min) = (block.half::<0>(), block.half::<2>());
        let (low, high) = out.split_at_mut(16);
        for ((low, high), &codes) in low.iter_mut().zip(high).zip(block.part::<4, 16>()) {
            *low = f32::from(codes & 15) * scale + min;
            *high = f32::from(codes >> 4) * scale + min;
        }
    });
}

/// The 32 codes of a block of five bits each: nibbles, and one word with all the fifth bits.
fn five_bit_codes(nibbles: &[u8; 16], fifth_bits: [u8; 4]) -> [u8; 32] {
    let fifth_bits = u32::from_le_bytes(fifth_bits);
    let mut codes = [0; 32];
    let (low, high) = codes.split_at_mut(16);
    for (j, ((low, high), &nibbles)) in low.iter_mut().zip(high).zip(nibbles).enumerate() {
        *low = nibbles & 15 | ((fifth_bits >> j) as u8 & 1) << 4;
        *high = nibbles >> 4 | ((fifth_bits >> (j + 16)) as u8 & 1) << 4;
    }
    codes
}

pub(crate) fn q5_0(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 22], out: &mut [f32; 32]| {
        let scale = block.half::<0>();
        let codes = five_bit_codes(block.part::<6, 16>(), *block.part::<2, 4>());
        for (out, code) in out.iter_mut().zip(codes) {
            *out = f32::from(i16::from(code) - 16) * scale;
        }
    });
}

pub(crate) fn q5_1(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 24], out: &mut [f32; 32]| {
        let (scale, min) = (block.half::<0>(), block.half::<2>());
        let codes = five_bit_codes(block.part::<8, 16>(), *block.part::<4, 4>());
        for (out, code) in out.iter_mut().zip(codes) {
            *out = f32::from(code) * scale + min;
        }
    });
}

pub(crate) fn q8_0(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 34], out: &mut [f32; 32]| {
        let scale = block.half::<0>();
        for (out, &code) in out.iter_mut().zip(block.part::<2, 32>()) {
            *out = f32::from(code as i8) * scale;
        }
    });
}

/// As Q8_0; the second `f16`, scale times the sum of the codes, serves dot products only.
pub(crate) fn q8_1(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 36], out: &mut [f32; 32]| {
        let scale = block.half::<0>();
        for (out, &code) in out.iter_mut().zip(block.part::<4, 32>()) {
            *out = f32::from(code as i8) * scale;
        }
    });
}
