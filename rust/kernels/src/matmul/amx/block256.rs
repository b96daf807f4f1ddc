//! Blocks of 256 whose groups have integer factors.
//!
//! The factor goes into the code: `factor · (code - offset) = 64 high + low`, two signed bytes. A
//! product of 256 inputs for each part, and `64 · high + low` is the integer of the other levels,
//! whose `f32` steps follow: once for 256 inputs.

use std::marker::PhantomData;

use super::tiles::{LINE, ROWS, Shape, Shapes, TILE, Tiles};
use super::walk::{Task, TileKernel};
use crate::act::GROUP;
use crate::matmul::block256::factors;
use crate::matmul::codes::{codes, for_quads};
use crate::matmul::tile::Strip;
use crate::pack::{Factors, Format, Layout, PANEL};
use crate::simd::Dots;

pub(in crate::matmul) struct Tiles256<F>(PhantomData<F>);

/// Steps of 64 inputs.
const STEPS: usize = 256 / LINE;

/// One if all factors times codes fit a signed byte, else two.
const fn parts(layout: &Layout) -> usize {
    match layout.factors {
        Factors::Nibbles => 1,
        _ => 2,
    }
}

impl<F: Format> TileKernel for Tiles256<F> {
    const INPUTS: usize = 256;
    const UNIT: usize = F::LAYOUT.unit_bytes();
    const EXPANDED: usize = STEPS * parts(&F::LAYOUT) * TILE;
    const BLOCKS: usize = 2;

    fn shapes(rows: usize) -> Shapes {
        let lines = |rows: usize| match rows {
            0 => Shape::default(),
            rows => Shape {
                rows: rows as u8,
                bytes: LINE as u16,
            },
        };
        let blocks = [lines(rows.min(ROWS)), lines(rows.saturating_sub(ROWS))];
        let [first, second] = blocks;
        let weights = lines(ROWS);
        [
            first, first, second, second, first, second, weights, weights,
        ]
    }

    #[inline(always)]
    unsafe fn expand<S: Dots>(s: S, unit: *const u8, to: *mut u8) {
        let layout = const { F::LAYOUT };
        for chunk in 0..8 {
            let from = unit.wrapping_add(layout.codes_at() + chunk * layout.chunk_bytes());
            let step = to.wrapping_add(chunk / 2 * const { parts(&F::LAYOUT) } * TILE);
            for_quads!(|Q| {
                let group = (chunk * 32 + Q * 4) / const { F::LAYOUT.group() };
                let to = step.wrapping_add((chunk % 2 * 8 + Q) * LINE);
                // SAFETY: the unit has eight chunks and these groups; the caller's room.
                unsafe {
                    let factor = factors(s, &layout, strip(unit), group, false);
                    let products = Products::new(s, &layout, codes(s, &layout, from, 0, Q), factor);
                    if const { parts(&F::LAYOUT) } == 1 {
                        store(s, to, products.low::<S, 8>(s));
                    } else {
                        store(s, to, products.high(s));
                        store(s, to.wrapping_add(TILE), products.low::<S, 6>(s));
                    }
                }
            });
        }
    }

    #[inline(always)]
    unsafe fn multiply<S: Dots, T: Tiles>(s: S, tiles: &mut T, task: &Task<'_>) {
        // SAFETY: the caller's promise.
        unsafe {
            match task.rows.len() {
                ..=ROWS => blocks::<S, F, T, 1>(s, tiles, task),
                _ => blocks::<S, F, T, 2>(s, tiles, task),
            }
        }
    }
}

fn strip(panel: *const u8) -> Strip {
    Strip { panel, lane: 0 }
}

/// # Safety
/// 64 writable bytes.
#[inline(always)]
unsafe fn store<S: Dots>(s: S, to: *mut u8, value: S::I) {
    // SAFETY: the caller's promise.
    unsafe { s.store(to.cast(), s.cast_f(value)) }
}

/// Factors times codes in 16 bits, of which the highest means nothing: the four of a quad in pairs.
struct Products<I> {
    even: I,
    odd: I,
}

impl<I> Products<I> {
    #[inline(always)]
    fn new<S: Dots<I = I>>(s: S, layout: &Layout, codes: I, factor: I) -> Self
    where
        I: Copy,
    {
        let factor = s.or(s.and(factor, s.splat_i(0xffff)), s.shl(factor, 16));
        // The highest bit keeps the subtraction from borrowing of the neighbour.
        let bias = match layout.offset {
            Some(offset) => (0x8000 - (1 << offset)) * 0x0001_0001u32,
            None => 0,
        };
        let times = |code: I| s.mul16(s.add_i(code, s.splat_i(bias as i32)), factor);
        Self {
            even: times(s.and(codes, s.splat_i(0x00ff_00ff))),
            odd: times(s.shr16(codes, 8)),
        }
    }

    /// The lowest `BITS` bits of each.
    #[inline(always)]
    fn low<S: Dots<I = I>, const BITS: u32>(&self, s: S) -> I
    where
        I: Copy,
    {
        let mask = s.splat_i(0x0001_0001 * ((1 << BITS) - 1));
        s.or(s.and(self.even, mask), s.shl16(s.and(self.odd, mask), 8))
    }

    /// The eight bits above the lowest six.
    #[inline(always)]
    fn high<S: Dots<I = I>>(&self, s: S) -> I
    where
        I: Copy,
    {
        let even = s.and(s.shr16(self.even, 6), s.splat_i(0x00ff_00ff));
        let odd = s.and(s.shl16(self.odd, 2), s.splat_i(0xff00_ff00u32 as i32));
        s.or(even, odd)
    }
}

/// `B` blocks of rows. The `f32` work on a unit runs while the next one is in the tiles.
///
/// # Safety
/// As [`TileKernel::multiply`].
#[inline(always)]
unsafe fn blocks<S: Dots, F: Format, T: Tiles, const B: usize>(
    s: S,
    tiles: &mut T,
    task: &Task<'_>,
) {
    let count = task.units.len();
    for i in 0..=count {
        let room = |i: usize| task.products.wrapping_add(i % 2 * 4 * TILE);
        // SAFETY: the caller's promise; there is such a unit.
        unsafe {
            if i < count {
                products::<F, T, B>(tiles, task, i, room(i));
            }
            if i > 0 {
                finish::<S, F>(s, task, i - 1, room(i - 1));
            }
        }
    }
}

/// Products of unit `i` of the task: for each block a tile of the high and one of the low parts.
///
/// # Safety
/// As [`TileKernel::multiply`]; room for four tiles.
#[inline(always)]
unsafe fn products<F: Format, T: Tiles, const B: usize>(
    tiles: &mut T,
    task: &Task<'_>,
    i: usize,
    to: *mut u8,
) {
    let two = const { parts(&F::LAYOUT) == 2 };
    let bytes = const { parts(&F::LAYOUT) * TILE };
    let weights = task.expanded.wrapping_add(i * STEPS * bytes);
    let stride = task.x.code_stride();
    let x = |block: usize| task.codes(block, task.units.start + i, 256);
    // SAFETY: the caller's promise.
    unsafe {
        zero::<T, B>(tiles, two);
        for step in 0..STEPS {
            let w = weights.wrapping_add(step * bytes);
            tiles.load::<4>(x(0).wrapping_add(step * LINE), stride);
            tiles.load::<6>(w, LINE);
            tiles.dot::<0, 4, 6>();
            if two {
                tiles.load::<7>(w.wrapping_add(TILE), LINE);
                tiles.dot::<1, 4, 7>();
            }
            if B == 2 {
                tiles.load::<5>(x(1).wrapping_add(step * LINE), stride);
                tiles.dot::<2, 5, 6>();
                if two {
                    tiles.dot::<3, 5, 7>();
                }
            }
        }
        tiles.store::<0>(to, LINE);
        if two {
            tiles.store::<1>(to.wrapping_add(TILE), LINE);
        }
        if B == 2 {
            tiles.store::<2>(to.wrapping_add(2 * TILE), LINE);
            if two {
                tiles.store::<3>(to.wrapping_add(3 * TILE), LINE);
            }
        }
    }
}

/// # Safety
/// The registers of `B` blocks have their shapes.
#[inline(always)]
unsafe fn zero<T: Tiles, const B: usize>(tiles: &mut T, two: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        tiles.zero::<0>();
        if two {
            tiles.zero::<1>();
        }
        if B == 2 {
            tiles.zero::<2>();
            if two {
                tiles.zero::<3>();
            }
        }
    }
}

/// The scales, minimums and sums of a unit: `acc = fma(sum · scale of x, scale of w, acc)`, then
/// `acc = fnma(sum of factors · sums of x · scale of x, minimum of w, acc)`.
///
/// # Safety
/// As [`products`], whose tiles are at `from`.
#[inline(always)]
unsafe fn finish<S: Dots, F: Format>(s: S, task: &Task<'_>, i: usize, from: *const u8) {
    let layout = const { F::LAYOUT };
    let pairs = 128 / layout.group();
    let unit = task.unit.wrapping_add(i * layout.unit_bytes());
    let at = task.units.start + i;
    // SAFETY: the unit's scales, minimums and factors; the rows' scales and sums; the scratch.
    unsafe {
        let scale = s.load_f16(unit.cast());
        let mut min = scale;
        let mut mins = [s.splat_i(0); 8];
        if layout.min {
            min = s.load_f16(unit.add(layout.min_at()).cast());
            for (pair, mins) in mins.iter_mut().enumerate().take(pairs) {
                let even = factors(s, &layout, strip(unit), 2 * pair, true);
                let odd = factors(s, &layout, strip(unit), 2 * pair + 1, true);
                *mins = s.or(s.and(even, s.splat_i(0xffff)), s.shl(odd, 16));
            }
        }
        for first in (0..task.rows.len()).step_by(GROUP) {
            let rows = task.x.group((task.rows.start + first) / GROUP);
            let of_x = if layout.group() == 16 {
                rows.sums
            } else {
                rows.sums32
            };
            for t in 0..GROUP.min(task.rows.len() - first) {
                let sum = exact::<S, F>(s, from, first + t);
                let scale_of_x = s.splat(*rows.scales.add(at * rows.stride + t));
                let acc = task.sums.add((first + t) * PANEL);
                let mut value = s.fma(s.mul(s.to_f(sum), scale_of_x), scale, s.load(acc));
                if layout.min {
                    let mut sum = s.splat_i(0);
                    for (pair, mins) in mins.into_iter().enumerate().take(pairs) {
                        let of_x = *of_x.add((at * pairs + pair) * rows.stride + t);
                        sum = s.dot16(sum, mins, s.splat_i(of_x));
                    }
                    value = s.fnma(s.mul(s.to_f(sum), scale_of_x), min, value);
                }
                s.store(acc, value);
            }
        }
    }
}

/// The integers of row `row`.
///
/// # Safety
/// As [`finish`].
#[inline(always)]
unsafe fn exact<S: Dots, F: Format>(s: S, from: *const u8, row: usize) -> S::I {
    let block = from.wrapping_add(row / ROWS * 2 * TILE + row % ROWS * LINE);
    // SAFETY: the row's lines of its block's tiles.
    unsafe {
        let first = s.load_i(block);
        if const { parts(&F::LAYOUT) } == 1 {
            return first;
        }
        s.add_i(s.shl(first, 6), s.load_i(block.add(TILE)))
    }
}
