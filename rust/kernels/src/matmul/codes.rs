//! Unpacking codes, and summing their products without overflow.

use crate::pack::Layout;
use crate::simd::Dots;

/// Repeats a block for each quad of 32 inputs, with the quad as a constant.
macro_rules! for_quads {
    (|$q:ident| $body:block) => {
        $crate::matmul::codes::for_quads!(@ $q $body; 0 1 2 3 4 5 6 7)
    };
    (@ $q:ident $body:block; $($i:literal)*) => {
        $({ #[allow(non_upper_case_globals)] const $q: usize = $i; $body })*
    };
}
pub(super) use for_quads;

/// The codes of quad `q` of a chunk, or what they mean where the layout has levels; `lane` is the
/// strip's first row.
///
/// # Safety
/// `chunk` is a chunk of the layout.
#[inline(always)]
pub(super) unsafe fn codes<S: Dots>(
    s: S,
    layout: &Layout,
    chunk: *const u8,
    lane: usize,
    q: usize,
) -> S::I {
    // SAFETY: each plane vector that holds the quad is inside of the chunk.
    let plane =
        |at: usize, bits: usize| unsafe { s.load_i(chunk.add(at + q * bits / 8 * 64 + 4 * lane)) };
    let field = |from: usize, to: usize, bits: usize, plane: S::I| {
        let mask = ((1 << bits) - 1) << to;
        let moved = if from >= to {
            s.shr16(plane, from - to)
        } else {
            s.shl16(plane, to - from)
        };
        s.and(moved, s.splat_i(mask * 0x0101_0101))
    };
    let low = layout.low;
    let mut codes = plane(0, low);
    if low < 8 {
        codes = field(q * low % 8, 0, low, codes);
    }
    if layout.high > 0 {
        let high = layout.high;
        let above = field(q * high % 8, low, high, plane(layout.low_bytes(), high));
        codes = s.or(codes, above);
    }
    match &layout.levels {
        Some(levels) => s.lookup(levels, codes),
        None => codes,
    }
}

/// Quads whose products can be summed in 16 bits: two products a quad, of codes of `bits` bits with
/// activations down to -127. Codes of 8 bits are taken as two of 4.
pub(super) const fn quads_in_16_bits(bits: usize) -> usize {
    match bits {
        ..=4 | 8 => 8,
        5 => 4,
        _ => 2,
    }
}

/// Sums of a group's products: one, or for codes of 8 bits at a level that sums in 16 bits one for
/// each nibble.
#[derive(Clone, Copy)]
pub(super) struct Part<S: Dots> {
    low: S::I,
    high: S::I,
}

/// A vector of codes, ready for [`Part::add`].
#[derive(Clone, Copy)]
pub(super) struct Codes<S: Dots> {
    /// All bits, or the low nibble.
    pub(super) low: S::I,
    high: S::I,
}

impl<S: Dots> Codes<S> {
    #[inline(always)]
    pub(super) fn new(s: S, codes: S::I, bits: usize) -> Self {
        if S::WIDE || bits < 8 {
            return Self {
                low: codes,
                high: codes,
            };
        }
        let nibbles = s.splat_i(0x0f0f_0f0f);
        Self {
            low: s.and(codes, nibbles),
            high: s.and(s.shr16(codes, 4), nibbles),
        }
    }
}

impl<S: Dots> Part<S> {
    #[inline(always)]
    pub(super) fn zero(s: S) -> Self {
        Self {
            low: s.splat_i(0),
            high: s.splat_i(0),
        }
    }

    #[inline(always)]
    pub(super) fn add(&mut self, s: S, codes: Codes<S>, x: S::I, bits: usize) {
        self.low = s.dot(self.low, codes.low, x);
        if !S::WIDE && bits == 8 {
            self.high = s.dot(self.high, codes.high, x);
        }
    }

    /// `sum + factor · self`.
    #[inline(always)]
    pub(super) fn fold(self, s: S, sum: S::I, factor: S::I, bits: usize) -> S::I {
        let sum = s.fold(sum, self.low, factor);
        if S::WIDE || bits < 8 {
            return sum;
        }
        s.fold(sum, self.high, s.shl16(factor, 4))
    }
}
