//! Functions of vectors, the same bits at every level.

use crate::simd::Simd;

/// The range in which the result of [`exp`] is a normal number.
const LEAST: f32 = -87.336_54;
const MOST: f32 = 88.376_26;

/// ln 2 in two parts; the first has few enough bits that its products with exponents are exact
/// (Cody, Waite: Software Manual for the Elementary Functions, 1980).
const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);

/// `(e^r - 1 - r) / r²` for `|r| <= ln 2 / 2`, highest power first (coefficients of Cephes' expf).
const SERIES: [f32; 6] = [
    1.987_569_1e-4,
    1.398_199_9e-3,
    8.333_452e-3,
    4.166_579_6e-2,
    1.666_666_5e-1,
    0.5,
];

/// `e^x = 2^n (1 + q)`: the power of two and `q`.
#[inline(always)]
fn parts<S: Simd>(s: S, x: S::F) -> (S::F, S::F) {
    // The bound comes first, so that what is not a number stays so.
    let x = s.min(s.splat(MOST), s.max(s.splat(LEAST), x));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let n_float = s.to_f(n);
    let r = s.fnma(n_float, s.splat(LN_2.0), x);
    let r = s.fnma(n_float, s.splat(LN_2.1), r);
    let mut series = s.splat(SERIES[0]);
    for factor in &SERIES[1..] {
        series = s.fma(series, r, s.splat(*factor));
    }
    let q = s.fma(s.mul(r, r), series, r);
    let power = s.cast_f(s.shl(s.add_i(n, s.splat_i(127)), 23));
    (power, q)
}

/// `e^x` to two units in the last place; below -87.3 the smallest normal number.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    let (power, q) = parts(s, x);
    s.mul(power, s.add(q, s.splat(1.0)))
}

/// `tanh x`, exact near zero too.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    // Beyond 10 the result is 1; the quotient of infinities would be none.
    let x = s.min(s.splat(10.0), s.max(s.splat(-10.0), x));
    let (power, q) = parts(s, s.add(x, x));
    let less_one = s.fma(power, q, s.sub(power, s.splat(1.0)));
    s.div(less_one, s.add(less_one, s.splat(2.0)))
}

/// `x / (1 + e^-y)`.
#[inline(always)]
pub(crate) fn gated_by_sigmoid<S: Simd>(s: S, x: S::F, y: S::F) -> S::F {
    let e = exp(s, s.sub(s.splat(0.0), y));
    s.div(x, s.add(s.splat(1.0), e))
}
