//! Two vectors as one of twice the length.

use super::{Dots, Simd};

/// Sixteen lanes where a register has eight: sums then fold in the same order at every level.
#[derive(Clone, Copy)]
pub(crate) struct Pair<S>(pub(crate) S);

/// Operations that act on both halves alike.
macro_rules! both {
    ($($name:ident($($arg:ident: $ty:ident),*) -> $ret:ident;)*) => {
        $(#[inline(always)]
        fn $name(self, $($arg: Self::$ty),*) -> Self::$ret {
            [self.0.$name($($arg[0]),*), self.0.$name($($arg[1]),*)]
        })*
    };
}

/// Loads and stores of both halves.
macro_rules! memory {
    ($(load $load:ident($from:ty);)* $(store $store:ident($to:ty, $value:ident);)*) => {
        $(#[inline(always)]
        unsafe fn $load(self, from: *const $from) -> Self::F {
            // SAFETY: the caller's promise covers both halves.
            unsafe { [self.0.$load(from), self.0.$load(from.add(S::LANES))] }
        })*
        $(#[inline(always)]
        unsafe fn $store(self, to: *mut $to, value: Self::$value) {
            // SAFETY: the caller's promise covers both halves.
            unsafe {
                self.0.$store(to, value[0]);
                self.0.$store(to.add(S::LANES), value[1]);
            }
        })*
    };
}

impl<S: Simd> Simd for Pair<S> {
    const LANES: usize = 2 * S::LANES;
    const REGISTERS: usize = S::REGISTERS / 2;
    type F = [S::F; 2];
    type I = [S::I; 2];

    both! {
        and(a: I, b: I) -> I;
        add_i(a: I, b: I) -> I;
        max_i(a: I, b: I) -> I;
        to_f(a: I) -> F;
        cast_f(a: I) -> F;
        cast_i(a: F) -> I;
        add(a: F, b: F) -> F;
        sub(a: F, b: F) -> F;
        mul(a: F, b: F) -> F;
        div(a: F, b: F) -> F;
        fma(a: F, b: F, c: F) -> F;
        fnma(a: F, b: F, c: F) -> F;
        max(a: F, b: F) -> F;
        min(a: F, b: F) -> F;
        round(a: F) -> I;
        swap(a: F) -> F;
    }

    memory! {
        load load(f32);
        load load_f16(u16);
        store store(f32, F);
        store store_f16(u16, F);
        store store_i8(i8, I);
    }

    #[inline(always)]
    fn pack_i8(self, a: [Self::I; 4]) -> Self::I {
        let halves = |a: Self::I, b: Self::I| [a[0], a[1], b[0], b[1]];
        [
            self.0.pack_i8(halves(a[0], a[1])),
            self.0.pack_i8(halves(a[2], a[3])),
        ]
    }

    #[inline(always)]
    fn splat_i(self, value: i32) -> Self::I {
        [self.0.splat_i(value); 2]
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [self.0.splat(value); 2]
    }

    #[inline(always)]
    fn shl(self, a: Self::I, n: u32) -> Self::I {
        [self.0.shl(a[0], n), self.0.shl(a[1], n)]
    }

    #[inline(always)]
    fn reduce_max_i(self, a: Self::I) -> i32 {
        self.0.reduce_max_i(self.0.max_i(a[0], a[1]))
    }

    #[inline(always)]
    fn reduce_add_i(self, a: Self::I) -> i32 {
        self.0.reduce_add_i(self.0.add_i(a[0], a[1]))
    }

    #[inline(always)]
    fn reduce_add(self, a: Self::F) -> f32 {
        self.0.reduce_add(self.0.add(a[0], a[1]))
    }

    #[inline(always)]
    fn reduce_max(self, a: Self::F) -> f32 {
        self.0.reduce_max(self.0.max(a[0], a[1]))
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, n: usize) -> Self::F {
        // SAFETY: the caller promises `n` values.
        unsafe {
            match n.checked_sub(S::LANES) {
                None => [self.0.load_part(from, n), self.0.splat(0.0)],
                Some(rest) => [
                    self.0.load(from),
                    self.0.load_part(from.add(S::LANES), rest),
                ],
            }
        }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, value: Self::F, n: usize) {
        // SAFETY: the caller promises `n` values.
        unsafe {
            match n.checked_sub(S::LANES) {
                None => self.0.store_part(to, value[0], n),
                Some(rest) => {
                    self.0.store(to, value[0]);
                    self.0.store_part(to.add(S::LANES), value[1], rest);
                }
            }
        }
    }

    #[inline(always)]
    fn pick(self, from: usize, to: usize, a: Self::F, b: Self::F) -> Self::F {
        let upper = |lane: usize| lane.saturating_sub(S::LANES);
        [
            self.0.pick(from, to.min(S::LANES), a[0], b[0]),
            self.0.pick(upper(from), upper(to), a[1], b[1]),
        ]
    }

    #[inline(always)]
    fn zip_low(self, a: Self::F, b: Self::F) -> Self::F {
        [self.0.zip_low(a[0], b[0]), self.0.zip_high(a[0], b[0])]
    }

    #[inline(always)]
    fn zip_high(self, a: Self::F, b: Self::F) -> Self::F {
        [self.0.zip_low(a[1], b[1]), self.0.zip_high(a[1], b[1])]
    }

    #[inline(always)]
    fn prefetch(self, at: *const u8) {
        self.0.prefetch(at);
    }
}

/// Loads of both halves, which are `$bytes` apart for each lane.
macro_rules! loads {
    ($($load:ident -> $ret:ident: $bytes:literal;)*) => {
        $(#[inline(always)]
        unsafe fn $load(self, from: *const u8) -> Self::$ret {
            // SAFETY: the caller's promise covers both halves.
            unsafe { [self.0.$load(from), self.0.$load(from.add($bytes * S::LANES))] }
        })*
    };
}

impl<S: Dots> Dots for Pair<S> {
    const WIDE: bool = S::WIDE;
    const ROWS: usize = S::ROWS;

    both! {
        or(a: I, b: I) -> I;
        sub_i(a: I, b: I) -> I;
        mul16(a: I, b: I) -> I;
        dot(sum: I, a: I, b: I) -> I;
        fold(sum: I, part: I, factor: I) -> I;
        factor(value: I) -> I;
        dot16(sum: I, a: I, b: I) -> I;
    }

    loads! {
        load_i -> I: 4;
        load_u8 -> I: 1;
        load_i8 -> I: 1;
        load_half_e8m0 -> F: 1;
    }

    #[inline(always)]
    fn shr16(self, a: Self::I, n: usize) -> Self::I {
        [self.0.shr16(a[0], n), self.0.shr16(a[1], n)]
    }

    #[inline(always)]
    fn shl16(self, a: Self::I, n: usize) -> Self::I {
        [self.0.shl16(a[0], n), self.0.shl16(a[1], n)]
    }

    #[inline(always)]
    fn lookup(self, table: &[u8; 16], indices: Self::I) -> Self::I {
        [
            self.0.lookup(table, indices[0]),
            self.0.lookup(table, indices[1]),
        ]
    }
}
