//! Less than two bits a weight: codes name vectors of eight values -1, 0, 1, shifted by an eighth.

use half::f16;

use crate::blocks::{Parts, each_block};
use crate::grids;

const GRID: [[i8; 8]; 2048] = expand(&grids::IQ1);

const fn expand<const N: usize>(packed: &[u16; N]) -> [[i8; 8]; N] {
    let mut grid = [[0; 8]; N];
    let mut i = 0;
    while i < N {
        let mut j = 0;
        while j < 8 {
            grid[i][j] = (packed[i] >> (2 * j) & 3) as i8 - 1;
            j += 1;
        }
        i += 1;
    }
    grid
}

/// The eight weights of code `low` with three more bits in `high`.
fn vector(out: &mut [f32; 8], scale: f32, low: u8, high: u16, negative_shift: bool) {
    let shift = if negative_shift { -0.125 } else { 0.125 };
    let grid = &GRID[usize::from(u16::from(low) | (high & 7) << 8)];
    for (out, &value) in out.iter_mut().zip(grid) {
        *out = scale * (f32::from(value) + shift);
    }
}

pub(crate) fn s(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 50], out: &mut [f32; 256]| {
        let scale = block.half::<0>();
        let codes = block.part::<2, 32>();
        let words = block.part::<34, 16>().as_chunks::<2>().0;
        for (i, (out, &code)) in out.as_chunks_mut().0.iter_mut().zip(codes).enumerate() {
            let word = u16::from_le_bytes(words[i / 4]);
            let scale = scale * f32::from(2 * (word >> 12 & 7) + 1);
            vector(out, scale, code, word >> (i % 4 * 3), word & 0x8000 != 0);
        }
    });
}

pub(crate) fn m(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 56], out: &mut [f32; 256]| {
        let codes = block.part::<0, 32>();
        let nibbles = block.part::<32, 16>();
        let words = block.part::<48, 8>().as_chunks::<2>().0;
        let words: [u16; 4] = std::array::from_fn(|i| u16::from_le_bytes(words[i]));
        // The block's own scale is spread over the upper nibbles of the four words.
        let bits = (0..4).fold(0, |bits, i| bits | words[i] >> 12 << (4 * i));
        let scale = f16::from_bits(bits).to_f32();
        for (i, (out, &code)) in out.as_chunks_mut().0.iter_mut().zip(codes).enumerate() {
            let factor = words[i / 8] >> (i / 2 % 4 * 3) & 7;
            let scale = scale * f32::from(2 * factor + 1);
            let nibble = nibbles[i / 2] >> (i % 2 * 4);
            vector(out, scale, code, nibble.into(), nibble & 8 != 0);
        }
    });
}
