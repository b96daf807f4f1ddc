//! Products of queries with keys.

use std::ops::Range;

use super::AttentionShape;
use super::cache::BLOCK;
use super::tile::{CHUNK, Job, LANES};
use crate::math::tanh;
use crate::number::Number;
use crate::simd::Simd;

/// Scores of the blocks of `positions`, `[M, CHUNK]`, those outside of a query's sight too.
///
/// # Safety
/// As [`run`]; the positions have blocks and are of the chunk at `start`.
#[inline(always)]
pub(super) unsafe fn scores<S: Simd, N: Number, const M: usize>(
    s: S,
    job: &Job<'_>,
    q: *const f32,
    start: usize,
    positions: Range<usize>,
    scores: *mut f32,
) {
    let line = BLOCK * N::BYTES;
    for position in positions.step_by(BLOCK) {
        let keys = job.kv.keys(job.block(position), job.kv_head);
        let next = job.kv.keys(job.block_after(position), job.kv_head);
        let next = job.streams().then_some(next);
        // Both halves of a block at once, if the registers hold the sums.
        if 2 * M < S::REGISTERS {
            // SAFETY: the block's keys.
            let sums = unsafe { products::<S, N, M, 2>(s, job.kv.key_dim, q, keys, line, next) };
            // SAFETY: the block's place in the scores.
            unsafe { store_scores(s, job.shape, sums, scores.add(position - start)) };
            continue;
        }
        for half in 0..2 {
            let keys = keys.wrapping_add(half * LANES * N::BYTES);
            let next = next.filter(|_| half == 0);
            // SAFETY: half of the block's keys.
            let sums = unsafe { products::<S, N, M, 1>(s, job.kv.key_dim, q, keys, line, next) };
            let at = position - start + half * LANES;
            // SAFETY: the half block's place in the scores.
            unsafe { store_scores(s, job.shape, sums, scores.add(at)) };
        }
    }
}

/// Products of `M` queries with `H` vectors of keys, dimension by dimension.
///
/// # Safety
/// `dim` lines of keys, as many values of the queries.
#[inline(always)]
unsafe fn products<S: Simd, N: Number, const M: usize, const H: usize>(
    s: S,
    dim: usize,
    q: *const f32,
    keys: *const u8,
    line: usize,
    next: Option<*mut u8>,
) -> [[S::F; M]; H] {
    let mut sums = [[s.splat(0.0); M]; H];
    for d in 0..dim {
        if let Some(next) = next {
            s.prefetch(next.wrapping_add(d * line));
        }
        for (h, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            let key = unsafe { N::load(s, keys.add(d * line + h * LANES * N::BYTES)) };
            for (t, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the caller's promise.
                *sum = s.fma(s.splat(unsafe { *q.add(d * M + t) }), key, *sum);
            }
        }
    }
    sums
}

/// # Safety
/// `H` vectors for each of `M` queries at `scores`.
#[inline(always)]
unsafe fn store_scores<S: Simd, const M: usize, const H: usize>(
    s: S,
    shape: &AttentionShape,
    sums: [[S::F; M]; H],
    scores: *mut f32,
) {
    for (h, sums) in sums.into_iter().enumerate() {
        for (t, mut sum) in sums.into_iter().enumerate() {
            if let Some(cap) = shape.softcap {
                let cap = s.splat(cap);
                sum = s.mul(cap, tanh(s, s.div(sum, cap)));
            }
            // SAFETY: the caller's promise.
            unsafe { s.store(scores.add(t * CHUNK + h * LANES), sum) };
        }
    }
}
