//! Vectors of one register, behind two traits.
//!
//! A kernel is written once, generic over [`Simd`], and compiled once for each level inside a
//! function that has the level's features ([`crate::isa`]). Everything generic is
//! `inline(always)`: a function that stays a call of its own would be compiled for the baseline
//! processor.
//!
//! Every operation is defined to the bit, so that levels agree; [`Scalar`] says in plain Rust what
//! each one does.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod ops;
mod pair;
mod scalar;
mod slice;
mod soft;
mod transpose;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::{Neon, dot};
pub(crate) use pair::Pair;
pub(crate) use scalar::Scalar;
pub(crate) use slice::{load, store};
pub(crate) use transpose::{interleave, max_each, sum_each};

/// Proof that the processor has a level's features, and the level's operations on values of 32
/// bits: floats `F` and integers `I`.
pub(crate) trait Simd: Copy {
    /// Values in a vector.
    const LANES: usize;
    /// Vectors that the registers hold.
    const REGISTERS: usize;
    type F: Copy;
    type I: Copy;

    fn splat_i(self, value: i32) -> Self::I;
    /// Values cut to what a signed byte holds.
    /// # Safety
    /// `LANES` writable bytes.
    unsafe fn store_i8(self, to: *mut i8, value: Self::I);
    /// The values of four vectors, in order, cut to what a signed byte holds.
    fn pack_i8(self, a: [Self::I; 4]) -> Self::I;
    fn and(self, a: Self::I, b: Self::I) -> Self::I;
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I;
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// Shifted left by `n`, a constant after inlining.
    fn shl(self, a: Self::I, n: u32) -> Self::I;
    /// The largest value.
    fn reduce_max_i(self, a: Self::I) -> i32;
    /// The sum of the values, which does not overflow.
    fn reduce_add_i(self, a: Self::I) -> i32;
    /// Nearest `f32`.
    fn to_f(self, a: Self::I) -> Self::F;
    /// The bits as they are.
    fn cast_f(self, a: Self::I) -> Self::F;
    /// The bits as they are.
    fn cast_i(self, a: Self::F) -> Self::I;

    fn splat(self, value: f32) -> Self::F;
    /// # Safety
    /// `LANES` readable values.
    unsafe fn load(self, from: *const f32) -> Self::F;
    /// `n < LANES` values, then zeros.
    /// # Safety
    /// `n` readable values.
    unsafe fn load_part(self, from: *const f32, n: usize) -> Self::F;
    /// # Safety
    /// `LANES` writable values.
    unsafe fn store(self, to: *mut f32, value: Self::F);
    /// The first `n < LANES` values.
    /// # Safety
    /// `n` writable values.
    unsafe fn store_part(self, to: *mut f32, value: Self::F, n: usize);
    /// Values of type `f16`.
    /// # Safety
    /// `LANES` readable values.
    unsafe fn load_f16(self, from: *const u16) -> Self::F;
    /// Rounds to nearest, ties to even.
    /// # Safety
    /// `LANES` writable values.
    unsafe fn store_f16(self, to: *mut u16, value: Self::F);
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b + c`, rounded once.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a · b`, rounded once.
    fn fnma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `a > b ? a : b`: `b` if one of them is not a number.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a < b ? a : b`: `b` if one of them is not a number.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// Nearest integer, ties to even; what does not fit or is not a number gives `i32::MIN`.
    fn round(self, a: Self::F) -> Self::I;
    /// The lanes of `a` from `from` to `to`, elsewhere those of `b`.
    fn pick(self, from: usize, to: usize, a: Self::F, b: Self::F) -> Self::F;
    /// The sum, folding the vector in halves.
    fn reduce_add(self, a: Self::F) -> f32;
    /// The maximum, folding the vector in halves.
    fn reduce_max(self, a: Self::F) -> f32;
    /// The lower halves of two vectors, interleaved.
    fn zip_low(self, a: Self::F, b: Self::F) -> Self::F;
    /// The upper halves of two vectors, interleaved.
    fn zip_high(self, a: Self::F, b: Self::F) -> Self::F;
    /// Neighbours change places.
    fn swap(self, a: Self::F) -> Self::F;
    /// Asks for the cache line at `at`, which need not be memory of ours.
    fn prefetch(self, at: *const u8);
}

/// What products of packed codes need. Operations named `…16` or on bytes take each value of a
/// vector as two of 16 bits or four of 8.
pub(crate) trait Dots: Simd {
    /// Whether [`Dots::dot`] sums in 32 bits; else in 16, and the caller folds before they
    /// overflow.
    const WIDE: bool;
    /// Most rows of activations that a tile has registers for.
    const ROWS: usize;

    /// # Safety
    /// `4 * LANES` readable bytes.
    unsafe fn load_i(self, from: *const u8) -> Self::I;
    /// Unsigned bytes.
    /// # Safety
    /// `LANES` readable bytes.
    unsafe fn load_u8(self, from: *const u8) -> Self::I;
    /// Signed bytes.
    /// # Safety
    /// `LANES` readable bytes.
    unsafe fn load_i8(self, from: *const u8) -> Self::I;
    /// Half of two to the power of a byte less 127 (E8M0; 0 and 1 are subnormal).
    /// # Safety
    /// `LANES` readable bytes.
    unsafe fn load_half_e8m0(self, from: *const u8) -> Self::F;
    fn or(self, a: Self::I, b: Self::I) -> Self::I;
    fn sub_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// Shifted right by `n`, a constant after inlining.
    fn shr16(self, a: Self::I, n: usize) -> Self::I;
    /// Shifted left by `n`, a constant after inlining.
    fn shl16(self, a: Self::I, n: usize) -> Self::I;
    /// The lower halves of the products of both halves: what tiles need.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        allow(dead_code, reason = "only AMX has tiles")
    )]
    fn mul16(self, a: Self::I, b: Self::I) -> Self::I;
    /// `table[index]` for each byte; indices are below 16.
    fn lookup(self, table: &[u8; 16], indices: Self::I) -> Self::I;
    /// `sum` plus the products of unsigned bytes `a` with signed bytes `b`: all four of a value
    /// where [`Dots::WIDE`], else two and two.
    fn dot(self, sum: Self::I, a: Self::I, b: Self::I) -> Self::I;
    /// `sum + factor · part`; `part` comes from [`Dots::dot`], `factor` from [`Dots::factor`].
    fn fold(self, sum: Self::I, part: Self::I, factor: Self::I) -> Self::I;
    /// `value`, which fits 16 bits with its sign, as [`Dots::fold`] wants it.
    fn factor(self, value: Self::I) -> Self::I;
    /// `sum` plus the products of both signed halves of `a` and `b`.
    fn dot16(self, sum: Self::I, a: Self::I, b: Self::I) -> Self::I;
    /// `acc` plus the products of both halves of `a` and `b`, which are of type `bf16` and not
    /// subnormal: the upper ones first, each rounded once.
    #[inline(always)]
    fn dot_bf16(self, acc: Self::F, a: Self::I, b: Self::I) -> Self::F {
        let upper = |v| self.cast_f(self.and(v, self.splat_i(-0x1_0000)));
        let lower = |v| self.cast_f(self.shl(v, 16));
        let acc = self.fma(upper(a), upper(b), acc);
        self.fma(lower(a), lower(b), acc)
    }
}
