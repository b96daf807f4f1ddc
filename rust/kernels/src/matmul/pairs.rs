//! Weights and activations of type `bf16`, two in a word: `acc = fma(odd, odd, acc)`, then
//! `acc = fma(even, even, acc)`, pair by pair.
//!
//! That is what VDPBF16PS does with numbers that are not subnormal ([`crate::bf16`]), so it is used
//! where it is fast; no result depends on it.

use super::tile::{Job, Strip, Tile, run};
use crate::Level;
use crate::act::Rows;
#[cfg(all(target_arch = "x86_64", not(miri)))]
use crate::isa::Kind;
use crate::pack::PANEL;
use crate::simd::Dots;

struct Pairs;

/// How far ahead weights are asked for, in bytes.
const AHEAD: usize = 4096;

/// Runs a job with the instruction for pairs where it is fast.
pub(super) fn run_pairs(level: Level, job: &Job<'_>) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if has_fast_bf16(level) {
        // SAFETY: the level's features were asked for, and those of the instruction.
        return unsafe { with_instruction(job) };
    }
    run::<Pairs>(level, job);
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16")]
fn with_instruction(job: &Job<'_>) {
    // SAFETY: this function's features.
    let s = unsafe { crate::simd::Avx512::<true, true>::new() };
    // SAFETY: as in `run`.
    unsafe { super::tile::panels::<_, Pairs>(s, job) }
}

impl Tile for Pairs {
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
        for pair in 0..inputs.div_ceil(2) {
            let x = rows.quads.wrapping_add(pair * rows.stride);
            // SAFETY: the pair of each row.
            let x: [S::I; M] = std::array::from_fn(|t| s.splat_i(unsafe { *x.add(t) }));
            for (strip, acc) in strips.iter().zip(&mut acc) {
                let at = strip.panel.wrapping_add((pair * PANEL + strip.lane) * 4);
                if M <= 2 {
                    s.prefetch(at.wrapping_add(AHEAD));
                }
                // SAFETY: the pair of each of the strip's rows.
                let w = unsafe { s.load_i(at) };
                for (acc, &x) in acc.iter_mut().zip(&x) {
                    *acc = s.dot_bf16(*acc, w, x);
                }
            }
        }
        acc
    }
}

/// Whether kernels of this level may use VDPBF16PS, and are faster with it: it does two products a
/// lane, but takes four times as long as a fused multiply-add on some processors.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn has_fast_bf16(level: Level) -> bool {
    static FAST: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    let measure = || {
        if !is_x86_feature_detected!("avx512bf16") {
            return false;
        }
        // SAFETY: the processor has the features.
        let [fma, dot] = unsafe { bf16_times() };
        dot * 2 < fma * 3
    };
    level.kind() >= Kind::Vnni && *FAST.get_or_init(measure)
}

/// Ticks of so many fused multiply-adds and of as many VDPBF16PS: the least of some runs.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx512f,avx512bf16")]
fn bf16_times() -> [u64; 2] {
    use std::arch::x86_64::{
        __m512, __m512bh, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_setzero_ps, _rdtsc,
    };
    use std::hint::black_box;

    const RUNS: usize = 8;
    const ROUNDS: usize = 64;
    let ticks = |step: &dyn Fn(&mut [__m512; 16])| {
        let run = |_| {
            let mut sums = [_mm512_setzero_ps(); 16];
            // SAFETY: every processor with AVX-512 has a counter of ticks.
            let begin = unsafe { _rdtsc() };
            for _ in 0..ROUNDS {
                step(black_box(&mut sums));
            }
            // SAFETY: as above.
            unsafe { _rdtsc() }.saturating_sub(begin)
        };
        (0..RUNS).map(run).min().unwrap_or(0)
    };
    let zero = black_box(_mm512_setzero_ps());
    // SAFETY: both are vectors of 512 bits.
    let pairs: __m512bh = unsafe { std::mem::transmute(zero) };
    let fma = ticks(&|sums| {
        for _ in 0..8 {
            for sum in sums.iter_mut() {
                *sum = _mm512_fmadd_ps(zero, zero, *sum);
            }
        }
    });
    let dot = ticks(&|sums| {
        for _ in 0..8 {
            for sum in sums.iter_mut() {
                *sum = _mm512_dpbf16_ps(*sum, pairs, pairs);
            }
        }
    });
    [fma, dot]
}
