//! Weights that are numbers of their own, activations as they are:
//! `acc = fma(w, x, acc)`, input by input.

use std::marker::PhantomData;

use super::tile::{Strip, Tile};
use crate::act::Rows;
use crate::number::Number;
use crate::pack::PANEL;
use crate::simd::Dots;

pub(super) struct Plain<N>(PhantomData<N>);

/// How far ahead weights are asked for, in bytes.
const AHEAD: usize = 4096;

impl<N: Number> Tile for Plain<N> {
    #[inline(always)]
    fn strips(lanes: usize, _: usize) -> usize {
        if lanes == 4 { 1 } else { 2 }
    }

    #[inline(always)]
    unsafe fn tile<S: Dots, const M: usize, const H: usize>(
        s: S,
        strips: [Strip; H],
        inputs: usize,
        rows: Rows,
    ) -> [[S::F; M]; H] {
        let mut acc = [[s.splat(0.0); M]; H];
        for k in 0..inputs {
            let x = rows.quads.wrapping_add(k * rows.stride).cast::<f32>();
            for (strip, acc) in strips.iter().zip(&mut acc) {
                let at = strip
                    .panel
                    .wrapping_add((k * PANEL + strip.lane) * N::BYTES);
                if M <= 2 && strip.lane == 0 {
                    s.prefetch(at.wrapping_add(AHEAD));
                }
                // SAFETY: weight `k` of the strip's rows.
                let w = unsafe { N::load(s, at) };
                for (t, acc) in acc.iter_mut().enumerate() {
                    // SAFETY: value `k` of row `t`.
                    *acc = s.fma(w, s.splat(unsafe { *x.add(t) }), *acc);
                }
            }
        }
        acc
    }
}
