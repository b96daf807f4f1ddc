//! A few queries of one KV head at a time, in registers.

use std::ops::Range;

use super::cache::{BLOCK, KvView};
use super::scores::scores;
use super::values::add_values;
use super::{AttentionScratch, AttentionShape, Queries};
use crate::math::exp;
use crate::number::Number;
use crate::shared::Shared;
use crate::simd::Simd;

/// Positions between two looks at the maximum.
pub(super) const CHUNK: usize = 256;

/// Most queries of a tile.
pub(super) const MOST_QUERIES: usize = 8;

/// Lanes of the vectors at every level.
pub(super) const LANES: usize = 16;

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
pub(super) struct Query {
    q: *const f32,
    pub(super) out: *mut f32,
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
    pub(super) fn in_chunk(&self, start: usize) -> Range<usize> {
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
    pub(super) fn block(&self, position: usize) -> usize {
        self.queries.table[position / BLOCK] as usize
    }

    /// The block after that of a position, or the same one at the end.
    #[inline(always)]
    pub(super) fn block_after(&self, position: usize) -> usize {
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
    let (q, weights) = (scratch.q.as_ptr(), scratch.scores.as_mut_ptr());
    for start in (from / CHUNK * CHUNK..to).step_by(CHUNK) {
        let positions = start.max(from / BLOCK * BLOCK)..to.min(start + CHUNK);
        // SAFETY: the caller's promise; the positions have blocks.
        unsafe {
            scores::<S, N, M>(s, job, q, start, positions, weights);
            for (t, query) in queries.iter_mut().enumerate() {
                weigh(s, query, start, value_dim, weights.add(t * CHUNK));
            }
            add_values::<S, N, M>(s, job, &queries, start, weights);
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
