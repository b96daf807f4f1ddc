//! Norms over groups of neighbouring values: a whole row, or each head of it.

use crate::isa::levels;
use crate::simd::{Simd, load, store};

/// Lanes of the vectors at every level.
const LANES: usize = 16;

/// Two slices in step.
fn vectors<'a>(a: &'a [f32], b: &'a [f32]) -> impl Iterator<Item = (&'a [f32], &'a [f32])> {
    a.chunks(LANES).zip(b.chunks(LANES))
}

levels! {
    /// `out = x / √(mean(x²) + eps) · weight`, for each group of `weight`'s length.
    ///
    /// # Panics
    /// If `x` and `out` differ in length, or are no whole number of groups.
    pub fn rms_norm[s](x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) = {
        let width = check(x, weight, out);
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let squares = sum(s, x, |x| s.mul(x, x));
            let factor = s.splat(1.0 / (squares / width as f32 + eps).sqrt());
            for ((x, weight), out) in vectors(x, weight).zip(out.chunks_mut(LANES)) {
                store(s, out, s.mul(s.mul(load(s, x), factor), load(s, weight)));
            }
        }
    }
}

levels! {
    /// `out = (x - mean(x)) / √(variance(x) + eps) · weight + bias`, for each group of `weight`'s
    /// length.
    ///
    /// # Panics
    /// If `x` and `out` differ in length, are no whole number of groups, or `bias` is no group.
    pub fn layer_norm[s](x: &[f32], weight: &[f32], bias: &[f32], eps: f32, out: &mut [f32]) = {
        let width = check(x, weight, out);
        assert_eq!(bias.len(), width, "a bias for each weight");
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let mean = s.splat(sum(s, x, |x| x) / width as f32);
            let squares = sum(s, x, |x| s.mul(s.sub(x, mean), s.sub(x, mean)));
            let factor = s.splat(1.0 / (squares / width as f32 + eps).sqrt());
            let bias = bias.chunks(LANES);
            for (((x, weight), bias), out) in vectors(x, weight).zip(bias).zip(out.chunks_mut(LANES)) {
                let normed = s.mul(s.sub(load(s, x), mean), factor);
                store(s, out, s.fma(normed, load(s, weight), load(s, bias)));
            }
        }
    }
}

/// The length of a group.
fn check(x: &[f32], weight: &[f32], out: &[f32]) -> usize {
    let width = weight.len();
    assert!(
        x.len() == out.len() && width > 0 && x.len().is_multiple_of(width),
        "{} values to {} in groups of {width}",
        x.len(),
        out.len()
    );
    width
}

/// The sum of `f` over all values: 64 partial sums, folded in halves.
#[inline(always)]
fn sum<S: Simd>(s: S, x: &[f32], f: impl Fn(S::F) -> S::F) -> f32 {
    let zero = s.splat(0.0);
    let mut sums = [zero; 4];
    for (i, x) in x.chunks(S::LANES).enumerate() {
        let value = s.pick(0, x.len(), f(load(s, x)), zero);
        sums[i % 4] = s.add(sums[i % 4], value);
    }
    s.reduce_add(s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3])))
}
