//! Blocks of 32, each with a scale: a product of 32 inputs for each, whose integers are exact, and
//! then the `f32` steps of the other levels.

use std::marker::PhantomData;

use super::tiles::{LINE, ROWS, Shape, Shapes, TILE, Tiles};
use super::walk::{Task, TileKernel};
use crate::act::{GROUP, Rows};
use crate::matmul::codes::{codes, for_quads};
use crate::pack::{Format, PANEL, Scale};
use crate::simd::Dots;

pub(in crate::matmul) struct Tiles32<F>(PhantomData<F>);

/// Where a unit's scales and minimums follow its codes, as `f32`.
const SCALES: usize = 8 * LINE;
const MINS: usize = SCALES + LINE;

impl<F: Format> TileKernel for Tiles32<F> {
    const INPUTS: usize = 32;
    const UNIT: usize = F::LAYOUT.unit_bytes();
    const EXPANDED: usize = MINS + LINE;
    const BLOCKS: usize = 1;

    fn shapes(rows: usize) -> Shapes {
        let of = |rows: usize, bytes: usize| Shape {
            rows: rows as u8,
            bytes: bytes as u16,
        };
        let (product, x, weights) = (of(rows, LINE), of(rows, 32), of(8, LINE));
        [product, product, product, product, x, x, weights, weights]
    }

    #[inline(always)]
    unsafe fn expand<S: Dots>(s: S, unit: *const u8, to: *mut u8) {
        let layout = const { F::LAYOUT };
        let chunk = unit.wrapping_add(layout.codes_at());
        for_quads!(|Q| {
            // SAFETY: the unit's only chunk; the caller's room.
            unsafe {
                let mut codes = codes(s, &layout, chunk, 0, Q);
                if let Some(offset) = layout.offset {
                    codes = less(s, codes, 1 << offset);
                }
                s.store(to.add(Q * LINE).cast(), s.cast_f(codes));
            }
        });
        // SAFETY: the unit's scales and minimums; the caller's room.
        unsafe {
            let scale = match layout.scale {
                Scale::F16 => s.load_f16(unit.cast()),
                Scale::HalfE8m0 => s.load_half_e8m0(unit),
            };
            s.store(to.add(SCALES).cast(), scale);
            if layout.min {
                let min = s.load_f16(unit.add(layout.min_at()).cast());
                s.store(to.add(MINS).cast(), min);
            }
        }
    }

    #[inline(always)]
    unsafe fn multiply<S: Dots, T: Tiles>(s: S, tiles: &mut T, task: &Task<'_>) {
        // SAFETY: the caller's promise; a whole block has a constant number of rows.
        unsafe {
            match task.rows.len() {
                ROWS => block::<S, F, T>(s, tiles, task, ROWS),
                rows => block::<S, F, T>(s, tiles, task, rows),
            }
        }
    }
}

/// `value` less than each byte.
#[inline(always)]
fn less<S: Dots>(s: S, bytes: S::I, value: u32) -> S::I {
    let mask = s.splat_i(0x00ff_00ff);
    let minus = s.splat_i(((0x100 - value) * 0x0001_0001) as i32);
    let even = s.and(s.add_i(s.and(bytes, mask), minus), mask);
    let odd = s.shl16(s.add_i(s.shr16(bytes, 8), minus), 8);
    s.or(even, odd)
}

/// Two units at a time; the `f32` work on two runs while the next two are in the tiles.
///
/// # Safety
/// As [`TileKernel::multiply`].
#[inline(always)]
unsafe fn block<S: Dots, F: Format, T: Tiles>(s: S, tiles: &mut T, task: &Task<'_>, rows: usize) {
    let count = task.units.len();
    let mut acc = [s.splat(0.0); ROWS];
    for (t, acc) in acc.iter_mut().enumerate().take(rows) {
        // SAFETY: the scratch has a line for each row.
        *acc = unsafe { s.load(task.sums.add(t * PANEL)) };
    }
    let group = task.rows.start / GROUP;
    let of_x = [group, (group + 1).min(task.x.groups() - 1)].map(|group| task.x.group(group));
    for i in (0..count + 2).step_by(2) {
        // SAFETY: the caller's promise; there are such units.
        unsafe {
            if i < count {
                match i % 4 {
                    0 => two::<T, 0, 1>(tiles, task, i),
                    _ => two::<T, 2, 3>(tiles, task, i),
                }
            }
            for i in i.saturating_sub(2)..i.min(count) {
                finish::<S, F>(s, task, i, of_x, &mut acc, rows);
            }
        }
    }
    for (t, &acc) in acc.iter().enumerate().take(rows) {
        // SAFETY: as above.
        unsafe { s.store(task.sums.add(t * PANEL), acc) };
    }
}

/// Where the products of unit `i` of a task wait.
#[inline(always)]
fn room(task: &Task<'_>, i: usize) -> *mut u8 {
    task.products.wrapping_add(i % 4 * TILE)
}

/// Products of units `i` and `i + 1`, if there is one, in registers `C` and `D`.
///
/// # Safety
/// As [`TileKernel::multiply`].
#[inline(always)]
unsafe fn two<T: Tiles, const C: usize, const D: usize>(tiles: &mut T, task: &Task<'_>, i: usize) {
    let stride = task.x.code_stride();
    let weights = |i: usize| task.expanded.wrapping_add(i * (MINS + LINE));
    let x = |i: usize| task.codes(0, task.units.start + i, 32);
    // SAFETY: the caller's promise.
    unsafe {
        tiles.load::<4>(x(i), stride);
        tiles.load::<6>(weights(i), LINE);
        tiles.zero::<C>();
        tiles.dot::<C, 4, 6>();
        if i + 1 < task.units.len() {
            tiles.load::<5>(x(i + 1), stride);
            tiles.load::<7>(weights(i + 1), LINE);
            tiles.zero::<D>();
            tiles.dot::<D, 5, 7>();
            tiles.store::<D>(room(task, i + 1), LINE);
        }
        tiles.store::<C>(room(task, i), LINE);
    }
}

/// `acc = fma(dot · scale of x, scale of w, acc)`, then, in types with minimums,
/// `acc = fma(minimum of w, scale · sum of x, acc)`.
///
/// # Safety
/// The products of unit `i` are in their room; `of_x` are the groups of the task's rows.
#[inline(always)]
unsafe fn finish<S: Dots, F: Format>(
    s: S,
    task: &Task<'_>,
    i: usize,
    of_x: [Rows; 2],
    acc: &mut [S::F; ROWS],
    rows: usize,
) {
    let layout = const { F::LAYOUT };
    let expanded = task.expanded.wrapping_add(i * (MINS + LINE));
    let from = room(task, i);
    let at = task.units.start + i;
    // SAFETY: the caller's promise.
    unsafe {
        let scale = s.load(expanded.add(SCALES).cast());
        let mut min = scale;
        if layout.min {
            min = s.load(expanded.add(MINS).cast());
        }
        for (t, acc) in acc.iter_mut().enumerate().take(rows) {
            let of_x = of_x[t / GROUP];
            let value = at * of_x.stride + t % GROUP;
            let dot = s.to_f(s.load_i(from.add(t * LINE)));
            let product = s.mul(dot, s.splat(*of_x.scales.add(value)));
            *acc = s.fma(product, scale, *acc);
            if layout.min {
                *acc = s.fma(min, s.splat(*of_x.scaled.add(value)), *acc);
            }
        }
    }
}
