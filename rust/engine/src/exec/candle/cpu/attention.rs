//! Attention over paged memory.
//!
//! Keys lie as `[blocks, heads, key_dim, BLOCK]`, so that a block is a matrix of [`BLOCK`] columns
//! for the queries; values as `[blocks, heads, BLOCK, value_dim]`.

use candle_core::{CpuStorage, CustomOp3, InplaceOp2, Layout, Result, Shape, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::exp::exp;
use super::tile::{Columns, WIDTH, multiply, pack};
use super::values;
use crate::batch::{BLOCK, Batch, Span};
use crate::spec::{AttentionShape, slope};

/// Query rows of one piece of work.
const QUERY_ROWS: usize = 16;

/// Writes the batch's keys or values, `[rows, heads · dim]`, to their slots.
#[derive(Debug, Clone, Copy)]
pub struct Store<'a> {
    /// Whose rows.
    pub batch: &'a Batch,
    /// Heads of a row.
    pub heads: usize,
    /// Keys: the tokens of a block are neighbours. Else the values of a token are.
    pub keys: bool,
}

impl InplaceOp2 for Store<'_> {
    fn name(&self) -> &'static str {
        "store"
    }

    fn cpu_fwd(
        &self,
        cache: &mut CpuStorage,
        cache_layout: &Layout,
        rows: &CpuStorage,
        rows_layout: &Layout,
    ) -> Result<()> {
        let (_, width) = rows_layout.shape().dims2()?;
        let rows = values(rows, rows_layout)?;
        let (CpuStorage::F32(cache), 0) = (cache, cache_layout.start_offset()) else {
            bail!("a whole f32 cache expected");
        };
        let dim = width / self.heads;
        let (head_step, token_step, value_step) = if self.keys {
            (dim * BLOCK, 1, BLOCK)
        } else {
            (dim * BLOCK, dim, 1)
        };
        for (row, block, slot) in self.batch.slots() {
            let row = rows.chunks_exact(width).nth(row).unwrap_or_default();
            for (head, head_values) in row.chunks_exact(dim).enumerate() {
                let start = (block * self.heads + head) * head_step + slot * token_step;
                let Some(places) = cache.get_mut(start..) else {
                    bail!("no block {block}");
                };
                for (place, &value) in places.iter_mut().step_by(value_step).zip(head_values) {
                    *place = value;
                }
            }
        }
        Ok(())
    }
}

/// Attention of the batch's queries, `[rows, heads · key_dim] -> [rows, heads · value_dim]`.
#[derive(Debug, Clone, Copy)]
pub struct Paged<'a> {
    /// Whose rows.
    pub batch: &'a Batch,
    /// Sizes and mask.
    pub shape: AttentionShape,
}

impl CustomOp3 for Paged<'_> {
    fn name(&self) -> &'static str {
        "paged-attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n, width) = q_layout.shape().dims2()?;
        let (q, k, v) = (
            values(q, q_layout)?,
            values(k, k_layout)?,
            values(v, v_layout)?,
        );
        let arch = Arch::new();
        let units = units(self.batch, self.shape.kv_heads);
        let done: Vec<Vec<f32>> = units
            .par_iter()
            .map(|unit| {
                let rows = unit.rows.clone();
                let queries = q.get(rows.start * width..rows.end * width);
                arch.dispatch(Attend {
                    batch: self.batch,
                    shape: self.shape,
                    unit,
                    queries: queries.unwrap_or_default(),
                    k,
                    v,
                })
            })
            .collect();
        let out_width = self.shape.heads * self.shape.value_dim;
        let mut out = vec![0.0; n * out_width];
        for (unit, part) in units.iter().zip(&done) {
            // A unit's heads are neighbours in each row.
            let part_width = out_width / self.shape.kv_heads;
            let rows = out.chunks_exact_mut(out_width).skip(unit.rows.start);
            for (row, part) in rows.zip(part.chunks_exact(part_width)) {
                let place = row.chunks_exact_mut(part_width).nth(unit.kv_head);
                place.unwrap_or_default().copy_from_slice(part);
            }
        }
        Ok((CpuStorage::F32(out), (n, out_width).into()))
    }
}

/// One piece of work: some rows of a span and the query heads of one KV head.
struct Unit<'a> {
    span: &'a Span,
    rows: std::ops::Range<usize>,
    kv_head: usize,
}

fn units(batch: &Batch, kv_heads: usize) -> Vec<Unit<'_>> {
    let pieces = batch.spans.iter().flat_map(|span| {
        let starts = span.rows.clone().step_by(QUERY_ROWS);
        starts.map(move |start| (span, start..span.rows.end.min(start + QUERY_ROWS)))
    });
    let each_head = |(span, rows): (_, std::ops::Range<usize>)| {
        (0..kv_heads).map(move |kv_head| Unit {
            span,
            rows: rows.clone(),
            kv_head,
        })
    };
    pieces.flat_map(each_head).collect()
}

struct Attend<'a> {
    batch: &'a Batch,
    shape: AttentionShape,
    unit: &'a Unit<'a>,
    /// All heads of the unit's rows.
    queries: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
}

impl WithSimd for Attend<'_> {
    type Output = Vec<f32>;

    /// `[rows, heads of the group, value_dim]`.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let group = self.shape.heads / self.shape.kv_heads;
        let position = |row: usize| self.unit.span.start + row - self.unit.span.rows.start;
        let tokens = self.unit.span.kv_len();
        let visible: Vec<_> = self
            .unit
            .rows
            .clone()
            .map(|row| self.shape.mask.visible(position(row), tokens))
            .flat_map(|keys| std::iter::repeat_n(keys, group))
            .collect();
        let end = visible.last().map_or(0, |keys| keys.end);
        let first_block = visible.first().map_or(0, |keys| keys.start / BLOCK);
        let mut weights = self.scores(simd, group, visible.len(), first_block..end.div_ceil(BLOCK));
        let shift = first_block * BLOCK;
        let totals: Vec<f32> = weights
            .iter_mut()
            .zip(&visible)
            .enumerate()
            .map(|(index, (row, keys))| {
                let keys = keys.start - shift..keys.end - shift;
                scale(row, &keys, self.shape.scale);
                if let Some(max_bias) = self.shape.alibi {
                    let head = self.unit.kv_head * group + index % group;
                    let slope = slope(head, self.shape.heads, max_bias);
                    let query = position(self.unit.rows.start + index / group) - shift;
                    bias(row, &keys, query, slope);
                }
                softmax(row, keys)
            })
            .collect();
        self.weighted_values(
            simd,
            &weights,
            &totals,
            first_block..end.div_ceil(BLOCK),
            end,
        )
    }
}

impl Attend<'_> {
    /// Where a block of this sequence lies, for this KV head: its number among all blocks' heads.
    fn place(&self, block: usize) -> usize {
        let table = self.batch.blocks.get(self.unit.span.blocks.clone());
        let id = table.and_then(|table| table.get(block)).copied();
        id.unwrap_or_default() as usize * self.shape.kv_heads + self.unit.kv_head
    }

    /// Products of queries and keys: for each query as many as the blocks hold.
    #[inline(always)]
    fn scores<S: Simd>(
        &self,
        simd: S,
        group: usize,
        queries: usize,
        blocks: std::ops::Range<usize>,
    ) -> Vec<Vec<f32>> {
        let dim = self.shape.key_dim;
        let row_heads = self.queries.chunks_exact(self.shape.heads * dim);
        let own = row_heads.flat_map(|row| {
            let heads = row.chunks_exact(group * dim).nth(self.unit.kv_head);
            heads.unwrap_or_default().chunks_exact(dim)
        });
        let own: Vec<&[f32]> = own.collect();
        let packed = pack(own.into_iter(), dim);
        let mut scores = vec![vec![0.0; blocks.len() * BLOCK]; queries];
        let mut sums = vec![[0.0; WIDTH]; queries];
        for (index, block) in blocks.enumerate() {
            let start = self.place(block) * dim * BLOCK;
            let values = self.k.get(start..start + dim * BLOCK).unwrap_or_default();
            for column in (0..BLOCK).step_by(WIDTH) {
                sums.fill([0.0; WIDTH]);
                let columns = Columns {
                    values,
                    stride: BLOCK,
                    column,
                };
                multiply(simd, &packed, columns, &mut sums);
                for (row, sums) in scores.iter_mut().zip(&sums) {
                    let at = index * BLOCK + column;
                    row[at..at + WIDTH].copy_from_slice(sums);
                }
            }
        }
        scores
    }

    /// Sums of the values by weight, divided by the totals.
    #[inline(always)]
    fn weighted_values<S: Simd>(
        &self,
        simd: S,
        weights: &[Vec<f32>],
        totals: &[f32],
        blocks: std::ops::Range<usize>,
        end: usize,
    ) -> Vec<f32> {
        let dim = self.shape.value_dim;
        let chunks = dim.div_ceil(WIDTH);
        // [chunks, queries, WIDTH]
        let mut sums = vec![[0.0; WIDTH]; chunks * weights.len()];
        let mut padded = Vec::new();
        for (index, block) in blocks.enumerate() {
            let count = (end - block * BLOCK).min(BLOCK);
            let start = self.place(block) * dim * BLOCK;
            let mut values = self.v.get(start..start + dim * count).unwrap_or_default();
            let mut stride = dim;
            if !dim.is_multiple_of(WIDTH) {
                stride = chunks * WIDTH;
                pad(values, dim, stride, &mut padded);
                values = &padded;
            }
            let at = index * BLOCK;
            let packed = pack(weights.iter().map(|row| &row[at..at + count]), count);
            for (chunk, sums) in sums.chunks_exact_mut(weights.len()).enumerate() {
                let column = chunk * WIDTH;
                multiply(
                    simd,
                    &packed,
                    Columns {
                        values,
                        stride,
                        column,
                    },
                    sums,
                );
            }
        }
        let mut out = vec![0.0; weights.len() * dim];
        for (query, (out, total)) in out.chunks_exact_mut(dim).zip(totals).enumerate() {
            let own = sums.iter().skip(query).step_by(weights.len());
            for (out, sum) in out.iter_mut().zip(own.flatten()) {
                *out = sum / total;
            }
        }
        out
    }
}

/// Copies rows of `dim` values to rows of `stride`, the rest zeros.
fn pad(values: &[f32], dim: usize, stride: usize, padded: &mut Vec<f32>) {
    padded.clear();
    for row in values.chunks_exact(dim) {
        padded.extend_from_slice(row);
        padded.resize(padded.len() + stride - dim, 0.0);
    }
}

/// Multiplies the scores of `keys`.
#[inline(always)]
fn scale(scores: &mut [f32], keys: &std::ops::Range<usize>, scale: f32) {
    for score in &mut scores[keys.clone()] {
        *score *= scale;
    }
}

/// Takes from the scores of `keys` what the distance from `query` costs.
#[inline(always)]
fn bias(scores: &mut [f32], keys: &std::ops::Range<usize>, query: usize, slope: f32) {
    for (key, score) in keys.clone().zip(&mut scores[keys.clone()]) {
        *score -= slope * query.abs_diff(key) as f32;
    }
}

/// Turns scores into weights that still have to be divided by the returned total. Those outside of
/// `keys` become 0, whatever they were; a sum over them changes no bit.
#[inline(always)]
fn softmax(scores: &mut [f32], keys: std::ops::Range<usize>) -> f32 {
    let (before, rest) = scores.split_at_mut(keys.start);
    let (seen, after) = rest.split_at_mut(keys.len());
    before.fill(0.0);
    after.fill(0.0);
    let most = seen.iter().fold(f32::NEG_INFINITY, |most, &x| most.max(x));
    for x in seen.iter_mut() {
        *x = exp(*x - most);
    }
    let mut totals = [0.0_f32; WIDTH];
    for chunk in scores.chunks_exact(WIDTH) {
        for (total, x) in totals.iter_mut().zip(chunk) {
            *total += x;
        }
    }
    totals.iter().sum()
}
