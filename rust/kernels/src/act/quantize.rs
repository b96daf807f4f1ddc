//! From `f32` to bytes and scales.

use super::{ActKind, Rows};
use crate::Level;
use crate::bf16;
use crate::isa::levels;
use crate::simd::{Simd, load};

/// Bits of the smallest magnitude that does not count as zero, 2^-100: the inverse of a scale stays
/// finite.
pub(super) const SMALLEST: i32 = (127 - 100) << 23;

/// Bits of infinity.
pub(super) const INFINITE: i32 = 0x7f80_0000;

/// Where a row's codes go.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub rows: Rows,
    /// Its codes alone, or null.
    pub codes: *mut u8,
}

/// Quantizes one row.
///
/// # Safety
/// `out` is a row of `x.len()` values, and this thread's; so is `codes`, if it is not null.
pub(super) unsafe fn row(level: Level, kind: ActKind, x: &[f32], out: Rows, codes: *mut u8) {
    let place = Place { rows: out, codes };
    match kind {
        ActKind::Bytes32 => bytes32(level, x, place),
        ActKind::Bytes256 => bytes256(level, x, place),
        ActKind::Bf16 => {
            for (i, pair) in x.chunks(2).enumerate() {
                let odd = pair.get(1).map_or(0, |&x| bf16::rounded(x));
                let word = u32::from(bf16::rounded(pair[0])) | u32::from(odd) << 16;
                // SAFETY: the caller's promise.
                unsafe { *out.quads.add(i * out.stride) = word as i32 }
            }
        }
        ActKind::Floats => {
            for (i, x) in x.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { *out.quads.add(i * out.stride) = x.to_bits() as i32 }
            }
        }
    }
}

levels! {
    fn bytes32[s](x: &[f32], out: Place) = {
        for (b, x) in x.as_chunks::<32>().0.iter().enumerate() {
            // SAFETY: `row`'s caller promises the memory.
            unsafe { block32(s, x, b, out) }
        }
    }
}

levels! {
    fn bytes256[s](x: &[f32], out: Place) = {
        for (b, x) in x.as_chunks::<256>().0.iter().enumerate() {
            // SAFETY: `row`'s caller promises the memory.
            unsafe { block256(s, x, b, out) }
        }
    }
}

/// The largest magnitude of a block, as bits: the order of values that are not negative.
#[inline(always)]
fn peak<S: Simd>(s: S, x: &[f32]) -> i32 {
    let magnitude = s.splat_i(i32::MAX);
    let mut largest = s.splat_i(0);
    for x in x.chunks_exact(S::LANES) {
        largest = s.max_i(largest, s.and(s.cast_i(load(s, x)), magnitude));
    }
    s.reduce_max_i(largest)
}

/// How a block becomes codes.
#[derive(Clone, Copy)]
struct Scaling {
    /// What a code counts.
    scale: f32,
    inverse: f32,
    /// All bits, or none if the block has a value that is not finite.
    keep: i32,
}

impl Scaling {
    /// The largest magnitude, whose bits are `peak`, becomes 127, as in llama.cpp.
    #[inline(always)]
    fn new(peak: i32) -> Self {
        let largest = f32::from_bits(peak as u32);
        let (scale, inverse) = match peak {
            INFINITE.. => (f32::NAN, 0.0),
            ..SMALLEST => (0.0, 0.0),
            _ => (largest / 127.0, 127.0 / largest),
        };
        Self {
            scale,
            inverse,
            keep: if peak >= INFINITE { 0 } else { -1 },
        }
    }

    #[inline(always)]
    fn codes<S: Simd>(self, s: S, x: &[f32]) -> S::I {
        let codes = s.round(s.mul(load(s, x), s.splat(self.inverse)));
        s.and(codes, s.splat_i(self.keep))
    }
}

/// # Safety
/// Block `b` is inside of `place`.
#[inline(always)]
pub(super) unsafe fn block32<S: Simd>(s: S, x: &[f32; 32], b: usize, place: Place) {
    let scaling = Scaling::new(peak(s, x));
    let mut sum = s.splat_i(0);
    for (i, x) in x.chunks_exact(S::LANES).enumerate() {
        let codes = scaling.codes(s, x);
        sum = s.add_i(sum, codes);
        // SAFETY: the caller's promise.
        unsafe { store_codes(s, codes, b * 8 + i * 4, place) };
    }
    let (sum, out) = (s.reduce_add_i(sum), place.rows);
    // SAFETY: the caller's promise.
    unsafe {
        *out.scales.add(b * out.stride) = scaling.scale;
        *out.sums.add(b * out.stride) = -sum;
        *out.scaled.add(b * out.stride) = scaling.scale * sum as f32;
    }
}

/// # Safety
/// Block `b` is inside of `place`.
#[inline(always)]
pub(super) unsafe fn block256<S: Simd>(s: S, x: &[f32; 256], b: usize, place: Place) {
    let scaling = Scaling::new(peak(s, x));
    let mut sums = [0; 16];
    for ((i, x), sum) in x.chunks_exact(S::LANES).enumerate().zip(&mut sums) {
        let codes = scaling.codes(s, x);
        *sum = s.reduce_add_i(codes);
        // SAFETY: the caller's promise.
        unsafe { store_codes(s, codes, b * 64 + i * 4, place) };
    }
    let out = place.rows;
    // SAFETY: the caller's promise.
    unsafe {
        *out.scales.add(b * out.stride) = scaling.scale;
        for (i, &[even, odd]) in sums.as_chunks::<2>().0.iter().enumerate() {
            *out.sums.add((b * 8 + i) * out.stride) = halves(even, odd);
        }
        for (i, &[p, q, r, t]) in sums.as_chunks::<4>().0.iter().enumerate() {
            *out.sums32.add((b * 4 + i) * out.stride) = halves(p + q, r + t);
        }
    }
}

/// Two numbers of 16 bits as one of 32.
pub(super) fn halves(even: i32, odd: i32) -> i32 {
    even & 0xffff | odd << 16
}

/// Four quads of one row, from quad `quad` on.
///
/// # Safety
/// They are inside of `place`.
#[inline(always)]
unsafe fn store_codes<S: Simd>(s: S, codes: S::I, quad: usize, place: Place) {
    let mut quads = [0i32; 4];
    let out = place.rows;
    // SAFETY: 16 bytes; the caller's promise.
    unsafe {
        s.store_i8(quads.as_mut_ptr().cast(), codes);
        if !place.codes.is_null() {
            s.store_i8(place.codes.add(4 * quad).cast(), codes);
        }
        for (i, value) in quads.into_iter().enumerate() {
            *out.quads.add((quad + i) * out.stride) = value;
        }
    }
}
