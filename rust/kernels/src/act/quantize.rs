//! From `f32` to bytes and scales.

use super::{ActKind, Rows};
use crate::Level;
use crate::isa::levels;
use crate::simd::Simd;

/// Bits of the smallest magnitude that does not count as zero, 2^-100: the inverse of a scale stays
/// finite.
const SMALLEST: i32 = (127 - 100) << 23;

/// Bits of infinity.
const INFINITE: i32 = 0x7f80_0000;

/// Quantizes one row.
///
/// # Safety
/// `out` is a row of `x.len()` values, and this thread's.
pub(super) unsafe fn row(level: Level, kind: ActKind, x: &[f32], out: Rows) {
    match kind {
        ActKind::Bytes32 => bytes32(level, x, out),
        ActKind::Bytes256 => bytes256(level, x, out),
        ActKind::Floats => {
            for (i, x) in x.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { *out.quads.add(i * out.stride) = x.to_bits() as i32 }
            }
        }
    }
}

levels! {
    fn bytes32[s](x: &[f32], out: Rows) = {
        for (b, x) in x.as_chunks::<32>().0.iter().enumerate() {
            // SAFETY: `row`'s caller promises the memory.
            unsafe { block32(s, x, b, out) }
        }
    }
}

levels! {
    fn bytes256[s](x: &[f32], out: Rows) = {
        for (b, x) in x.as_chunks::<256>().0.iter().enumerate() {
            // SAFETY: `row`'s caller promises the memory.
            unsafe { block256(s, x, b, out) }
        }
    }
}

/// The largest magnitude of a block and the largest signed value, as bits: the order of values that
/// are not negative.
#[inline(always)]
fn peaks<S: Simd, const N: usize>(s: S, x: &[S::F; N]) -> (i32, i32) {
    let magnitude = s.splat_i(i32::MAX);
    let mut largest = s.splat_i(0);
    let mut signed = s.splat_i(i32::MIN);
    for &x in x {
        let bits = s.cast_i(x);
        largest = s.max_i(largest, s.and(bits, magnitude));
        signed = s.max_i(signed, bits);
    }
    (s.reduce_max_i(largest), s.reduce_max_i(signed))
}

/// The codes of a block: `x` times `inverse`, in groups of 16.
#[inline(always)]
fn codes<S: Simd, const N: usize>(s: S, x: [S::F; N], peak: i32, inverse: f32) -> [S::I; N] {
    if peak >= INFINITE {
        return [s.splat_i(0); N];
    }
    let inverse = s.splat(inverse);
    x.map(|x| s.round(s.mul(x, inverse)))
}

/// # Safety
/// Block `b` is inside of `out`.
#[inline(always)]
unsafe fn block32<S: Simd>(s: S, x: &[f32; 32], b: usize, out: Rows) {
    // SAFETY: two vectors of 16 values.
    let x = unsafe { [s.load(x.as_ptr()), s.load(x.as_ptr().add(16))] };
    let (peak, _) = peaks(s, &x);
    let largest = f32::from_bits(peak as u32);
    let (scale, inverse) = match peak {
        INFINITE.. => (f32::NAN, 0.0),
        ..SMALLEST => (0.0, 0.0),
        _ => (largest / 127.0, 127.0 / largest),
    };
    let codes = codes(s, x, peak, inverse);
    let sum = s.reduce_add_i(s.add_i(codes[0], codes[1]));
    // SAFETY: the caller's promise.
    unsafe {
        for (i, codes) in codes.into_iter().enumerate() {
            store_codes(s, codes, b * 8 + i * 4, out);
        }
        *out.scales.add(b * out.stride) = scale;
        *out.sums.add(b * out.stride) = -sum;
        *out.scaled.add(b * out.stride) = scale * sum as f32;
    }
}

/// The value of largest magnitude becomes -128, as in llama.cpp; of two that differ in sign, the
/// positive one.
///
/// # Safety
/// Block `b` is inside of `out`.
#[inline(always)]
unsafe fn block256<S: Simd>(s: S, x: &[f32; 256], b: usize, out: Rows) {
    // SAFETY: 16 vectors of 16 values.
    let x: [S::F; 16] = std::array::from_fn(|i| unsafe { s.load(x.as_ptr().add(16 * i)) });
    let (peak, signed) = peaks(s, &x);
    let largest = f32::from_bits(peak as u32);
    let largest = if signed == peak { largest } else { -largest };
    let (scale, inverse) = match peak {
        INFINITE.. => (f32::NAN, 0.0),
        ..SMALLEST => (0.0, 0.0),
        _ => (largest / -128.0, -128.0 / largest),
    };
    let most = s.splat_i(127);
    let codes = codes(s, x, peak, inverse).map(|c| s.min_i(c, most));
    let mut sums = [0; 16];
    for (i, codes) in codes.into_iter().enumerate() {
        sums[i] = s.reduce_add_i(codes);
        // SAFETY: the caller's promise.
        unsafe { store_codes(s, codes, b * 64 + i * 4, out) };
    }
    let halves = |a: i32, b: i32| a & 0xffff | b << 16;
    // SAFETY: the caller's promise.
    unsafe {
        *out.scales.add(b * out.stride) = scale;
        for (i, [a, b2]) in sums.as_chunks::<2>().0.iter().enumerate() {
            *out.sums.add((b * 8 + i) * out.stride) = halves(*a, *b2);
        }
        for (i, [a, b2, c, d]) in sums.as_chunks::<4>().0.iter().enumerate() {
            *out.sums32.add((b * 4 + i) * out.stride) = halves(a + b2, c + d);
        }
    }
}

/// Four quads of one row, from quad `quad` on.
///
/// # Safety
/// They are inside of `out`.
#[inline(always)]
unsafe fn store_codes<S: Simd>(s: S, codes: S::I, quad: usize, out: Rows) {
    let mut quads = [0i32; 4];
    // SAFETY: 16 bytes; the caller's promise.
    unsafe {
        s.store_i8(quads.as_mut_ptr().cast(), codes);
        for (i, value) in quads.into_iter().enumerate() {
            *out.quads.add((quad + i) * out.stride) = value;
        }
    }
}
