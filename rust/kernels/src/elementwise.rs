//! Operations on values one by one, and over a row.

use crate::isa::levels;
use crate::math::{exp, gated_by_sigmoid, tanh};
use crate::simd::{Simd, load, store};

/// The function of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `x / (1 + e^-x)`.
    Silu,
    /// `x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`: the tanh form.
    Gelu,
}

#[inline(always)]
fn silu<S: Simd>(s: S, x: S::F) -> S::F {
    gated_by_sigmoid(s, x, x)
}

/// `(1 + tanh u) / 2 = 1 / (1 + e^-2u)`.
#[inline(always)]
fn gelu<S: Simd>(s: S, x: S::F) -> S::F {
    const ROOT_8_BY_PI: f32 = 1.595_769_2;
    let cube = s.mul(s.mul(x, x), x);
    let u = s.fma(s.splat(0.044_715), cube, x);
    gated_by_sigmoid(s, x, s.mul(s.splat(ROOT_8_BY_PI), u))
}

/// `x[i] = f(x[i], y[i])`, vector by vector.
#[inline(always)]
fn zip_map<S: Simd>(s: S, x: &mut [f32], y: &[f32], f: impl Fn(S::F, S::F) -> S::F) {
    assert_eq!(x.len(), y.len(), "one value for each");
    for (x, y) in x.chunks_mut(S::LANES).zip(y.chunks(S::LANES)) {
        let value = f(load(s, x), load(s, y));
        store(s, x, value);
    }
}

/// `x[i] = f(x[i])`, vector by vector.
#[inline(always)]
fn map<S: Simd>(s: S, x: &mut [f32], f: impl Fn(S::F) -> S::F) {
    for x in x.chunks_mut(S::LANES) {
        let value = f(load(s, x));
        store(s, x, value);
    }
}

/// Folds all values into one vector, from `neutral` on.
#[inline(always)]
fn fold<S: Simd>(s: S, x: &[f32], neutral: f32, f: impl Fn(S::F, S::F) -> S::F) -> S::F {
    let neutral = s.splat(neutral);
    x.chunks(S::LANES).fold(neutral, |folded, x| {
        f(folded, s.pick(0, x.len(), load(s, x), neutral))
    })
}

levels! {
    /// `gate = activation(gate) · up`.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn glu[s](activation: Activation, gate: &mut [f32], up: &[f32]) = {
        match activation {
            Activation::Silu => zip_map(s, gate, up, |gate, up| s.mul(silu(s, gate), up)),
            Activation::Gelu => zip_map(s, gate, up, |gate, up| s.mul(gelu(s, gate), up)),
        }
    }
}

levels! {
    /// `x = activation(x)`.
    pub fn activate[s](activation: Activation, x: &mut [f32]) = {
        match activation {
            Activation::Silu => map(s, x, |x| silu(s, x)),
            Activation::Gelu => map(s, x, |x| gelu(s, x)),
        }
    }
}

levels! {
    /// `x += y`.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn add[s](x: &mut [f32], y: &[f32]) = zip_map(s, x, y, |x, y| s.add(x, y))
}

levels! {
    /// `x += factor · y`, rounded once.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn add_scaled[s](x: &mut [f32], factor: f32, y: &[f32]) = {
        let factor = s.splat(factor);
        zip_map(s, x, y, |x, y| s.fma(factor, y, x))
    }
}

levels! {
    /// `x *= factor`.
    pub fn scale[s](x: &mut [f32], factor: f32) = {
        let factor = s.splat(factor);
        map(s, x, |x| s.mul(x, factor))
    }
}

levels! {
    /// `x = cap · tanh(x / cap)`.
    pub fn softcap[s](x: &mut [f32], cap: f32) = {
        let cap = s.splat(cap);
        map(s, x, |x| s.mul(cap, tanh(s, s.div(x, cap))))
    }
}

levels! {
    /// `x = e^x / Σ e^x` over one row, which is not empty.
    pub fn softmax[s](x: &mut [f32]) = {
        let largest = s.reduce_max(fold(s, x, f32::NEG_INFINITY, |a, b| s.max(a, b)));
        let largest = s.splat(largest);
        map(s, x, |x| exp(s, s.sub(x, largest)));
        let sum = s.splat(s.reduce_add(fold(s, x, 0.0, |a, b| s.add(a, b))));
        map(s, x, |x| s.div(x, sum));
    }
}
