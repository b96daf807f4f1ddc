//! Weights and activations in blocks of 32, each with a scale.
//!
//! `acc = fma(dot · scale of x, scale of w, acc)`, then, in types with minimums,
//! `acc = fma(minimum of w, scale · sum of x, acc)`.

use std::marker::PhantomData;

use super::codes::{Codes, Part, codes, for_quads, quads_in_16_bits};
use super::tile::{Strip, Tile};
use crate::act::Rows;
use crate::pack::{Format, Layout, Scale};
use crate::simd::Dots;

pub(super) struct Block32<T>(PhantomData<T>);

/// How far ahead weights are asked for, in bytes.
const AHEAD: usize = 2304;

impl<T: Format> Tile for Block32<T> {
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
        let layout = const { T::LAYOUT };
        let mut acc = [[s.splat(0.0); M]; H];
        for _ in 0..inputs / 32 {
            if M <= 2 {
                prefetch(s, &layout, strips[0]);
            }
            // SAFETY: the strips are at a unit, the rows at its 32 values.
            unsafe { unit::<S, T, M, H>(s, strips, rows, &mut acc) };
            for strip in &mut strips {
                strip.panel = strip.panel.wrapping_add(layout.unit_bytes());
            }
            rows.quads = rows.quads.wrapping_add(8 * rows.stride);
            rows.scales = rows.scales.wrapping_add(rows.stride);
            rows.sums = rows.sums.wrapping_add(rows.stride);
            rows.scaled = rows.scaled.wrapping_add(rows.stride);
        }
        acc
    }
}

#[inline(always)]
fn prefetch<S: Dots>(s: S, layout: &Layout, strip: Strip) {
    for line in 0..layout.unit_bytes() / 64 {
        s.prefetch(strip.panel.wrapping_add(AHEAD + 64 * line));
    }
}

/// # Safety
/// Each strip is at a unit, the rows at its 32 values.
#[inline(always)]
unsafe fn unit<S: Dots, T: Format, const M: usize, const H: usize>(
    s: S,
    strips: [Strip; H],
    rows: Rows,
    acc: &mut [[S::F; M]; H],
) {
    let layout = const { T::LAYOUT };
    // SAFETY: each address is inside of the unit, or the rows' block.
    unsafe {
        let sums = dots::<S, T, M, H>(s, strips, rows);
        for (h, strip) in strips.into_iter().enumerate() {
            let scale = match layout.scale {
                Scale::F16 => s.load_f16(strip.panel.add(2 * strip.lane).cast()),
                Scale::HalfE8m0 => s.load_half_e8m0(strip.panel.add(strip.lane)),
            };
            let min = strip.panel.wrapping_add(layout.min_at() + 2 * strip.lane);
            let min = if layout.min {
                s.load_f16(min.cast())
            } else {
                scale
            };
            for t in 0..M {
                let product = s.mul(s.to_f(sums[h][t]), s.splat(*rows.scales.add(t)));
                acc[h][t] = s.fma(product, scale, acc[h][t]);
                if layout.min {
                    acc[h][t] = s.fma(min, s.splat(*rows.scaled.add(t)), acc[h][t]);
                }
            }
        }
    }
}

/// The exact dot products of a block.
///
/// # Safety
/// As [`unit`].
#[inline(always)]
unsafe fn dots<S: Dots, T: Format, const M: usize, const H: usize>(
    s: S,
    strips: [Strip; H],
    rows: Rows,
) -> [[S::I; M]; H] {
    let layout = const { T::LAYOUT };
    let fold_after = const { quads_in_16_bits(T::LAYOUT.bits) };
    let ones = s.factor(s.splat_i(1));
    let mut sums = [[s.splat_i(0); M]; H];
    if let Some(offset) = layout.offset {
        for t in 0..M {
            // SAFETY: the sums of the rows' block.
            let minus = s.splat_i(unsafe { *rows.sums.add(t) } << offset);
            for sums in &mut sums {
                sums[t] = minus;
            }
        }
    }
    let mut parts = [[Part::zero(s); M]; H];
    for_quads!(|Q| {
        for (h, strip) in strips.into_iter().enumerate() {
            let chunk = strip.panel.wrapping_add(layout.codes_at());
            // SAFETY: the unit's only chunk.
            let codes = unsafe { codes(s, &layout, chunk, strip.lane, Q) };
            let codes = Codes::new(s, codes, layout.bits);
            for t in 0..M {
                // SAFETY: the quad of the rows' block.
                let x = s.splat_i(unsafe { *rows.quads.add(Q * rows.stride + t) });
                if S::WIDE {
                    sums[h][t] = s.dot(sums[h][t], codes.low, x);
                } else {
                    parts[h][t].add(s, codes, x, layout.bits);
                }
            }
        }
        if !S::WIDE && (Q + 1usize).is_multiple_of(fold_after) {
            for (sums, parts) in sums.iter_mut().zip(&mut parts) {
                for (sum, part) in sums.iter_mut().zip(parts) {
                    *sum = part.fold(s, *sum, ones, layout.bits);
                    *part = Part::zero(s);
                }
            }
        }
    });
    sums
}
