//! Walking over panels and rows in tiles that fit the registers.

use std::ops::Range;

use crate::act::{ActsView, Rows};
use crate::isa::dot_levels;
use crate::pack::{PANEL, Packed};
use crate::shared::Shared;
use crate::simd::Dots;

/// One call's work; shapes were checked.
pub(super) struct Job<'a> {
    pub weights: &'a Packed,
    pub x: &'a ActsView<'a>,
    pub out: Shared<'a, f32>,
    pub panels: Range<usize>,
}

/// As many rows of a panel as a register has lanes: all, or a half.
#[derive(Clone, Copy)]
pub(super) struct Strip {
    pub panel: *const u8,
    /// First lane's row in the panel.
    pub lane: usize,
}

/// A kernel of one type of weights.
pub(super) trait Tile {
    /// How many neighbouring strips are multiplied with `rows` rows at once, in registers of
    /// `lanes` lanes.
    fn strips(lanes: usize, rows: usize) -> usize;

    /// The products of `H` strips with `M` rows.
    ///
    /// # Safety
    /// The strips are of panels with `inputs` weights a row, the rows have as many values.
    unsafe fn tile<S: Dots, const M: usize, const H: usize>(
        s: S,
        strips: [Strip; H],
        inputs: usize,
        rows: Rows,
    ) -> [[S::F; M]; H];
}

/// Bytes of panels that stay in the second-level cache while all rows pass.
const CACHED: usize = 192 << 10;

dot_levels! {
    /// Runs a job.
    pub(super) fn run<T: Tile>[s](job: &Job<'_>) = {
        // SAFETY: the job's shapes were checked; the caller of `matmul_panels` keeps threads apart.
        unsafe { panels::<_, T>(s, job) }
    }
}

/// # Safety
/// The job's shapes fit together; the columns are this thread's.
#[inline(always)]
pub(super) unsafe fn panels<S: Dots, T: Tile>(s: S, job: &Job<'_>) {
    let at_once = (CACHED / job.weights.panel_bytes().max(1)).clamp(1, 64);
    let strips = |panel: usize| panel * PANEL / S::LANES;
    for first in job.panels.clone().step_by(at_once) {
        let last = job.panels.end.min(first + at_once);
        for group in 0..job.x.groups() {
            let rows = job.x.group_rows(group);
            let mut row = rows.start;
            while row < rows.end {
                let m = S::ROWS.min(rows.end - row);
                let from = job.x.group(group).skip(row - rows.start);
                let range = strips(first)..strips(last);
                // SAFETY: the caller's promise.
                unsafe { rows_of_strips::<S, T>(s, job, range, row, m, from) };
                row += m;
            }
        }
    }
}

/// # Safety
/// As [`panels`]; `m <= S::ROWS` rows from `row` on.
#[inline(always)]
unsafe fn rows_of_strips<S: Dots, T: Tile>(
    s: S,
    job: &Job<'_>,
    strips: Range<usize>,
    row: usize,
    m: usize,
    from: Rows,
) {
    macro_rules! sizes {
        ($($m:literal)*) => {
            match m {
                // SAFETY: the caller's promise.
                $($m if $m <= S::ROWS => unsafe {
                    strips_at_once::<S, T, $m>(s, job, strips, row, from)
                },)*
                _ => {}
            }
        };
    }
    sizes!(1 2 3 4 5 6 7 8);
}

/// # Safety
/// As [`rows_of_strips`].
#[inline(always)]
unsafe fn strips_at_once<S: Dots, T: Tile, const M: usize>(
    s: S,
    job: &Job<'_>,
    mut strips: Range<usize>,
    row: usize,
    from: Rows,
) {
    macro_rules! sizes {
        ($($h:literal)*) => {
            $(if T::strips(S::LANES, M) >= $h {
                while strips.len() >= $h {
                    // SAFETY: the caller's promise; the strips exist.
                    unsafe { tile::<S, T, M, $h>(s, job, strips.start, row, from) };
                    strips.start += $h;
                }
            })*
        };
    }
    sizes!(4 2 1);
}

/// # Safety
/// As [`rows_of_strips`]; `H` strips from `strip` on.
#[inline(always)]
unsafe fn tile<S: Dots, T: Tile, const M: usize, const H: usize>(
    s: S,
    job: &Job<'_>,
    strip: usize,
    row: usize,
    from: Rows,
) {
    let (outputs, inputs) = (job.weights.outputs(), job.weights.inputs());
    let strips = std::array::from_fn(|h| {
        let output = (strip + h) * S::LANES;
        let offset = output / PANEL * job.weights.panel_bytes();
        Strip {
            panel: job.weights.as_ptr().wrapping_add(offset),
            lane: output % PANEL,
        }
    });
    // SAFETY: the caller's promise.
    let products = unsafe { T::tile::<S, M, H>(s, strips, inputs, from) };
    for (h, products) in products.into_iter().enumerate() {
        let output = (strip + h) * S::LANES;
        for (t, product) in products.into_iter().enumerate() {
            let to = job
                .out
                .as_mut_ptr()
                .wrapping_add((row + t) * outputs + output);
            match outputs.saturating_sub(output) {
                // SAFETY: so many outputs are left in the row.
                rest if rest < S::LANES => unsafe { s.store_part(to, product, rest) },
                // SAFETY: a whole vector is.
                _ => unsafe { s.store(to, product) },
            }
        }
    }
}
