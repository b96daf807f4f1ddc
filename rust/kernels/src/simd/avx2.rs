//! 256-bit vectors: AVX2, FMA and F16C, and AVX-VNNI where the token says so.

use std::arch::x86_64::*;

use super::ops::{memory_ops, ops};
use super::{Dots, Simd};

/// Proof of AVX2, FMA and F16C, and of AVX-VNNI if `VNNI`.
#[derive(Clone, Copy)]
pub(crate) struct Avx2<const VNNI: bool>(());

impl<const VNNI: bool> Avx2<VNNI> {
    /// # Safety
    /// The processor has the features.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

type F = __m256;
type I = __m256i;

/// Folds a vector of eight in halves.
macro_rules! fold_halves {
    ($name:ident, $vector:ty, $ret:ty, $low:ident, $high:ident, $op:ident, $first:ident, $by_64:expr, $by_32:expr) => {
        /// # Safety
        /// AVX2.
        #[inline(always)]
        pub(super) unsafe fn $name(a: $vector) -> $ret {
            // SAFETY: the caller's promise.
            unsafe {
                let a = $op($low(a), $high::<1>(a));
                let a = $op(a, $by_64(a));
                $first($op(a, $by_32(a)))
            }
        }
    };
}

fold_halves!(
    sum,
    F,
    f32,
    _mm256_castps256_ps128,
    _mm256_extractf128_ps,
    _mm_add_ps,
    _mm_cvtss_f32,
    |a| _mm_movehl_ps(a, a),
    |a| _mm_shuffle_ps::<1>(a, a)
);
fold_halves!(
    maximum,
    F,
    f32,
    _mm256_castps256_ps128,
    _mm256_extractf128_ps,
    _mm_max_ps,
    _mm_cvtss_f32,
    |a| _mm_movehl_ps(a, a),
    |a| _mm_shuffle_ps::<1>(a, a)
);
fold_halves!(
    sum_i,
    I,
    i32,
    _mm256_castsi256_si128,
    _mm256_extracti128_si256,
    _mm_add_epi32,
    _mm_cvtsi128_si32,
    |a| _mm_shuffle_epi32::<0b1110>(a),
    |a| _mm_shuffle_epi32::<1>(a)
);
fold_halves!(
    max_i,
    I,
    i32,
    _mm256_castsi256_si128,
    _mm256_extracti128_si256,
    _mm_max_epi32,
    _mm_cvtsi128_si32,
    |a| _mm_shuffle_epi32::<0b1110>(a),
    |a| _mm_shuffle_epi32::<1>(a)
);

/// All bits of the lanes below `n`.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn below(n: usize) -> I {
    // SAFETY: the caller's promise.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), lanes)
    }
}

impl<const VNNI: bool> Simd for Avx2<VNNI> {
    const LANES: usize = 8;
    const REGISTERS: usize = 16;
    type F = F;
    type I = I;

    ops! {
        splat_i(value: i32) -> I = _mm256_set1_epi32(value);
        pack_i8(a: [I; 4]) -> I = {
            let (low, high) = (_mm256_packs_epi32(a[0], a[1]), _mm256_packs_epi32(a[2], a[3]));
            let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
            _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order)
        };
        and(a: I, b: I) -> I = _mm256_and_si256(a, b);
        add_i(a: I, b: I) -> I = _mm256_add_epi32(a, b);
        max_i(a: I, b: I) -> I = _mm256_max_epi32(a, b);
        shl(a: I, n: u32) -> I = _mm256_sll_epi32(a, _mm_cvtsi32_si128(n as i32));
        to_f(a: I) -> F = _mm256_cvtepi32_ps(a);
        cast_f(a: I) -> F = _mm256_castsi256_ps(a);
        cast_i(a: F) -> I = _mm256_castps_si256(a);
        splat(value: f32) -> F = _mm256_set1_ps(value);
        add(a: F, b: F) -> F = _mm256_add_ps(a, b);
        sub(a: F, b: F) -> F = _mm256_sub_ps(a, b);
        mul(a: F, b: F) -> F = _mm256_mul_ps(a, b);
        div(a: F, b: F) -> F = _mm256_div_ps(a, b);
        fma(a: F, b: F, c: F) -> F = _mm256_fmadd_ps(a, b, c);
        fnma(a: F, b: F, c: F) -> F = _mm256_fnmadd_ps(a, b, c);
        max(a: F, b: F) -> F = _mm256_max_ps(a, b);
        min(a: F, b: F) -> F = _mm256_min_ps(a, b);
        round(a: F) -> I = _mm256_cvtps_epi32(a);
        zip_low(a: F, b: F) -> F =
            _mm256_permute2f128_ps::<0x20>(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        zip_high(a: F, b: F) -> F =
            _mm256_permute2f128_ps::<0x31>(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        swap(a: F) -> F = _mm256_permute_ps::<0b10_11_00_01>(a);
        pick(from: usize, to: usize, a: F, b: F) -> F = _mm256_blendv_ps(b, a,
            _mm256_castsi256_ps(_mm256_andnot_si256(below(from), below(to))));
        reduce_max_i(a: I) -> i32 = max_i(a);
        reduce_add_i(a: I) -> i32 = sum_i(a);
        reduce_add(a: F) -> f32 = sum(a);
        reduce_max(a: F) -> f32 = maximum(a);
    }

    memory_ops! {
        store_i8(to: *mut i8, value: I) = {
            let words = _mm256_packs_epi32(value, value);
            let bytes = _mm256_packs_epi16(words, words);
            let low = _mm_cvtsi128_si32(_mm256_castsi256_si128(bytes));
            let high = _mm_cvtsi128_si32(_mm256_extracti128_si256::<1>(bytes));
            to.cast::<[i32; 2]>().write_unaligned([low, high]);
        };
        load(from: *const f32) -> F = _mm256_loadu_ps(from);
        load_part(from: *const f32, n: usize) -> F = _mm256_maskload_ps(from, below(n));
        store(to: *mut f32, value: F) = _mm256_storeu_ps(to, value);
        store_part(to: *mut f32, value: F, n: usize) =
            _mm256_maskstore_ps(to, below(n), value);
        load_f16(from: *const u16) -> F = _mm256_cvtph_ps(_mm_loadu_si128(from.cast()));
        store_f16(to: *mut u16, value: F) = _mm_storeu_si128(to.cast(),
            _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(value));
    }

    #[inline(always)]
    fn prefetch(self, at: *const u8) {
        // SAFETY: a prefetch does not fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
}

impl<const VNNI: bool> Dots for Avx2<VNNI> {
    const WIDE: bool = VNNI;
    const ROWS: usize = 4;

    ops! {
        or(a: I, b: I) -> I = _mm256_or_si256(a, b);
        sub_i(a: I, b: I) -> I = _mm256_sub_epi32(a, b);
        shr16(a: I, n: usize) -> I = _mm256_srl_epi16(a, _mm_cvtsi32_si128(n as i32));
        shl16(a: I, n: usize) -> I = _mm256_sll_epi16(a, _mm_cvtsi32_si128(n as i32));
        mul16(a: I, b: I) -> I = _mm256_mullo_epi16(a, b);
        lookup(table: &[u8; 16], indices: I) -> I = _mm256_shuffle_epi8(
            _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast())), indices);
        dot(sum: I, a: I, b: I) -> I = if VNNI {
            _mm256_dpbusd_avx_epi32(sum, a, b)
        } else {
            _mm256_add_epi16(sum, _mm256_maddubs_epi16(a, b))
        };
        fold(sum: I, part: I, factor: I) -> I = _mm256_add_epi32(sum, if VNNI {
            _mm256_mullo_epi32(part, factor)
        } else {
            _mm256_madd_epi16(part, factor)
        });
        factor(value: I) -> I = if VNNI {
            value
        } else {
            let low = _mm256_and_si256(value, _mm256_set1_epi32(0xffff));
            _mm256_or_si256(low, _mm256_slli_epi32::<16>(value))
        };
        dot16(sum: I, a: I, b: I) -> I = if VNNI {
            _mm256_dpwssd_avx_epi32(sum, a, b)
        } else {
            _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
        };
    }

    memory_ops! {
        load_i(from: *const u8) -> I = _mm256_loadu_si256(from.cast());
        load_u8(from: *const u8) -> I = _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()));
        load_i8(from: *const u8) -> I = _mm256_cvtepi8_epi32(_mm_loadl_epi64(from.cast()));
        load_half_e8m0(from: *const u8) -> F = {
            let exponent = _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()));
            let normal = _mm256_slli_epi32::<23>(_mm256_sub_epi32(exponent, _mm256_set1_epi32(1)));
            let subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x0020_0000), exponent);
            let small = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), exponent);
            _mm256_castsi256_ps(_mm256_blendv_epi8(normal, subnormal, small))
        };
    }
}
