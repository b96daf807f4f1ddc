//! About two bits a weight: codes name vectors of eight magnitudes, signs come apart.

use crate::blocks::{Parts, each_block};
use crate::grids;

/// The levels of the magnitudes.
const LEVELS: [u8; 3] = [0x08, 0x19, 0x2b];

const XXS: [[u8; 8]; 256] = expand(&grids::IQ2_XXS);
const XS: [[u8; 8]; 512] = expand(&grids::IQ2_XS);
const S: [[u8; 8]; 1024] = expand(&grids::IQ2_S);

const fn expand<const N: usize>(packed: &[u16; N]) -> [[u8; 8]; N] {
    let mut grid = [[0; 8]; N];
    let mut i = 0;
    while i < N {
        let mut j = 0;
        while j < 8 {
            grid[i][j] = LEVELS[(packed[i] >> (2 * j) & 3) as usize];
            j += 1;
        }
        i += 1;
    }
    grid
}

/// Eight sign bits of which only seven are stored: their number is even.
pub(crate) fn even_signs(seven: u32) -> u8 {
    let seven = (seven & 127) as u8;
    seven | ((seven.count_ones() & 1) as u8) << 7
}

/// `scale * magnitude`, negated where the sign bit is set.
pub(crate) fn signed<const N: usize>(
    out: &mut [f32; N],
    scale: f32,
    magnitudes: &[u8; N],
    signs: u8,
) {
    for (j, (out, &magnitude)) in out.iter_mut().zip(magnitudes).enumerate() {
        let sign = if signs >> j & 1 == 0 { 1.0 } else { -1.0 };
        *out = scale * f32::from(magnitude) * sign;
    }
}

/// The scale of a group from its four bits.
fn group_scale(scale: f32, bits: u8) -> f32 {
    scale * (0.5 + f32::from(bits)) * 0.25
}

pub(crate) fn xxs(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 66], out: &mut [f32; 256]| {
        let scale = block.half::<0>();
        let groups = block.part::<2, 64>().as_chunks::<8>().0;
        for (group, out) in groups.iter().zip(out.as_chunks_mut::<32>().0) {
            let word = u32::from_le_bytes(*group.part::<4, 4>());
            let scale = group_scale(scale, (word >> 28) as u8);
            let codes = group.part::<0, 4>();
            for (l, (out, &code)) in out.as_chunks_mut().0.iter_mut().zip(codes).enumerate() {
                signed(
                    out,
                    scale,
                    &XXS[usize::from(code)],
                    even_signs(word >> (7 * l)),
                );
            }
        }
    });
}

pub(crate) fn xs(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 74], out: &mut [f32; 256]| {
        let scale = block.half::<0>();
        let codes = block.part::<2, 64>().as_chunks::<2>().0;
        let scales = block.part::<66, 8>();
        for (i, (out, &code)) in out.as_chunks_mut().0.iter_mut().zip(codes).enumerate() {
            let code = u16::from_le_bytes(code);
            let scale = group_scale(scale, scales[i / 4] >> (i / 2 % 2 * 4) & 15);
            let vector = &XS[usize::from(code & 511)];
            signed(out, scale, vector, even_signs(u32::from(code >> 9)));
        }
    });
}

pub(crate) fn s(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |block: &[u8; 82], out: &mut [f32; 256]| {
        let scale = block.half::<0>();
        let codes = block.part::<2, 32>().iter().zip(block.part::<34, 32>());
        let high_bits = block.part::<66, 8>();
        let scales = block.part::<74, 8>();
        for (i, (out, (&code, &signs))) in out.as_chunks_mut().0.iter_mut().zip(codes).enumerate() {
            let scale = group_scale(scale, scales[i / 4] >> (i / 2 % 2 * 4) & 15);
            let high = u16::from(high_bits[i / 4] >> (i % 4 * 2) & 3);
            signed(
                out,
                scale,
                &S[usize::from(u16::from(code) | high << 8)],
                signs,
            );
        }
    });
}
