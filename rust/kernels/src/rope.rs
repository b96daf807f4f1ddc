//! Rotary position embedding (Su et al.: RoFormer, 2021).

use crate::isa::levels;
use crate::simd::{Simd, load, store};

/// Which values of a head form the pairs that turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RopeStyle {
    /// `(2i, 2i + 1)`.
    Normal,
    /// `(i, i + pairs)`.
    Neox,
}

/// Cosine and sine of each pair's angle at a position, times `magnitude`.
///
/// # Panics
/// If `frequencies`, radians per position, `cos` and `sin` differ in length.
pub fn rotation(
    position: u32,
    frequencies: &[f64],
    magnitude: f64,
    cos: &mut [f32],
    sin: &mut [f32],
) {
    let pairs = frequencies.len();
    assert!(
        cos.len() == pairs && sin.len() == pairs,
        "a cosine and a sine for each frequency"
    );
    for ((frequency, cos), sin) in frequencies.iter().zip(cos).zip(sin) {
        let (s, c) = (f64::from(position) * frequency).sin_cos();
        (*cos, *sin) = ((c * magnitude) as f32, (s * magnitude) as f32);
    }
}

levels! {
    /// Turns the pairs of every head of one row, `[heads, head_dim]`, in place; values after the
    /// last pair do not turn.
    ///
    /// # Panics
    /// If `cos` and `sin` differ in length, or a head does not hold so many pairs.
    pub fn rope[s](style: RopeStyle, cos: &[f32], sin: &[f32], x: &mut [f32], head_dim: usize) = {
        let pairs = cos.len();
        assert!(
            sin.len() == pairs && 2 * pairs <= head_dim && x.len().is_multiple_of(head_dim),
            "{pairs} and {} angles for heads of {head_dim} in {}",
            sin.len(),
            x.len()
        );
        for head in x.chunks_exact_mut(head_dim) {
            match style {
                RopeStyle::Normal => normal(s, cos, sin, &mut head[..2 * pairs]),
                RopeStyle::Neox => {
                    let (low, high) = head[..2 * pairs].split_at_mut(pairs);
                    neox(s, cos, sin, low, high);
                }
            }
        }
    }
}

/// `(a, b) = (a cos - b sin, b cos + a sin)` for all pairs, each rounded twice.
#[inline(always)]
fn neox<S: Simd>(s: S, cos: &[f32], sin: &[f32], low: &mut [f32], high: &mut [f32]) {
    let lanes = S::LANES;
    let vectors = low.chunks_mut(lanes).zip(high.chunks_mut(lanes));
    for ((low, high), (cos, sin)) in vectors.zip(cos.chunks(lanes).zip(sin.chunks(lanes))) {
        let [c, n, a, b] = [cos, sin, &*low, &*high].map(|x| load(s, x));
        store(s, low, s.fnma(b, n, s.mul(a, c)));
        store(s, high, s.fma(a, n, s.mul(b, c)));
    }
}

/// The same for neighbours, two vectors for one of angles.
#[inline(always)]
fn normal<S: Simd>(s: S, cos: &[f32], sin: &[f32], x: &mut [f32]) {
    let lanes = S::LANES;
    let vectors = x.chunks_mut(2 * lanes);
    for (x, (cos, sin)) in vectors.zip(cos.chunks(lanes).zip(sin.chunks(lanes))) {
        let (cos, sin) = (load(s, cos), load(s, sin));
        let minus = s.sub(s.splat(0.0), sin);
        let (low, high) = x.split_at_mut(lanes.min(x.len()));
        turn(s, low, s.zip_low(cos, cos), s.zip_low(minus, sin));
        if !high.is_empty() {
            turn(s, high, s.zip_high(cos, cos), s.zip_high(minus, sin));
        }
    }
}

/// Turns the neighbours of up to a vector.
#[inline(always)]
fn turn<S: Simd>(s: S, x: &mut [f32], cos: S::F, sin: S::F) {
    let value = load(s, x);
    store(s, x, s.fma(s.swap(value), sin, s.mul(value, cos)));
}
