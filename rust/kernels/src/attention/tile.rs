//! A few queries of one KV head at a time, in registers.

use std::ops::Range;

use super::cache::{BLOCK, KvView};
use super::{AttentionScratch, AttentionShape, Queries};
use crate::math::{exp, tanh};
use crate::number::Number;
use crate::shared::Shared;
use crate::simd::Simd;

/// Positions between two looks at the maximum.
pub(super) const CHUNK: usize = 256;

/// Most queries of a tile.
pub(super) const MOST_QUERIES: usize = 8;

/// Lanes of the vectors at every level.
const LANES: usize = 16;

/// One call's work; shapes were checked.
pub(super) struct Job<'a> {
    pub shape: &'a AttentionShape,
    pub kv: &'a KvView<'a>,
    pub kv_head: usize,
    pub queries: &'a Queries<'a>,
    pub out: Shared<'a, f32>,
}

/// A query head of a row.
#[derive(Clone, Copy)]
struct Query {
    q: *const f32,
    out: *mut f32,
    /// First position seen, and the one after the last.
    from: usize,
    to: usize,
    /// Largest score so far.
    max: f32,
    /// Sum of the exponentials, relative to the largest.
    sum: f32,
}

impl Query {
    /// The positions of a chunk that are seen, relative to its start.
    #[inline(always)]
    fn in_chunk(&self, start: usize) -> Range<usize> {
        let inside = |position: usize| position.saturating_sub(start).min(CHUNK);
        inside(self.from)..inside(self.to)
    }
}

impl Job<'_> {
    /// Query `index` of this KV head: heads of a row first.
    fn query(&self, index: usize) -> Option<Query> {
        let group = self.shape.heads / self.kv.heads;
        let (row, head) = (index / group, self.kv_head * group + index % group);
        let seen = self.queries.visible.get(row)?;
        let at = row * self.shape.heads + head;
        Some(Query {
            q: self.queries.q.as_ptr().wrapping_add(at * self.kv.key_dim),
            out: self.out.as_mut_ptr().wrapping_add(at * self.kv.value_dim),
            from: seen.start,
            to: seen.end,
            max: f32::NEG_INFINITY,
            sum: 0.0,
        })
    }

    /// The block of a position.
    #[inline(always)]
    fn block(&self, position: usize) -> usize {
        self.queries.table[position / BLOCK] as usize
    }

    /// The block after that of a position, or the same one at the end.
    #[inline(always)]
    fn block_after(&self, position: usize) -> usize {
        let next = (position / BLOCK + 1).min(self.queries.table.len() - 1);
        self.queries.table[next] as usize
    }
}

/// All queries of a job, as many at a time as the registers hold.
///
/// # Safety
/// Shapes were checked; the cache is not written meanwhile, the heads of `out` are this thread's.
#[inline(always)]
pub(super) unsafe fn run<S: Simd, N: Number>(s: S, job: &Job<'_>, scratch: &mut AttentionScratch) {
    let total = job.queries.visible.len() * (job.shape.heads / job.kv.heads);
    let most = (S::REGISTERS / 2).min(MOST_QUERIES);
    let mut index = 0;
    while index < total {
        let count = most.min(total - index);
        // SAFETY: the caller's promise.
        unsafe {
            match count {
                5.. if most == 8 => tile::<S, N, 8>(s, job, index, scratch),
                3..=4 => tile::<S, N, 4>(s, job, index, scratch),
                2 => tile::<S, N, 2>(s, job, index, scratch),
                _ => tile::<S, N, 1>(s, job, index, scratch),
            }
        }
        index += count;
    }
}

/// Up to `M` queries from `index` on; after the last the first one is repeated, its result unused.
///
/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn tile<S: Simd, N: Number, const M: usize>(
    s: S,
    job: &Job<'_>,
    index: usize,
    scratch: &mut AttentionScratch,
) {
    let Some(first) = job.query(index) else {
        return;
    };
    let unused = Query {
        out: scratch.unused.as_mut_ptr(),
        ..first
    };
    let mut queries: [Query; M] = std::array::from_fn(|t| job.query(index + t).unwrap_or(unused));
    let (dim, value_dim) = (job.kv.key_dim, job.kv.value_dim);
    for (t, query) in queries.iter().enumerate() {
        for d in 0..dim {
            // SAFETY: a value of the query.
            scratch.q[d * M + t] = unsafe { *query.q.add(d) } * job.shape.scale;
        }
        // SAFETY: the query's part of the output.
        unsafe { query.out.write_bytes(0, value_dim) };
    }
    let seen = queries.iter().filter(|query| query.from < query.to);
    let from = seen.clone().map(|query| query.from).min().unwrap_or(0);
    let to = seen.map(|query| query.to).max().unwrap_or(0);
    let (q, scores) = (scratch.q.as_ptr(), scratch.scores.as_mut_ptr());
    for start in (from / CHUNK * CHUNK..to).step_by(CHUNK) {
        let positions = start.max(from / BLOCK * BLOCK)..to.min(start + CHUNK);
        // SAFETY: the caller's promise; the positions have blocks.
        unsafe {
            self::scores::<S, N, M>(s, job, q, start, positions, scores);
            for (t, query) in queries.iter_mut().enumerate() {
                weigh(s, query, start, value_dim, scores.add(t * CHUNK));
            }
            add_values::<S, N, M>(s, job, &queries, start, scores);
        }
    }
    for query in queries.iter().filter(|query| query.sum != 0.0) {
        // SAFETY: the query's part of the output.
        unsafe { each_vector(s, query.out, value_dim, |x| s.div(x, s.splat(query.sum))) };
    }
}

/// `out[..] = f(out[..])`.
///
/// # Safety
/// `len` values that are this thread's.
#[inline(always)]
unsafe fn each_vector<S: Simd>(s: S, out: *mut f32, len: usize, f: impl Fn(S::F) -> S::F) {
    // SAFETY: the caller's promise.
    let out = unsafe { std::slice::from_raw_parts_mut(out, len) };
    for out in out.chunks_mut(LANES) {
        let value = f(crate::simd::load(s, out));
        crate::simd::store(s, out, value);
    }
}

/// Scores of the blocks of `positions`, `[M, CHUNK]`, those outside of a query's sight too.
///
/// # Safety
/// As [`run`]; the positions have blocks and are of the chunk at `start`.
#[inline(always)]
unsafe fn scores<S: Simd, N: Number, const M: usize>(
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
        // Both halves of a block at once, if the registers hold the sums.
        if 2 * M < S::REGISTERS {
            // SAFETY: the block's keys.
            let sums =
                unsafe { products::<S, N, M, 2>(s, job.kv.key_dim, q, keys, line, Some(next)) };
            // SAFETY: the block's place in the scores.
            unsafe { store_scores(s, job.shape, sums, scores.add(position - start)) };
            continue;
        }
        for half in 0..2 {
            let keys = keys.wrapping_add(half * LANES * N::BYTES);
            let next = (half == 0).then_some(next);
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

/// From scores to exponentials relative to the new maximum; what was summed before is scaled to it.
///
/// # Safety
/// The scores of a chunk; the query's output is this thread's.
#[inline(always)]
unsafe fn weigh<S: Simd>(
    s: S,
    query: &mut Query,
    start: usize,
    value_dim: usize,
    scores: *mut f32,
) {
    let seen = query.in_chunk(start);
    if seen.is_empty() {
        return;
    }
    let vectors = seen.start / LANES..seen.end.div_ceil(LANES);
    let least = s.splat(f32::NEG_INFINITY);
    let mut max = least;
    for v in vectors.clone() {
        // SAFETY: a vector of the chunk.
        let score = unsafe { s.load(scores.add(v * LANES)) };
        max = s.max(max, pick(s, &seen, v, score, least));
    }
    let max = s.reduce_max(max);
    let max = if max > query.max { max } else { query.max };
    if query.max > f32::NEG_INFINITY && max > query.max {
        let factor = exp(s, s.splat(query.max - max));
        query.sum *= s.reduce_max(factor);
        // SAFETY: the caller's promise.
        unsafe { each_vector(s, query.out, value_dim, |x| s.mul(x, factor)) };
    }
    query.max = max;
    let mut sum = s.splat(0.0);
    for v in vectors {
        // SAFETY: a vector of the chunk.
        unsafe {
            let at = scores.add(v * LANES);
            let e = exp(s, s.sub(s.load(at), s.splat(max)));
            let e = pick(s, &seen, v, e, s.splat(0.0));
            sum = s.add(sum, e);
            s.store(at, e);
        }
    }
    query.sum += s.reduce_add(sum);
}

/// The lanes of vector `v` that are seen, elsewhere those of `other`.
#[inline(always)]
fn pick<S: Simd>(s: S, seen: &Range<usize>, v: usize, x: S::F, other: S::F) -> S::F {
    let lane = |position: usize| position.saturating_sub(v * LANES).min(LANES);
    s.pick(lane(seen.start), lane(seen.end), x, other)
}

/// Adds the values of a chunk, weighted, to the outputs: first what only some queries see, before
/// and after what all see.
///
/// # Safety
/// As [`scores`].
#[inline(always)]
unsafe fn add_values<S: Simd, N: Number, const M: usize>(
    s: S,
    job: &Job<'_>,
    queries: &[Query; M],
    start: usize,
    scores: *const f32,
) {
    let seen: [Range<usize>; M] = std::array::from_fn(|t| queries[t].in_chunk(start));
    let from = seen.iter().map(|seen| seen.start).max().unwrap_or(0);
    let to = seen.iter().map(|seen| seen.end).min().unwrap_or(0);
    let all = from..to;
    let outs: [*mut f32; M] = std::array::from_fn(|t| queries[t].out);
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
            for bytes in (0..W * LANES * N::BYTES).step_by(64) {
                s.prefetch(next.wrapping_add(row + first * N::BYTES + bytes));
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
