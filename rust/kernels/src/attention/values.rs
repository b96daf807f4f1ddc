//! Weighted sums of values.

use std::ops::Range;

use super::cache::BLOCK;
use super::tile::{CHUNK, Job, LANES, Tile};
use crate::number::Number;
use crate::simd::Simd;

/// Adds the values of a chunk, weighted, to the outputs: first what only some queries see, before
/// and after what all see.
///
/// # Safety
/// As [`scores`].
#[inline(always)]
pub(super) unsafe fn add_values<S: Simd, N: Number, const M: usize>(
    s: S,
    job: &Job<'_>,
    tile: &Tile<'_, M>,
    start: usize,
    scores: *const f32,
) {
    let seen: [Range<usize>; M] = std::array::from_fn(|t| tile.queries[t].in_chunk(start));
    let from = seen.iter().map(|seen| seen.start).max().unwrap_or(0);
    let to = seen.iter().map(|seen| seen.end).min().unwrap_or(0);
    let all = from..to;
    let outs = tile.outs;
    let empty = all.is_empty();
    for t in 0..M {
        let before = seen[t].start..if empty { seen[t].end } else { all.start };
        let weights = scores.wrapping_add(t * CHUNK);
        // SAFETY: the caller's promise.
        unsafe { weighted_sums::<S, N, 1>(s, job, [outs[t]], start, before, weights) };
    }
    if empty {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { weighted_sums::<S, N, M>(s, job, outs, start, all.clone(), scores) };
    for t in 0..M {
        let weights = scores.wrapping_add(t * CHUNK);
        let after = all.end..seen[t].end;
        // SAFETY: the caller's promise.
        unsafe { weighted_sums::<S, N, 1>(s, job, [outs[t]], start, after, weights) };
    }
}

/// `out[t] += Σ weight[t][p] · value[p]` over the positions `part` of a chunk, in order.
///
/// # Safety
/// As [`scores`].
#[inline(always)]
unsafe fn weighted_sums<S: Simd, N: Number, const M: usize>(
    s: S,
    job: &Job<'_>,
    outs: [*mut f32; M],
    start: usize,
    part: Range<usize>,
    weights: *const f32,
) {
    if part.is_empty() {
        return;
    }
    // So many vectors of dimensions at once that the sums fit the registers.
    let at_once = (S::REGISTERS / 2 / M).clamp(1, 4);
    let vectors = job.kv.value_dim / LANES;
    let mut v = 0;
    // SAFETY: the caller's promise; the dimensions exist.
    unsafe {
        while v < vectors {
            let first = v * LANES;
            v += match at_once.min(vectors - v) {
                4 => sums_of_dims::<S, N, M, 4>(s, job, outs, start, &part, weights, first),
                2 | 3 => sums_of_dims::<S, N, M, 2>(s, job, outs, start, &part, weights, first),
                _ => sums_of_dims::<S, N, M, 1>(s, job, outs, start, &part, weights, first),
            };
        }
        if job.kv.value_dim > v * LANES {
            sums_of_dims::<S, N, M, 1>(s, job, outs, start, &part, weights, v * LANES);
        }
    }
}

/// [`weighted_sums`] for `W` vectors of dimensions from `first` on; gives `W`.
///
/// # Safety
/// As [`weighted_sums`].
#[inline(always)]
unsafe fn sums_of_dims<S: Simd, N: Number, const M: usize, const W: usize>(
    s: S,
    job: &Job<'_>,
    outs: [*mut f32; M],
    start: usize,
    part: &Range<usize>,
    weights: *const f32,
    first: usize,
) -> usize {
    let rest = job.kv.value_dim - first;
    let row_bytes = job.kv.value_stride() * N::BYTES;
    let mut sums = [[s.splat(0.0); W]; M];
    // SAFETY: the dimensions of each query's output; only a last single vector is not whole.
    unsafe {
        for (sums, out) in sums.iter_mut().zip(outs) {
            for (w, sum) in sums.iter_mut().enumerate() {
                let at = out.add(first + w * LANES);
                *sum = if rest < LANES {
                    s.load_part(at, rest)
                } else {
                    s.load(at)
                };
            }
        }
    }
    let mut position = part.start;
    while position < part.end {
        let end = part.end.min((position / BLOCK + 1) * BLOCK);
        let block = job.block(start + position);
        let values = job
            .kv
            .values(block, job.kv_head)
            .wrapping_add(first * N::BYTES);
        let next = job
            .kv
            .values(job.block_after(start + position), job.kv_head);
        for p in position..end {
            let row = p % BLOCK * row_bytes;
            if job.streams() {
                for bytes in (0..W * LANES * N::BYTES).step_by(64) {
                    s.prefetch(next.wrapping_add(row + first * N::BYTES + bytes));
                }
            }
            for w in 0..W {
                // SAFETY: a vector of the position's values; rows are filled up to whole ones.
                let value = unsafe { N::load(s, values.add(row + w * LANES * N::BYTES)) };
                for (t, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: the weight of the position.
                    let weight = s.splat(unsafe { *weights.add(t * CHUNK + p) });
                    sums[w] = s.fma(weight, value, sums[w]);
                }
            }
        }
        position = end;
    }
    // SAFETY: as above.
    unsafe {
        for (sums, out) in sums.into_iter().zip(outs) {
            for (w, sum) in sums.into_iter().enumerate() {
                let at = out.add(first + w * LANES);
                if rest < LANES {
                    s.store_part(at, sum, rest)
                } else {
                    s.store(at, sum)
                };
            }
        }
    }
    W
}
