//! Walking over panels, inputs and rows so that what is used again stays in the caches.

use std::ops::Range;

use super::tiles::{ROWS, Shapes, Tiles};
use crate::act::ActsView;
use crate::buffer::Aligned;
use crate::matmul::tile::Job;
use crate::pack::PANEL;
use crate::simd::Dots;

/// A kernel of one type of weights, whose units are the GGUF blocks of 16 rows.
pub(super) trait TileKernel {
    /// Weights of a unit's row.
    const INPUTS: usize;
    /// Bytes of a packed unit.
    const UNIT: usize;
    /// Bytes of a unit as [`TileKernel::expand`] leaves it.
    const EXPANDED: usize;
    /// Blocks of 16 rows of activations at once.
    const BLOCKS: usize;

    /// The registers for `rows` rows of activations, up to 16 for each block.
    fn shapes(rows: usize) -> Shapes;

    /// Makes tiles of a unit.
    ///
    /// # Safety
    /// `unit` is a unit of the type; `to` has [`TileKernel::EXPANDED`] bytes.
    unsafe fn expand<S: Dots>(s: S, unit: *const u8, to: *mut u8);

    /// Adds the products of a task to its sums.
    ///
    /// # Safety
    /// The task's pointers are what it says; the registers have the shapes for its rows.
    unsafe fn multiply<S: Dots, T: Tiles>(s: S, tiles: &mut T, task: &Task<'_>);
}

/// Some units of one panel with up to [`TileKernel::BLOCKS`] blocks of rows.
pub(super) struct Task<'a> {
    pub x: &'a ActsView<'a>,
    pub rows: Range<usize>,
    /// Of the panel.
    pub units: Range<usize>,
    /// The first unit as it is packed.
    pub unit: *const u8,
    /// The units, expanded.
    pub expanded: *const u8,
    /// Room for eight tiles.
    pub products: *mut u8,
    /// `[rows, 16]`.
    pub sums: *mut f32,
}

impl Task<'_> {
    /// Activations of the first row of block `block`, from unit `unit` on; the next row is
    /// [`ActsView::code_stride`] away.
    #[inline(always)]
    pub(super) fn codes(&self, block: usize, unit: usize, inputs: usize) -> *const u8 {
        let codes = self.x.codes(self.rows.start + block * ROWS);
        codes.wrapping_add(unit * inputs).cast_const()
    }
}

/// Inputs that are expanded at once: 32 rows of activations stay in the first-level cache.
const INPUTS: usize = 1024;

/// Panels that are expanded at once: with the activations they stay in the second-level cache.
const PANELS: usize = 16;

/// Bytes of the tiles of one input of a panel, at most: two parts.
const BYTES: usize = 2 * PANEL;

/// Memory of one thread.
#[derive(Debug)]
pub(super) struct Scratch {
    expanded: Aligned<u8>,
    products: Aligned<u8>,
    sums: Aligned<f32>,
}

impl Scratch {
    pub(super) fn new() -> Self {
        Self {
            expanded: Aligned::zeroed(PANELS * INPUTS * BYTES),
            products: Aligned::zeroed(8 * super::tiles::TILE),
            sums: Aligned::zeroed(2 * ROWS * PANEL),
        }
    }
}

/// The registers lose their shapes however a walk ends.
struct Configured<'a, T: Tiles> {
    tiles: &'a mut T,
    rows: usize,
}

impl<T: Tiles> Drop for Configured<'_, T> {
    fn drop(&mut self) {
        // SAFETY: who has tiles may release them.
        unsafe { self.tiles.release() }
    }
}

/// # Safety
/// The job's shapes fit together, its activations have codes by row; the columns are this thread's.
#[inline(always)]
pub(super) unsafe fn walk<S: Dots, K: TileKernel, T: Tiles>(
    s: S,
    tiles: &mut T,
    job: &Job<'_>,
    scratch: &mut Scratch,
) {
    const {
        assert!(S::LANES == PANEL && K::EXPANDED <= K::INPUTS * BYTES && K::BLOCKS <= 2);
    }
    let mut configured = Configured { tiles, rows: 0 };
    let (all_units, at_once) = (job.weights.inputs() / K::INPUTS, INPUTS / K::INPUTS);
    for first in job.panels.clone().step_by(PANELS) {
        let panels = first..job.panels.end.min(first + PANELS);
        for unit in (0..all_units).step_by(at_once) {
            let units = unit..all_units.min(unit + at_once);
            // SAFETY: the caller's promise; the scratch has room for so many panels and units.
            unsafe {
                expand::<S, K>(s, job, panels.clone(), units.clone(), scratch);
                multiply::<S, K, T>(s, &mut configured, job, panels.clone(), units, scratch);
            }
        }
    }
}

/// # Safety
/// As [`walk`]; at most [`PANELS`] panels and units of [`INPUTS`] inputs.
#[inline(always)]
unsafe fn expand<S: Dots, K: TileKernel>(
    s: S,
    job: &Job<'_>,
    panels: Range<usize>,
    units: Range<usize>,
    scratch: &mut Scratch,
) {
    let mut to = scratch.expanded.as_mut_ptr();
    for panel in panels {
        let mut unit = packed::<K>(job, panel, units.start);
        for _ in units.clone() {
            // SAFETY: a unit of the panel; the scratch has room.
            unsafe { K::expand(s, unit, to) };
            unit = unit.wrapping_add(K::UNIT);
            to = to.wrapping_add(K::EXPANDED);
        }
    }
}

/// # Safety
/// As [`walk`]; the scratch has these panels and units.
#[inline(always)]
unsafe fn multiply<S: Dots, K: TileKernel, T: Tiles>(
    s: S,
    configured: &mut Configured<'_, T>,
    job: &Job<'_>,
    panels: Range<usize>,
    units: Range<usize>,
    scratch: &mut Scratch,
) {
    let (all_rows, at_once) = (job.x.rows(), ROWS * K::BLOCKS);
    for row in (0..all_rows).step_by(at_once) {
        let rows = row..all_rows.min(row + at_once);
        if configured.rows != rows.len() {
            configured.rows = rows.len();
            // SAFETY: the kernel's shapes are a processor's.
            unsafe { configured.tiles.configure(&K::shapes(rows.len())) };
        }
        for (i, panel) in panels.clone().enumerate() {
            let task = Task {
                x: job.x,
                rows: rows.clone(),
                units: units.clone(),
                unit: packed::<K>(job, panel, units.start),
                expanded: scratch
                    .expanded
                    .as_ptr()
                    .wrapping_add(i * units.len() * K::EXPANDED),
                products: scratch.products.as_mut_ptr(),
                sums: scratch.sums.as_mut_ptr(),
            };
            // SAFETY: the caller's promise; the registers were just given their shapes.
            unsafe {
                take_up(s, job, panel, &task);
                K::multiply(s, configured.tiles, &task);
                put_down(s, job, panel, &task);
            }
        }
    }
}

/// Unit `unit` of a panel.
fn packed<K: TileKernel>(job: &Job<'_>, panel: usize, unit: usize) -> *const u8 {
    let at = panel * job.weights.panel_bytes() + unit * K::UNIT;
    job.weights.as_ptr().wrapping_add(at)
}

/// The place of a task's row in the output, and how many columns it has there.
#[inline(always)]
fn place(job: &Job<'_>, panel: usize, row: usize) -> (*mut f32, usize) {
    let (outputs, output) = (job.weights.outputs(), panel * PANEL);
    let at = job.out.as_mut_ptr().wrapping_add(row * outputs + output);
    (at, PANEL.min(outputs - output))
}

/// Begins with zeros, or with what earlier inputs left in the output.
///
/// # Safety
/// As [`walk`].
#[inline(always)]
unsafe fn take_up<S: Dots>(s: S, job: &Job<'_>, panel: usize, task: &Task<'_>) {
    for (i, row) in task.rows.clone().enumerate() {
        // SAFETY: columns of this thread; the scratch has room for each row.
        unsafe {
            let sum = match place(job, panel, row) {
                _ if task.units.start == 0 => s.splat(0.0),
                (at, PANEL) => s.load(at),
                (at, columns) => s.load_part(at, columns),
            };
            s.store(task.sums.add(i * PANEL), sum);
        }
    }
}

/// # Safety
/// As [`walk`].
#[inline(always)]
unsafe fn put_down<S: Dots>(s: S, job: &Job<'_>, panel: usize, task: &Task<'_>) {
    for (i, row) in task.rows.clone().enumerate() {
        // SAFETY: columns of this thread.
        unsafe {
            let sum = s.load(task.sums.add(i * PANEL));
            match place(job, panel, row) {
                (at, PANEL) => s.store(at, sum),
                (at, columns) => s.store_part(at, sum, columns),
            }
        }
    }
}
