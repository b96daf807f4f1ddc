//! Attention against its definition in `f64`; a row's bits do not depend on anything but its own
//! sequence.

mod common;

use std::ops::Range;

use common::{Rng, bits};
use half::f16;
use ollamars_kernels::{
    AttentionScratch, AttentionShape, BLOCK, KvCache, KvType, Level, Queries, Shared, attend,
};

/// A sequence with its past, in a cache whose other blocks hold something else.
struct Case {
    ty: KvType,
    heads: usize,
    kv_heads: usize,
    key_dim: usize,
    value_dim: usize,
    softcap: Option<f32>,
    tokens: usize,
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Case {
    fn new(ty: KvType, shape: [usize; 4], tokens: usize, rng: &mut Rng) -> Self {
        let [heads, kv_heads, key_dim, value_dim] = shape;
        // Numbers that both types hold exactly.
        let mut random = |n| {
            (0..n)
                .map(|_| f16::from_f32(rng.normal()).to_f32())
                .collect()
        };
        Self {
            ty,
            heads,
            kv_heads,
            key_dim,
            value_dim,
            softcap: None,
            tokens,
            keys: random(tokens * kv_heads * key_dim),
            values: random(tokens * kv_heads * value_dim),
        }
    }

    fn shape(&self) -> AttentionShape {
        let scale = 1.0 / (self.key_dim as f32).sqrt();
        AttentionShape {
            heads: self.heads,
            scale,
            softcap: self.softcap,
        }
    }

    /// The blocks lie in the cache in reverse, every other one unused and not a number.
    fn cache(&self, level: Level) -> (KvCache, Vec<u32>) {
        let blocks = self.tokens.div_ceil(BLOCK);
        let (heads, all) = (self.kv_heads, 2 * blocks);
        let mut cache = KvCache::new(self.ty, heads, self.key_dim, self.value_dim, all);
        let table: Vec<u32> = (0..blocks as u32)
            .rev()
            .map(|block| 2 * block + 1)
            .collect();
        let (key, value) = (heads * self.key_dim, heads * self.value_dim);
        let view = cache.view();
        for slot in 0..all * BLOCK {
            let (k, v) = (vec![f32::NAN; key], vec![f32::NAN; value]);
            // SAFETY: one thread.
            unsafe { view.write(level, (slot / BLOCK) as u32, slot % BLOCK, &k, &v) };
        }
        for t in 0..self.tokens {
            let (k, v) = (
                &self.keys[t * key..][..key],
                &self.values[t * value..][..value],
            );
            // SAFETY: one thread.
            unsafe { view.write(level, table[t / BLOCK], t % BLOCK, k, v) };
        }
        (cache, table)
    }

    fn run(&self, level: Level, q: &[f32], visible: &[Range<usize>]) -> Vec<f32> {
        let (mut cache, table) = self.cache(level);
        let mut out = vec![f32::NAN; visible.len() * self.heads * self.value_dim];
        let shared = Shared::new(&mut out);
        let queries = Queries {
            q,
            visible,
            table: &table,
        };
        let mut scratch = AttentionScratch::new(self.key_dim, self.value_dim);
        for head in 0..self.kv_heads {
            let view = cache.view();
            // SAFETY: one thread.
            unsafe {
                attend(
                    level,
                    &self.shape(),
                    &view,
                    head,
                    &queries,
                    shared,
                    &mut scratch,
                );
            }
        }
        out
    }

    fn expected(&self, q: &[f32], visible: &[Range<usize>]) -> Vec<f64> {
        let mut out = Vec::new();
        for (row, seen) in visible.iter().enumerate() {
            for head in 0..self.heads {
                let q = &q[(row * self.heads + head) * self.key_dim..][..self.key_dim];
                out.extend(self.one(q, head / (self.heads / self.kv_heads), seen.clone()));
            }
        }
        out
    }

    fn one(&self, q: &[f32], head: usize, seen: Range<usize>) -> Vec<f64> {
        let scale = f64::from(self.shape().scale);
        let score = |t: usize| {
            let key = &self.keys[(t * self.kv_heads + head) * self.key_dim..];
            let dot: f64 = q
                .iter()
                .zip(key)
                .map(|(&q, &k)| f64::from(q) * f64::from(k))
                .sum();
            let cap = self.softcap.map(f64::from);
            cap.map_or(dot * scale, |cap| cap * (dot * scale / cap).tanh())
        };
        let scores: Vec<f64> = seen.clone().map(score).collect();
        let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| (s - max).exp()).collect();
        let sum: f64 = weights.iter().sum();
        (0..self.value_dim)
            .map(|d| {
                let at = |t: usize| (t * self.kv_heads + head) * self.value_dim + d;
                let products = seen.clone().zip(&weights);
                products
                    .map(|(t, w)| w * f64::from(self.values[at(t)]))
                    .sum::<f64>()
                    / sum
            })
            .collect()
    }
}

fn causal(rows: Range<usize>, window: usize) -> Vec<Range<usize>> {
    rows.map(|row| (row + 1).saturating_sub(window)..row + 1)
        .collect()
}

fn check(case: &Case, visible: &[Range<usize>], rng: &mut Rng) {
    let width = case.heads * case.key_dim;
    let q: Vec<f32> = (0..visible.len() * width)
        .map(|_| 2.0 * rng.normal())
        .collect();
    let reference = case.run(Level::SCALAR, &q, visible);
    for (i, (got, want)) in reference.iter().zip(case.expected(&q, visible)).enumerate() {
        let error = (f64::from(*got) - want).abs();
        assert!(
            error < 2e-5,
            "element {i} of {visible:?} is {got}, not {want}"
        );
    }
    for level in Level::available() {
        let together = case.run(level, &q, visible);
        assert_eq!(bits(&together), bits(&reference), "{visible:?} at {level}");
        for (row, seen) in visible.iter().enumerate() {
            let alone = case.run(
                level,
                &q[row * width..][..width],
                std::slice::from_ref(seen),
            );
            let among = &together[row * alone.len()..][..alone.len()];
            assert_eq!(
                bits(&alone),
                bits(among),
                "row {row} of {visible:?} at {level}"
            );
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn shapes_types_and_lengths() {
    let rng = &mut Rng::new(1);
    for ty in [KvType::F16, KvType::F32] {
        for shape in [
            [1, 1, 8, 8],
            [4, 1, 64, 64],
            [7, 1, 20, 36],
            [6, 2, 33, 48],
            [9, 3, 16, 80],
        ] {
            for tokens in [1, 31, 33, 300] {
                let case = Case::new(ty, shape, tokens, rng);
                check(&case, &causal(tokens - 1..tokens, usize::MAX), rng);
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn prompts_windows_and_caps() {
    let rng = &mut Rng::new(2);
    let mut case = Case::new(KvType::F16, [6, 2, 32, 48], 530, rng);
    check(&case, &causal(0..40, usize::MAX), rng);
    check(&case, &causal(500..530, usize::MAX), rng);
    check(&case, &causal(250..262, 100), rng);
    check(&case, &causal(520..530, 7), rng);
    case.softcap = Some(3.0);
    check(&case, &causal(300..311, 280), rng);
    check(&case, &vec![0..530; 5], rng);
}

#[test]
fn a_short_prompt() {
    let rng = &mut Rng::new(4);
    for ty in [KvType::F16, KvType::F32] {
        let mut case = Case::new(ty, [3, 1, 5, 18], 35, rng);
        check(&case, &causal(31..35, 3), rng);
        case.softcap = Some(2.0);
        check(&case, &causal(33..34, usize::MAX), rng);
    }
}

#[test]
fn a_row_that_sees_nothing_is_zero() {
    let rng = &mut Rng::new(3);
    let case = Case::new(KvType::F32, [2, 2, 16, 16], 40, rng);
    let q = vec![1.0; 2 * 2 * 16];
    for level in Level::available() {
        let out = case.run(level, &q, &[5..5, 0..40]);
        assert!(out[..32].iter().all(|&x| x == 0.0));
        assert!(out[32..].iter().all(|x| x.is_finite()));
    }
}
