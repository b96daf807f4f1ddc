//! A few queries of one KV head at a time, in registers.

use std::ops::Range;

use super::cache::{BLOCK, KvView};
use super::scores::scores;
use super::values::add_values;
use super::{AttentionScratch, AttentionShape, Queries};
use crate::math::exp;
use crate::number::Number;
use crate::shared::Shared;
use crate::simd::{Simd, interleave};

/// Positions between two looks at the maximum.
pub(super) const CHUNK: usize = 256;

/// Most queries of a tile.
pub(super) const MOST_QUERIES: usize = 8;

/// Most queries that go through a chunk before the next one comes: it stays in the cache meanwhile.
pub(super) const BAND: usize = 128;

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
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    /// First position seen, and the one after the last.
    from: usize,
    to: usize,
    /// Largest score so far.
    max: f32,
    /// Sum of the exponentials, relative to the largest.
    sum: f32,
}

/// Up to `M` queries from one on; after the last of the job the first one is repeated, its result
/// unused.
pub(super) struct Tile<'a, const M: usize> {
    /// `[key_dim, M]`, with the scale.
    pub(super) q: *mut f32,
    pub(super) queries: &'a mut [Query; M],
    pub(super) outs: [*mut f32; M],
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
    /// The row of query `index` of this KV head, and its place among the heads of all rows: heads of
    /// a row come first.
    fn place(&self, index: usize) -> (usize, usize) {
        let group = self.shape.heads / self.kv.heads;
        let (row, head) = (index / group, self.kv_head * group + index % group);
        (row, row * self.shape.heads + head)
    }

    fn query(&self, index: usize) -> Option<Query> {
        let seen = self.queries.visible.get(self.place(index).0)?;
        Some(Query {
            from: seen.start,
            to: seen.end,
            max: f32::NEG_INFINITY,
            sum: 0.0,
        })
    }

    fn q(&self, index: usize) -> *const f32 {
        let at = self.place(index).1 * self.kv.key_dim;
        self.queries.q.as_ptr().wrapping_add(at)
    }

    fn out(&self, index: usize) -> *mut f32 {
        let at = self.place(index).1 * self.kv.value_dim;
        self.out.as_mut_ptr().wrapping_add(at)
    }

    /// Whether the past is read once, by few queries.
    #[inline(always)]
    pub(super) fn streams(&self) -> bool {
        self.queries.visible.len() == 1
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

/// Calls a function of a tile with the number of queries that it has registers for.
macro_rules! for_queries {
    ($count:expr, $most:expr, $run:ident::<$s:ident, $n:ident>$args:tt) => {
        match $count {
            5.. if $most == 8 => $run::<$s, $n, 8>$args,
            3..=4 => $run::<$s, $n, 4>$args,
            2 => $run::<$s, $n, 2>$args,
            _ => $run::<$s, $n, 1>$args,
        }
    };
}

/// All queries of a job, as many at a time as the registers hold.
///
/// # Safety
/// Shapes were checked; the cache is not written meanwhile, the heads of `out` are this thread's.
#[inline(always)]
pub(super) unsafe fn run<S: Simd, N: Number>(s: S, job: &Job<'_>, scratch: &mut AttentionScratch) {
    let total = job.queries.visible.len() * (job.shape.heads / job.kv.heads);
    for band in (0..total).step_by(BAND) {
        // SAFETY: the caller's promise.
        unsafe { run_band::<S, N>(s, job, band..total.min(band + BAND), scratch) };
    }
}

/// Some queries of a job, chunk by chunk of what they see.
///
/// # Safety
/// As [`run`]; up to [`BAND`] queries.
#[inline(always)]
unsafe fn run_band<S: Simd, N: Number>(
    s: S,
    job: &Job<'_>,
    band: Range<usize>,
    scratch: &mut AttentionScratch,
) {
    let most = (S::REGISTERS / 2).min(MOST_QUERIES);
    scratch.queries.clear();
    for first in band.clone().step_by(most) {
        let count = most.min(band.end - first);
        // SAFETY: the caller's promise; the scratch has room for a band.
        unsafe { for_queries!(count, most, begin::<S, N>(s, job, &band, first, scratch)) };
    }
    let seen = scratch.queries.iter().filter(|query| query.from < query.to);
    let from = seen.clone().map(|query| query.from).min().unwrap_or(0);
    let to = seen.map(|query| query.to).max().unwrap_or(0);
    for start in (from / CHUNK * CHUNK..to).step_by(CHUNK) {
        for first in band.clone().step_by(most) {
            let count = most.min(band.end - first);
            // SAFETY: the caller's promise; the tile has begun.
            unsafe {
                for_queries!(
                    count,
                    most,
                    attend::<S, N>(s, job, &band, first, start, scratch)
                )
            };
        }
    }
    for (index, query) in band.zip(&scratch.queries) {
        if query.sum != 0.0 {
            let sum = s.splat(query.sum);
            // SAFETY: the query's part of the output.
            unsafe { each_vector(s, job.out(index), job.kv.value_dim, |x| s.div(x, sum)) };
        }
    }
}

/// The tile of the queries from `first` on, which [`begin`] has begun.
#[inline(always)]
fn tile<'a, const M: usize>(
    job: &Job<'_>,
    band: &Range<usize>,
    first: usize,
    scratch: &'a mut AttentionScratch,
) -> Option<Tile<'a, M>> {
    let (at, unused) = (first - band.start, scratch.unused.as_mut_ptr());
    Some(Tile {
        q: scratch.q.get_mut(at * job.kv.key_dim..)?.as_mut_ptr(),
        queries: scratch.queries.get_mut(at..at + M)?.try_into().ok()?,
        outs: std::array::from_fn(|t| match first + t < band.end {
            true => job.out(first + t),
            false => unused,
        }),
    })
}

/// Before the first chunk: the queries with the scale, and outputs of zeros.
///
/// # Safety
/// As [`run_band`], of which `first` is a query.
#[inline(always)]
unsafe fn begin<S: Simd, N: Number, const M: usize>(
    s: S,
    job: &Job<'_>,
    band: &Range<usize>,
    first: usize,
    scratch: &mut AttentionScratch,
) {
    let among = |t: usize| {
        if first + t < band.end {
            first + t
        } else {
            first
        }
    };
    let queries = (0..M).filter_map(|t| job.query(among(t)));
    scratch.queries.extend(queries);
    let Some(tile) = tile::<M>(job, band, first, scratch) else {
        return;
    };
    let q: [*const f32; M] = std::array::from_fn(|t| job.q(among(t)));
    let dim = job.kv.key_dim;
    let mut done = 0;
    // SAFETY: the values of each query, its part of the output, and the tile's place for them.
    unsafe {
        if let Some(q) = q.first_chunk::<8>().filter(|_| M == 8) {
            let scale = s.splat(job.shape.scale);
            while done + LANES <= dim {
                let mut rows = [scale; 8];
                for (row, q) in rows.iter_mut().zip(q) {
                    *row = s.mul(s.load(q.add(done)), scale);
                }
                for (i, columns) in interleave(s, rows).into_iter().enumerate() {
                    s.store(tile.q.add(done * M + i * LANES), columns);
                }
                done += LANES;
            }
        }
        for (t, q) in q.into_iter().enumerate() {
            for d in done..dim {
                *tile.q.add(d * M + t) = *q.add(d) * job.shape.scale;
            }
        }
        for out in tile.outs {
            out.write_bytes(0, job.kv.value_dim);
        }
    }
}

/// What the queries of a tile see of the chunk at `start`.
///
/// # Safety
/// As [`run_band`]; the tile has begun.
#[inline(always)]
unsafe fn attend<S: Simd, N: Number, const M: usize>(
    s: S,
    job: &Job<'_>,
    band: &Range<usize>,
    first: usize,
    start: usize,
    scratch: &mut AttentionScratch,
) {
    let weights = scratch.scores.as_mut_ptr();
    let Some(tile) = tile::<M>(job, band, first, scratch) else {
        return;
    };
    let seen = tile.queries.iter().filter(|query| query.from < query.to);
    let from = seen.clone().map(|query| query.from).min().unwrap_or(0);
    let to = seen.map(|query| query.to).max().unwrap_or(0);
    let positions = start.max(from / BLOCK * BLOCK)..to.min(start + CHUNK);
    if positions.is_empty() {
        return;
    }
    // SAFETY: the caller's promise; the positions have blocks.
    unsafe {
        scores::<S, N, M>(s, job, tile.q, start, positions, weights);
        for (t, query) in tile.queries.iter_mut().enumerate() {
            let (out, scores) = (tile.outs[t], weights.add(t * CHUNK));
            weigh(s, query, start, out, job.kv.value_dim, scores);
        }
        add_values::<S, N, M>(s, job, &tile, start, weights);
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
    out: *mut f32,
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
        unsafe { each_vector(s, out, value_dim, |x| s.mul(x, factor)) };
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
    if seen.start <= v * LANES && (v + 1) * LANES <= seen.end {
        return x;
    }
    let lane = |position: usize| position.saturating_sub(v * LANES).min(LANES);
    s.pick(lane(seen.start), lane(seen.end), x, other)
}
