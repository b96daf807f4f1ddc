//! 512-bit vectors: AVX-512 F, BW, VL and DQ, and VNNI where the token says so.

use std::arch::asm;
use std::arch::x86_64::*;

use super::ops::{memory_ops, ops};
use super::{Dots, Simd};

/// Proof of AVX-512 F, BW, VL, DQ, AVX2, FMA and F16C, of VNNI if `VNNI`, and of BF16 if `BF16`.
#[derive(Clone, Copy)]
pub(crate) struct Avx512<const VNNI: bool, const BF16: bool = false>(());

impl<const VNNI: bool, const BF16: bool> Avx512<VNNI, BF16> {
    /// # Safety
    /// The processor has the features.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

type F = __m512;
type I = __m512i;

/// A mask of the first `n <= 16` lanes.
#[inline(always)]
fn first(n: usize) -> u16 {
    ((1u32 << n) - 1) as u16
}

/// # Safety
/// AVX-512 F and DQ.
#[inline(always)]
unsafe fn halves(a: F) -> [__m256; 2] {
    // SAFETY: the caller's promise.
    unsafe { [_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a)] }
}

/// # Safety
/// AVX-512 F.
#[inline(always)]
unsafe fn halves_i(a: I) -> [__m256i; 2] {
    // SAFETY: the caller's promise.
    unsafe { [_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64::<1>(a)] }
}

/// The same bits.
#[inline(always)]
fn halves_of(a: I) -> __m512bh {
    // SAFETY: both are vectors of 512 bits.
    unsafe { std::mem::transmute::<I, __m512bh>(a) }
}

/// Lanes `from`, `from + 1`, … of two vectors, in turn.
///
/// # Safety
/// AVX-512 F.
#[inline(always)]
unsafe fn zip(a: F, b: F, from: i32) -> F {
    // SAFETY: the caller's promise.
    unsafe {
        let lanes = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        _mm512_permutex2var_ps(a, _mm512_add_epi32(lanes, _mm512_set1_epi32(from)), b)
    }
}

/// VPDPWSSD in assembler: the compiler takes a chain of them apart, into a product and a sum each.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn dpwssd(mut sum: I, a: I, b: I) -> I {
    // SAFETY: an instruction of the features on registers.
    unsafe {
        asm!("vpdpwssd {sum}, {a}, {b}", sum = inout(zmm_reg) sum, a = in(zmm_reg) a,
            b = in(zmm_reg) b, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

impl<const VNNI: bool, const BF16: bool> Simd for Avx512<VNNI, BF16> {
    const LANES: usize = 16;
    const REGISTERS: usize = 32;
    type F = F;
    type I = I;

    ops! {
        splat_i(value: i32) -> I = _mm512_set1_epi32(value);
        pack_i8(a: [I; 4]) -> I = {
            let (low, high) = (_mm512_packs_epi32(a[0], a[1]), _mm512_packs_epi32(a[2], a[3]));
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high))
        };
        and(a: I, b: I) -> I = _mm512_and_si512(a, b);
        add_i(a: I, b: I) -> I = _mm512_add_epi32(a, b);
        max_i(a: I, b: I) -> I = _mm512_max_epi32(a, b);
        shl(a: I, n: u32) -> I = _mm512_sll_epi32(a, _mm_cvtsi32_si128(n as i32));
        to_f(a: I) -> F = _mm512_cvtepi32_ps(a);
        cast_f(a: I) -> F = _mm512_castsi512_ps(a);
        cast_i(a: F) -> I = _mm512_castps_si512(a);
        splat(value: f32) -> F = _mm512_set1_ps(value);
        add(a: F, b: F) -> F = _mm512_add_ps(a, b);
        sub(a: F, b: F) -> F = _mm512_sub_ps(a, b);
        mul(a: F, b: F) -> F = _mm512_mul_ps(a, b);
        div(a: F, b: F) -> F = _mm512_div_ps(a, b);
        fma(a: F, b: F, c: F) -> F = _mm512_fmadd_ps(a, b, c);
        fnma(a: F, b: F, c: F) -> F = _mm512_fnmadd_ps(a, b, c);
        max(a: F, b: F) -> F = _mm512_max_ps(a, b);
        min(a: F, b: F) -> F = _mm512_min_ps(a, b);
        round(a: F) -> I = _mm512_cvtps_epi32(a);
        zip_low(a: F, b: F) -> F = zip(a, b, 0);
        zip_high(a: F, b: F) -> F = zip(a, b, 8);
        swap(a: F) -> F = _mm512_permute_ps::<0b10_11_00_01>(a);
        pick(from: usize, to: usize, a: F, b: F) -> F =
            _mm512_mask_blend_ps(first(to) & !first(from), b, a);
        reduce_max_i(a: I) -> i32 = {
            let [low, high] = halves_i(a);
            super::avx2::max_i(_mm256_max_epi32(low, high))
        };
        reduce_add_i(a: I) -> i32 = {
            let [low, high] = halves_i(a);
            super::avx2::sum_i(_mm256_add_epi32(low, high))
        };
        reduce_add(a: F) -> f32 = {
            let [low, high] = halves(a);
            super::avx2::sum(_mm256_add_ps(low, high))
        };
        reduce_max(a: F) -> f32 = {
            let [low, high] = halves(a);
            super::avx2::maximum(_mm256_max_ps(low, high))
        };
    }

    memory_ops! {
        store_i8(to: *mut i8, value: I) =
            _mm_storeu_si128(to.cast(), _mm512_cvtsepi32_epi8(value));
        load(from: *const f32) -> F = _mm512_loadu_ps(from);
        load_part(from: *const f32, n: usize) -> F = _mm512_maskz_loadu_ps(first(n), from);
        store(to: *mut f32, value: F) = _mm512_storeu_ps(to, value);
        store_part(to: *mut f32, value: F, n: usize) =
            _mm512_mask_storeu_ps(to, first(n), value);
        load_f16(from: *const u16) -> F = _mm512_cvtph_ps(_mm256_loadu_si256(from.cast()));
        store_f16(to: *mut u16, value: F) = _mm256_storeu_si256(to.cast(),
            _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(value));
    }

    #[inline(always)]
    fn prefetch(self, at: *const u8) {
        // SAFETY: a prefetch does not fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
}

impl<const VNNI: bool, const BF16: bool> Dots for Avx512<VNNI, BF16> {
    const WIDE: bool = VNNI;
    // Sums in 16 bits need registers of their own.
    const ROWS: usize = if VNNI { 8 } else { 4 };

    ops! {
        or(a: I, b: I) -> I = _mm512_or_si512(a, b);
        sub_i(a: I, b: I) -> I = _mm512_sub_epi32(a, b);
        shr16(a: I, n: usize) -> I = _mm512_srl_epi16(a, _mm_cvtsi32_si128(n as i32));
        shl16(a: I, n: usize) -> I = _mm512_sll_epi16(a, _mm_cvtsi32_si128(n as i32));
        mul16(a: I, b: I) -> I = _mm512_mullo_epi16(a, b);
        lookup(table: &[u8; 16], indices: I) -> I = _mm512_shuffle_epi8(
            _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast())), indices);
        dot(sum: I, a: I, b: I) -> I = if VNNI {
            _mm512_dpbusd_epi32(sum, a, b)
        } else {
            _mm512_add_epi16(sum, _mm512_maddubs_epi16(a, b))
        };
        fold(sum: I, part: I, factor: I) -> I = _mm512_add_epi32(sum, if VNNI {
            _mm512_mullo_epi32(part, factor)
        } else {
            _mm512_madd_epi16(part, factor)
        });
        factor(value: I) -> I = if VNNI {
            value
        } else {
            let low = _mm512_and_si512(value, _mm512_set1_epi32(0xffff));
            _mm512_or_si512(low, _mm512_slli_epi32::<16>(value))
        };
        dot16(sum: I, a: I, b: I) -> I = if VNNI {
            dpwssd(sum, a, b)
        } else {
            _mm512_add_epi32(sum, _mm512_madd_epi16(a, b))
        };
    }

    memory_ops! {
        load_i(from: *const u8) -> I = _mm512_loadu_si512(from.cast());
        load_u8(from: *const u8) -> I = _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()));
        load_i8(from: *const u8) -> I = _mm512_cvtepi8_epi32(_mm_loadu_si128(from.cast()));
        load_half_e8m0(from: *const u8) -> F = {
            let exponent = _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()));
            let normal = _mm512_slli_epi32::<23>(_mm512_sub_epi32(exponent, _mm512_set1_epi32(1)));
            let small = _mm512_cmplt_epi32_mask(exponent, _mm512_set1_epi32(2));
            let subnormal = _mm512_sllv_epi32(_mm512_set1_epi32(0x0020_0000), exponent);
            _mm512_castsi512_ps(_mm512_mask_mov_epi32(normal, small, subnormal))
        };
    }

    #[inline(always)]
    fn dot_bf16(self, acc: F, a: I, b: I) -> F {
        if BF16 {
            // SAFETY: the token proves BF16; `I` and its operands are vectors of 512 bits.
            return unsafe { _mm512_dpbf16_ps(acc, halves_of(a), halves_of(b)) };
        }
        // SAFETY: the token proves the features; no memory is touched.
        unsafe {
            let upper = |v| _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32(-0x1_0000)));
            let lower = |v| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(v));
            let acc = _mm512_fmadd_ps(upper(a), upper(b), acc);
            _mm512_fmadd_ps(lower(a), lower(b), acc)
        }
    }
}
