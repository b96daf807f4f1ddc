//! Weights in blocks of 256 whose groups have integer factors, activations with one scale for 256.
//!
//! The sum over the groups of factor times dot product is one exact integer; then
//! `acc = fma(sum · scale of x, scale of w, acc)`, and in types with minimums
//! `acc = fnma(sum of factors · sums of x · scale of x, minimum of w, acc)`.

use std::marker::PhantomData;

use super::codes::{Codes, Part, codes, for_quads, quads_in_16_bits};
use super::tile::{Strip, Tile};
use crate::act::Rows;
use crate::pack::{Factors, Format, Layout, PANEL};
use crate::simd::Dots;

pub(super) struct Block256<T>(PhantomData<T>);

impl<T: Format> Tile for Block256<T> {
    #[inline(always)]
    fn strips(lanes: usize, rows: usize) -> usize {
        if lanes == 8 && rows <= 2 { 2 } else { 1 }
    }

    #[inline(always)]
    unsafe fn tile<S: Dots, const M: usize, const H: usize>(
        s: S,
        mut strips: [Strip; H],
        inputs: usize,
        mut rows: Rows,
    ) -> [[S::F; M]; H] {
        let mut acc = [[s.splat(0.0); M]; H];
        for _ in 0..inputs / 256 {
            // SAFETY: the strips are at a unit, the rows at its 256 values.
            unsafe { unit::<S, T, M, H>(s, strips, rows, &mut acc) };
            for strip in &mut strips {
                strip.panel = strip.panel.wrapping_add(const { T::LAYOUT.unit_bytes() });
            }
            rows.quads = rows.quads.wrapping_add(64 * rows.stride);
            rows.scales = rows.scales.wrapping_add(rows.stride);
            rows.sums = rows.sums.wrapping_add(8 * rows.stride);
            rows.sums32 = rows.sums32.wrapping_add(4 * rows.stride);
        }
        acc
    }
}

/// # Safety
/// Each strip is at a unit, the rows at its 256 values.
#[inline(always)]
unsafe fn unit<S: Dots, T: Format, const M: usize, const H: usize>(
    s: S,
    strips: [Strip; H],
    rows: Rows,
    acc: &mut [[S::F; M]; H],
) {
    let layout = const { T::LAYOUT };
    let mut sums = [[s.splat_i(0); M]; H];
    for chunk in 0..8 {
        if M <= 2 {
            prefetch(s, &layout, strips[0], chunk);
        }
        // SAFETY: the unit has eight chunks.
        unsafe { add_chunk::<S, T, M, H>(s, strips, rows, chunk, &mut sums) };
    }
    // SAFETY: each address is inside of the unit, or the rows' block.
    unsafe {
        for (h, strip) in strips.into_iter().enumerate() {
            let scale = s.load_f16(strip.panel.add(2 * strip.lane).cast());
            let min = strip.panel.wrapping_add(layout.min_at() + 2 * strip.lane);
            let min = if layout.min {
                s.load_f16(min.cast())
            } else {
                scale
            };
            let corrections = corrections::<S, T, M>(s, strip, rows);
            for t in 0..M {
                let of_x = s.splat(*rows.scales.add(t));
                let mut sum = sums[h][t];
                if let Some(offset) = layout.offset {
                    sum = s.sub_i(sum, s.shl(corrections[t], offset));
                }
                acc[h][t] = s.fma(s.mul(s.to_f(sum), of_x), scale, acc[h][t]);
                if layout.min {
                    let sum = s.mul(s.to_f(corrections[t]), of_x);
                    acc[h][t] = s.fnma(sum, min, acc[h][t]);
                }
            }
        }
    }
}

/// How far ahead weights are asked for, in bytes.
const AHEAD: usize = 4096;

/// Asks for chunk `chunk` of the next unit.
#[inline(always)]
fn prefetch<S: Dots>(s: S, layout: &Layout, strip: Strip, chunk: usize) {
    let part = layout.unit_bytes() / 8;
    for line in 0..part.div_ceil(64) {
        s.prefetch(strip.panel.wrapping_add(AHEAD + chunk * part + 64 * line));
    }
}

/// The factors of group `group`, of the scales or of the minimums.
///
/// # Safety
/// The strip is at a unit that has the group.
#[inline(always)]
pub(super) unsafe fn factors<S: Dots>(
    s: S,
    layout: &Layout,
    strip: Strip,
    group: usize,
    of_mins: bool,
) -> S::I {
    let bytes = |at: usize| strip.panel.wrapping_add(at + group * PANEL + strip.lane);
    // SAFETY: a byte for each row of the strip.
    unsafe {
        match (layout.factors, of_mins) {
            (Factors::Signed(_), _) => s.load_i8(bytes(layout.factors_at())),
            (Factors::Nibbles, false) => {
                s.and(s.load_u8(bytes(layout.factors_at())), s.splat_i(15))
            }
            (Factors::Nibbles, true) => s.shr16(s.load_u8(bytes(layout.factors_at())), 4),
            (_, false) => s.load_u8(bytes(layout.factors_at())),
            (_, true) => s.load_u8(bytes(layout.mins_at())),
        }
    }
}

/// Adds the products of 32 inputs, times their groups' factors.
///
/// # Safety
/// As [`unit`].
#[inline(always)]
unsafe fn add_chunk<S: Dots, T: Format, const M: usize, const H: usize>(
    s: S,
    strips: [Strip; H],
    rows: Rows,
    chunk: usize,
    sums: &mut [[S::I; M]; H],
) {
    let layout = const { T::LAYOUT };
    let group_quads = const { T::LAYOUT.group() / 4 };
    let in_16_bits = const { quads_in_16_bits(T::LAYOUT.bits) };
    let fold_after = if S::WIDE || in_16_bits > group_quads {
        group_quads
    } else {
        in_16_bits
    };
    let quads = rows.quads.wrapping_add(chunk * 8 * rows.stride);
    let mut parts = [[Part::zero(s); M]; H];
    for_quads!(|Q| {
        for (h, strip) in strips.into_iter().enumerate() {
            let at = layout.codes_at() + chunk * layout.chunk_bytes();
            // SAFETY: the unit has this chunk.
            let codes = unsafe { codes(s, &layout, strip.panel.wrapping_add(at), strip.lane, Q) };
            let codes = Codes::new(s, codes, layout.bits);
            for (t, part) in parts[h].iter_mut().enumerate() {
                // SAFETY: the quad of the rows' block.
                let x = s.splat_i(unsafe { *quads.add(Q * rows.stride + t) });
                part.add(s, codes, x, layout.bits);
            }
            if (Q + 1usize).is_multiple_of(fold_after) {
                let group = chunk * (8 / group_quads) + Q / group_quads;
                // SAFETY: the unit has this group.
                let factor = s.factor(unsafe { factors(s, &layout, strip, group, false) });
                for t in 0..M {
                    sums[h][t] = parts[h][t].fold(s, sums[h][t], factor, layout.bits);
                    parts[h][t] = Part::zero(s);
                }
            }
        }
    });
}

/// The sums over the groups of a factor, the minimum's or else the scale's, times the sum of the
/// activations; zeros in types that need none.
///
/// # Safety
/// As [`unit`].
#[inline(always)]
unsafe fn corrections<S: Dots, T: Format, const M: usize>(
    s: S,
    strip: Strip,
    rows: Rows,
) -> [S::I; M] {
    let layout = const { T::LAYOUT };
    let mut sums = [s.splat_i(0); M];
    if !layout.min && layout.offset.is_none() {
        return sums;
    }
    let pairs = 128 / layout.group();
    let of_x = if layout.group() == 16 {
        rows.sums
    } else {
        rows.sums32
    };
    for pair in 0..pairs {
        // SAFETY: the unit has these groups, the rows their sums.
        unsafe {
            let even = factors(s, &layout, strip, 2 * pair, layout.min);
            let odd = factors(s, &layout, strip, 2 * pair + 1, layout.min);
            let both = s.or(s.and(even, s.splat_i(0xffff)), s.shl(odd, 16));
            for (t, sum) in sums.iter_mut().enumerate() {
                *sum = s.dot16(*sum, both, s.splat_i(*of_x.add(pair * rows.stride + t)));
            }
        }
    }
    sums
}
