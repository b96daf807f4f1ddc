//! Attention of some query rows over a sequence's past, head by head of the cache.
//!
//! The softmax is taken in chunks of 256 positions with a running maximum (Milakov, Gimelshein:
//! Online normalizer calculation for softmax, 2018). Chunks begin at multiples of 256 and all sums
//! have a fixed order, so a row's bits depend on its own sequence only: not on the rows beside it,
//! on threads, or on the level.

mod cache;
mod scores;
mod tile;
mod values;

use std::ops::Range;

pub use cache::{BLOCK, KvCache, KvType, KvView};

use crate::buffer::Aligned;
use crate::isa::levels;
use crate::shared::Shared;
use crate::{Level, number};
use tile::{BAND, CHUNK, Job, MOST_QUERIES, Query, run};

/// What the heads of a layer compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionShape {
    /// Query heads; a multiple of the cache's heads, of which each serves as many neighbours.
    pub heads: usize,
    /// Factor of the products of queries and keys.
    pub scale: f32,
    /// `cap · tanh(score / cap)`.
    pub softcap: Option<f32>,
}

/// Some rows of one sequence.
#[derive(Clone, Copy, Debug)]
pub struct Queries<'a> {
    /// `[rows, heads, key_dim]`.
    pub q: &'a [f32],
    /// For each row the positions that it sees: causality, windows and what lies in the future are
    /// the caller's.
    pub visible: &'a [Range<usize>],
    /// The sequence's blocks, in order.
    pub table: &'a [u32],
}

/// Memory of one thread.
#[derive(Debug)]
pub struct AttentionScratch {
    q: Aligned<f32>,
    scores: Aligned<f32>,
    queries: Vec<Query>,
    unused: Aligned<f32>,
}

impl AttentionScratch {
    /// For keys of up to `key_dim` and values of up to `value_dim` values.
    pub fn new(key_dim: usize, value_dim: usize) -> Self {
        Self {
            q: Aligned::zeroed(key_dim * BAND),
            scores: Aligned::zeroed(CHUNK * MOST_QUERIES),
            queries: Vec::with_capacity(BAND),
            unused: Aligned::zeroed(value_dim),
        }
    }
}

/// The query heads of KV head `kv_head`, for all rows: writes their part of `out`,
/// `[rows, heads, value_dim]`. A row that sees nothing gets zeros.
///
/// # Panics
/// If shapes do not fit together, or a position has no block.
///
/// # Safety
/// Until the next barrier no thread writes to the blocks, and no other one touches these heads of
/// `out`.
pub unsafe fn attend(
    level: Level,
    shape: &AttentionShape,
    kv: &KvView<'_>,
    kv_head: usize,
    queries: &Queries<'_>,
    out: Shared<'_, f32>,
    scratch: &mut AttentionScratch,
) {
    check(shape, kv, kv_head, queries, out.len());
    let room = (scratch.q.len() / BAND, scratch.unused.len());
    assert!(
        room.0 >= kv.key_dim && room.1 >= kv.value_dim,
        "room for {room:?} of {kv:?}"
    );
    let job = Job {
        shape,
        kv,
        kv_head,
        queries,
        out,
    };
    match kv.ty {
        KvType::F16 => attend_f16(level, &job, scratch),
        KvType::F32 => attend_f32(level, &job, scratch),
    }
}

fn check(
    shape: &AttentionShape,
    kv: &KvView<'_>,
    kv_head: usize,
    queries: &Queries<'_>,
    out: usize,
) {
    let rows = queries.visible.len() * shape.heads;
    assert!(
        kv_head < kv.heads && shape.heads.is_multiple_of(kv.heads),
        "KV head {kv_head} of {} for {} heads",
        kv.heads,
        shape.heads
    );
    let sizes = (queries.q.len(), out);
    assert_eq!(
        sizes,
        (rows * kv.key_dim, rows * kv.value_dim),
        "{rows} heads of rows"
    );
    let last = queries
        .visible
        .iter()
        .map(|seen| seen.end)
        .max()
        .unwrap_or(0);
    assert!(
        last <= queries.table.len() * BLOCK,
        "{last} positions in {:?}",
        queries.table
    );
    let block = queries
        .table
        .iter()
        .max()
        .map_or(0, |&block| block as usize + 1);
    assert!(block <= kv.blocks, "{block} blocks of {}", kv.blocks);
}

levels! {
    fn attend_f16[s](job: &Job<'_>, scratch: &mut AttentionScratch) = {
        // SAFETY: `attend` checked the shapes; its caller keeps threads apart.
        unsafe { run::<_, number::F16>(s, job, scratch) }
    }
}

levels! {
    fn attend_f32[s](job: &Job<'_>, scratch: &mut AttentionScratch) = {
        // SAFETY: `attend` checked the shapes; its caller keeps threads apart.
        unsafe { run::<_, number::F32>(s, job, scratch) }
    }
}
