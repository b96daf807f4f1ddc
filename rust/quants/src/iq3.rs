//! About three bits a weight: codes name vectors of four magnitudes, signs come apart.

use crate::blocks::{Parts, each_block};
use crate::grids;
use crate::iq2::{even_signs, signed};

const XXS: [[u8; 4]; 256] = expand(
    &grids::IQ3_XXS,
    [0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3e],
);
const S: [[u8; 4]; 512] = expand(&grids::IQ3_S, [1, 3, 5, 7, 9, 11, 13, 15]);

const fn expand<const N: usize>(packed: &[u16; N], levels: [u8; 8]) -> [[u8; 4]; N] {
    let mut grid = [[0; 4]; N];
    let mut i = 0;
    while i < N {
        let mut j = 0;
        while j < 4 {
            grid[i][j] = levels[(packed[i] >> (3 * j) & 7) as usize];
            j += 1;
        }
        i += 1;
    }
    grid
}

pub(crate) fn xxs(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 98], out: &mut [f32; 256]| {
        let scale = block.half::<0>();
        let codes = block.part::<2, 64>();
        let words = block.part::<66, 32>().as_chunks::<4>().0;
        for (i, (out, &code)) in out.as_chunks_mut().0.iter_mut().zip(codes).enumerate() {
            let word = u32::from_le_bytes(words[i / 8]);
            let scale = scale * (0.5 + (word >> 28) as f32) * 0.5;
            let signs = even_signs(word >> (i / 2 % 4 * 7)) >> (i % 2 * 4);
            signed(out, scale, &XXS[usize::from(code)], signs);
        }
    });
}

pub(crate) fn s(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 110], out: &mut [f32; 256]| {
        let scale = block.half::<0>();
        let codes = block.part::<2, 64>();
        let high_bits = block.part::<66, 8>();
        let signs = block.part::<74, 32>();
        let scales = block.part::<106, 4>();
        for (i, (out, &code)) in out.as_chunks_mut().0.iter_mut().zip(codes).enumerate() {
            let bits = scales[i / 16] >> (i / 8 % 2 * 4) & 15;
            let scale = scale * f32::from(1 + 2 * bits);
            let high = u16::from(high_bits[i / 8] >> (i % 8) & 1);
            let vector = &S[usize::from(u16::from(code) | high << 8)];
            signed(out, scale, vector, signs[i / 2] >> (i % 2 * 4));
        }
    });
}
