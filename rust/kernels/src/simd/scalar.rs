//! What every operation does, in plain Rust: the reference, and the level of any processor.

use super::soft::{f16_to_f32, f32_to_f16, fma};
use super::{Dots, Simd};

/// Four lanes: what a baseline register holds, so that the compiler may use it.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

const LANES: usize = 4;
type F = [f32; LANES];
type I = [i32; LANES];

#[inline(always)]
fn each<A: Copy, B: Copy, R>(a: [A; LANES], b: [B; LANES], f: impl Fn(A, B) -> R) -> [R; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

/// Folds a vector in halves, as vector levels do.
#[inline(always)]
fn fold_halves<T: Copy>(mut a: [T; LANES], f: impl Fn(T, T) -> T) -> T {
    for half in [2, 1] {
        for i in 0..half {
            a[i] = f(a[i], a[i + half]);
        }
    }
    a[0]
}

/// Both halves of a value, signed.
#[inline(always)]
fn halves(a: i32) -> [i32; 2] {
    [i32::from(a as i16), a >> 16]
}

impl Simd for Scalar {
    const LANES: usize = LANES;
    const REGISTERS: usize = 16;
    type F = F;
    type I = I;

    #[inline(always)]
    fn splat_i(self, value: i32) -> I {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8, value: I) {
        let bytes = value.map(|v| v.clamp(-128, 127) as i8);
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[i8; LANES]>().write_unaligned(bytes) }
    }

    #[inline(always)]
    fn pack_i8(self, a: [I; 4]) -> I {
        a.map(|a| i32::from_le_bytes(a.map(|v| v.clamp(-128, 127) as i8 as u8)))
    }

    #[inline(always)]
    fn and(self, a: I, b: I) -> I {
        each(a, b, |a, b| a & b)
    }

    #[inline(always)]
    fn add_i(self, a: I, b: I) -> I {
        each(a, b, i32::wrapping_add)
    }

    #[inline(always)]
    fn max_i(self, a: I, b: I) -> I {
        each(a, b, i32::max)
    }

    #[inline(always)]
    fn shl(self, a: I, n: u32) -> I {
        a.map(|a| a << n)
    }

    #[inline(always)]
    fn reduce_max_i(self, a: I) -> i32 {
        fold_halves(a, i32::max)
    }

    #[inline(always)]
    fn reduce_add_i(self, a: I) -> i32 {
        fold_halves(a, i32::wrapping_add)
    }

    #[inline(always)]
    fn to_f(self, a: I) -> F {
        a.map(|a| a as f32)
    }

    #[inline(always)]
    fn cast_f(self, a: I) -> F {
        a.map(|a| f32::from_bits(a as u32))
    }

    #[inline(always)]
    fn cast_i(self, a: F) -> I {
        a.map(|a| a.to_bits() as i32)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> F {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> F {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<F>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, n: usize) -> F {
        // SAFETY: the caller's promise.
        std::array::from_fn(|i| if i < n { unsafe { *from.add(i) } } else { 0.0 })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: F) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<F>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, value: F, n: usize) {
        for (i, &value) in value.iter().enumerate().take(n) {
            // SAFETY: the caller's promise.
            unsafe { *to.add(i) = value }
        }
    }

    #[inline(always)]
    unsafe fn load_f16(self, from: *const u16) -> F {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[u16; LANES]>().read_unaligned() }.map(f16_to_f32)
    }

    #[inline(always)]
    unsafe fn store_f16(self, to: *mut u16, value: F) {
        // SAFETY: the caller's promise.
        unsafe {
            to.cast::<[u16; LANES]>()
                .write_unaligned(value.map(f32_to_f16))
        }
    }

    #[inline(always)]
    fn add(self, a: F, b: F) -> F {
        each(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: F, b: F) -> F {
        each(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: F, b: F) -> F {
        each(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: F, b: F) -> F {
        each(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn fma(self, a: F, b: F, c: F) -> F {
        std::array::from_fn(|i| fma(a[i], b[i], c[i]))
    }

    #[inline(always)]
    fn fnma(self, a: F, b: F, c: F) -> F {
        std::array::from_fn(|i| fma(-a[i], b[i], c[i]))
    }

    #[inline(always)]
    fn max(self, a: F, b: F) -> F {
        each(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: F, b: F) -> F {
        each(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn round(self, a: F) -> I {
        a.map(|a| {
            let rounded = a.round_ties_even();
            let fits = (-2_147_483_648.0..2_147_483_648.0).contains(&rounded);
            if fits { rounded as i32 } else { i32::MIN }
        })
    }

    #[inline(always)]
    fn pick(self, from: usize, to: usize, a: F, b: F) -> F {
        std::array::from_fn(|i| if (from..to).contains(&i) { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn reduce_add(self, a: F) -> f32 {
        fold_halves(a, |a, b| a + b)
    }

    #[inline(always)]
    fn reduce_max(self, a: F) -> f32 {
        fold_halves(a, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn zip_low(self, a: F, b: F) -> F {
        std::array::from_fn(|i| if i % 2 == 0 { a[i / 2] } else { b[i / 2] })
    }

    #[inline(always)]
    fn zip_high(self, a: F, b: F) -> F {
        std::array::from_fn(|i| {
            if i % 2 == 0 {
                a[2 + i / 2]
            } else {
                b[2 + i / 2]
            }
        })
    }

    #[inline(always)]
    fn swap(self, a: F) -> F {
        std::array::from_fn(|i| a[i ^ 1])
    }

    #[inline(always)]
    fn prefetch(self, _at: *const u8) {}
}

/// Both halves of every value, as unsigned.
#[inline(always)]
fn map_halves(a: I, f: impl Fn(u16) -> u16) -> I {
    a.map(|a| (u32::from(f(a as u16)) | u32::from(f((a as u32 >> 16) as u16)) << 16) as i32)
}

impl Dots for Scalar {
    const WIDE: bool = true;
    const ROWS: usize = 1;

    #[inline(always)]
    unsafe fn load_i(self, from: *const u8) -> I {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[[u8; 4]; LANES]>().read_unaligned() }.map(i32::from_le_bytes)
    }

    #[inline(always)]
    unsafe fn load_u8(self, from: *const u8) -> I {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[u8; LANES]>().read_unaligned() }.map(i32::from)
    }

    #[inline(always)]
    unsafe fn load_i8(self, from: *const u8) -> I {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[i8; LANES]>().read_unaligned() }.map(i32::from)
    }

    #[inline(always)]
    unsafe fn load_half_e8m0(self, from: *const u8) -> F {
        // SAFETY: the caller's promise.
        unsafe { self.load_u8(from) }.map(|exponent| {
            f32::from_bits(match exponent {
                0 | 1 => 0x0020_0000 << exponent,
                _ => (exponent as u32 - 1) << 23,
            })
        })
    }

    #[inline(always)]
    fn or(self, a: I, b: I) -> I {
        each(a, b, |a, b| a | b)
    }

    #[inline(always)]
    fn sub_i(self, a: I, b: I) -> I {
        each(a, b, i32::wrapping_sub)
    }

    #[inline(always)]
    fn shr16(self, a: I, n: usize) -> I {
        map_halves(a, |a| a >> n)
    }

    #[inline(always)]
    fn shl16(self, a: I, n: usize) -> I {
        map_halves(a, |a| a << n)
    }

    #[inline(always)]
    fn mul16(self, a: I, b: I) -> I {
        each(a, b, |a, b| {
            let (a, b) = (a as u32, b as u32);
            let low = (a as u16).wrapping_mul(b as u16);
            let high = ((a >> 16) as u16).wrapping_mul((b >> 16) as u16);
            (u32::from(low) | u32::from(high) << 16) as i32
        })
    }

    #[inline(always)]
    fn lookup(self, table: &[u8; 16], indices: I) -> I {
        indices.map(|i| i32::from_le_bytes(i.to_le_bytes().map(|i| table[usize::from(i & 15)])))
    }

    #[inline(always)]
    fn dot(self, sum: I, a: I, b: I) -> I {
        let dot = each(a, b, |a, b| {
            let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
            let product = |i: usize| i32::from(a[i]) * i32::from(b[i] as i8);
            product(0) + product(1) + product(2) + product(3)
        });
        self.add_i(sum, dot)
    }

    #[inline(always)]
    fn fold(self, sum: I, part: I, factor: I) -> I {
        self.add_i(sum, each(part, factor, i32::wrapping_mul))
    }

    #[inline(always)]
    fn factor(self, value: I) -> I {
        value
    }

    #[inline(always)]
    fn dot16(self, sum: I, a: I, b: I) -> I {
        let dot = each(a, b, |a, b| {
            let ([a0, a1], [b0, b1]) = (halves(a), halves(b));
            a0 * b0 + a1 * b1
        });
        self.add_i(sum, dot)
    }
}
