//! 128-bit vectors of AArch64: NEON, and its dot products where the token says so.

use std::arch::aarch64::*;
use std::arch::asm;

use super::ops::{memory_ops, ops};
use super::{Dots, Simd};

/// Which instruction sums products of four bytes.
pub(crate) mod dot {
    /// None: products of 16 bits are added in pairs.
    pub(crate) const NONE: u8 = 0;
    /// SDOT: signed bytes.
    pub(crate) const SIGNED: u8 = 1;
    /// USDOT: unsigned with signed bytes.
    pub(crate) const MIXED: u8 = 2;
}

/// Proof of NEON, of `dotprod` if `DOT` is [`dot::SIGNED`], and of `i8mm` if it is [`dot::MIXED`].
#[derive(Clone, Copy)]
pub(crate) struct Neon<const DOT: u8>(());

impl<const DOT: u8> Neon<DOT> {
    /// # Safety
    /// The processor has the features.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

type F = float32x4_t;
type I = int32x4_t;

/// # Safety
/// NEON.
#[inline(always)]
#[allow(
    unused_unsafe,
    reason = "some intrinsics are safe where NEON is the baseline"
)]
unsafe fn lanes() -> I {
    // SAFETY: 16 readable bytes; the caller's promise.
    unsafe { vld1q_s32([0, 1, 2, 3].as_ptr()) }
}

/// Folds a vector of four in halves.
macro_rules! fold_halves {
    ($a:expr, $low:ident, $high:ident, $lane:ident, |$x:ident, $y:ident| $two:expr, $one:expr) => {{
        let ($x, $y) = ($low($a), $high($a));
        let folded = $two;
        let ($x, $y) = ($lane::<0>(folded), $lane::<1>(folded));
        $one
    }};
}

impl<const DOT: u8> Simd for Neon<DOT> {
    const LANES: usize = 4;
    const REGISTERS: usize = 32;
    type F = F;
    type I = I;

    ops! {
        splat_i(value: i32) -> I = vdupq_n_s32(value);
        pack_i8(a: [I; 4]) -> I = {
            let [low, high] = [[a[0], a[1]], [a[2], a[3]]]
                .map(|[a, b]| vqmovn_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b))));
            vreinterpretq_s32_s8(vcombine_s8(low, high))
        };
        and(a: I, b: I) -> I = vandq_s32(a, b);
        add_i(a: I, b: I) -> I = vaddq_s32(a, b);
        max_i(a: I, b: I) -> I = vmaxq_s32(a, b);
        shl(a: I, n: u32) -> I = vshlq_s32(a, vdupq_n_s32(n as i32));
        to_f(a: I) -> F = vcvtq_f32_s32(a);
        cast_f(a: I) -> F = vreinterpretq_f32_s32(a);
        cast_i(a: F) -> I = vreinterpretq_s32_f32(a);
        splat(value: f32) -> F = vdupq_n_f32(value);
        add(a: F, b: F) -> F = vaddq_f32(a, b);
        sub(a: F, b: F) -> F = vsubq_f32(a, b);
        mul(a: F, b: F) -> F = vmulq_f32(a, b);
        div(a: F, b: F) -> F = vdivq_f32(a, b);
        fma(a: F, b: F, c: F) -> F = vfmaq_f32(c, a, b);
        fnma(a: F, b: F, c: F) -> F = vfmsq_f32(c, a, b);
        max(a: F, b: F) -> F = vbslq_f32(vcgtq_f32(a, b), a, b);
        min(a: F, b: F) -> F = vbslq_f32(vcltq_f32(a, b), a, b);
        round(a: F) -> I = {
            // The conversion saturates below, as it should, but also above.
            let fits = vcltq_f32(a, vdupq_n_f32(2_147_483_648.0));
            vbslq_s32(fits, vcvtnq_s32_f32(a), vdupq_n_s32(i32::MIN))
        };
        zip_low(a: F, b: F) -> F = vzip1q_f32(a, b);
        zip_high(a: F, b: F) -> F = vzip2q_f32(a, b);
        swap(a: F) -> F = vrev64q_f32(a);
        pick(from: usize, to: usize, a: F, b: F) -> F = {
            let (from, to) = (vdupq_n_s32(from as i32), vdupq_n_s32(to as i32));
            vbslq_f32(vandq_u32(vcgeq_s32(lanes(), from), vcltq_s32(lanes(), to)), a, b)
        };
        reduce_max_i(a: I) -> i32 = vmaxvq_s32(a);
        reduce_add_i(a: I) -> i32 = vaddvq_s32(a);
        reduce_add(a: F) -> f32 = fold_halves!(
            a, vget_low_f32, vget_high_f32, vget_lane_f32, |x, y| vadd_f32(x, y), x + y);
        reduce_max(a: F) -> f32 = fold_halves!(
            a, vget_low_f32, vget_high_f32, vget_lane_f32,
            |x, y| vbsl_f32(vcgt_f32(x, y), x, y), if x > y { x } else { y });
    }

    memory_ops! {
        store_i8(to: *mut i8, value: I) = {
            let words = vqmovn_s32(value);
            let bytes = vqmovn_s16(vcombine_s16(words, words));
            to.cast::<u32>().write_unaligned(vget_lane_u32::<0>(vreinterpret_u32_s8(bytes)));
        };
        load(from: *const f32) -> F = vld1q_f32(from);
        load_part(from: *const f32, n: usize) -> F = {
            let mut values = [0.0; 4];
            values[..n].copy_from_slice(std::slice::from_raw_parts(from, n));
            vld1q_f32(values.as_ptr())
        };
        store(to: *mut f32, value: F) = vst1q_f32(to, value);
        store_part(to: *mut f32, value: F, n: usize) = {
            let mut values = [0.0; 4];
            vst1q_f32(values.as_mut_ptr(), value);
            to.copy_from(values[..n].as_ptr(), n);
        };
        load_f16(from: *const u16) -> F = {
            let value: F;
            asm!("fcvtl {value:v}.4s, {halves:v}.4h", value = lateout(vreg) value,
                halves = in(vreg) vld1_u16(from), options(pure, nomem, nostack, preserves_flags));
            value
        };
        store_f16(to: *mut u16, value: F) = {
            let halves: uint16x4_t;
            asm!("fcvtn {halves:v}.4h, {value:v}.4s", halves = lateout(vreg) halves,
                value = in(vreg) value, options(pure, nomem, nostack, preserves_flags));
            vst1_u16(to, halves);
        };
    }

    #[inline(always)]
    fn prefetch(self, at: *const u8) {
        // SAFETY: a prefetch does not fault.
        unsafe {
            asm!("prfm pldl1keep, [{at}]", at = in(reg) at,
                options(readonly, nostack, preserves_flags));
        }
    }
}

/// # Safety
/// NEON; four readable bytes.
#[inline(always)]
unsafe fn unsigned_bytes(from: *const u8) -> I {
    // SAFETY: the caller's promise.
    unsafe {
        let bytes = vcreate_u8(from.cast::<u32>().read_unaligned().into());
        vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))
    }
}

/// `sum` plus the products of signed bytes, four and four.
///
/// # Safety
/// Feature `dotprod`.
#[inline(always)]
unsafe fn signed_dot(mut sum: I, a: I, b: I) -> I {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(".arch_extension dotprod", "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inlateout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// `sum` plus the products of unsigned bytes `a` with signed bytes `b`, four and four.
///
/// # Safety
/// Feature `i8mm`.
#[inline(always)]
unsafe fn mixed_dot(mut sum: I, a: I, b: I) -> I {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(".arch_extension i8mm", "usdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inlateout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// As [`mixed_dot`], with the instructions that every processor has.
///
/// # Safety
/// NEON.
#[inline(always)]
#[allow(
    unused_unsafe,
    reason = "some intrinsics are safe where NEON is the baseline"
)]
unsafe fn widened_dot(sum: I, a: I, b: I) -> I {
    // SAFETY: the caller's promise.
    unsafe {
        let (a, b) = (vreinterpretq_u8_s32(a), vreinterpretq_s8_s32(b));
        let wide = |a: uint8x8_t| vreinterpretq_s16_u16(vmovl_u8(a));
        // A product of an unsigned and a signed byte fits 16 bits.
        let low = vmulq_s16(wide(vget_low_u8(a)), vmovl_s8(vget_low_s8(b)));
        let high = vmulq_s16(wide(vget_high_u8(a)), vmovl_s8(vget_high_s8(b)));
        vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)))
    }
}

impl<const DOT: u8> Dots for Neon<DOT> {
    const WIDE: bool = true;
    const ROWS: usize = 4;

    ops! {
        or(a: I, b: I) -> I = vorrq_s32(a, b);
        sub_i(a: I, b: I) -> I = vsubq_s32(a, b);
        shr16(a: I, n: usize) -> I = vreinterpretq_s32_u16(
            vshlq_u16(vreinterpretq_u16_s32(a), vdupq_n_s16(-(n as i16))));
        shl16(a: I, n: usize) -> I = vreinterpretq_s32_u16(
            vshlq_u16(vreinterpretq_u16_s32(a), vdupq_n_s16(n as i16)));
        mul16(a: I, b: I) -> I = vreinterpretq_s32_u16(
            vmulq_u16(vreinterpretq_u16_s32(a), vreinterpretq_u16_s32(b)));
        lookup(table: &[u8; 16], indices: I) -> I = vreinterpretq_s32_u8(
            vqtbl1q_u8(vld1q_u8(table.as_ptr()), vreinterpretq_u8_s32(indices)));
        dot(sum: I, a: I, b: I) -> I = match DOT {
            dot::MIXED => mixed_dot(sum, a, b),
            dot::SIGNED => {
                // A set highest bit counts -128 there, not 128.
                let high = signed_dot(vdupq_n_s32(0), vandq_s32(a, vdupq_n_s32(0x8080_8080u32 as i32)), b);
                vsubq_s32(signed_dot(sum, a, b), vaddq_s32(high, high))
            }
            _ => widened_dot(sum, a, b),
        };
        fold(sum: I, part: I, factor: I) -> I = vmlaq_s32(sum, part, factor);
        factor(value: I) -> I = value;
        dot16(sum: I, a: I, b: I) -> I = {
            let (a, b) = (vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b));
            let low = vmull_s16(vget_low_s16(a), vget_low_s16(b));
            vaddq_s32(sum, vpaddq_s32(low, vmull_high_s16(a, b)))
        };
    }

    memory_ops! {
        load_i(from: *const u8) -> I = vreinterpretq_s32_u8(vld1q_u8(from));
        load_u8(from: *const u8) -> I = unsigned_bytes(from);
        load_i8(from: *const u8) -> I = {
            let bytes = vcreate_s8(from.cast::<u32>().read_unaligned().into());
            vmovl_s16(vget_low_s16(vmovl_s8(bytes)))
        };
        load_half_e8m0(from: *const u8) -> F = {
            let exponent = unsigned_bytes(from);
            let normal = vshlq_n_s32::<23>(vsubq_s32(exponent, vdupq_n_s32(1)));
            let subnormal = vshlq_s32(vdupq_n_s32(0x0020_0000), exponent);
            let small = vcltq_s32(exponent, vdupq_n_s32(2));
            vreinterpretq_f32_s32(vbslq_s32(small, subnormal, normal))
        };
    }
}
