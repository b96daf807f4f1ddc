//! Activations as the kernels read them: quantized once for all products that share the input.
//!
//! Rows are interleaved in groups of up to eight, so that a kernel has one pointer: quad `q` (values
//! `4q..4q+4` of each row) lies at `q · rows + row`. The last group has as many rows as are left.
//! Where the processor has tiles, the codes of many rows are also kept row by row.

mod eight;
mod quantize;

use std::marker::PhantomData;
use std::ops::Range;
use std::ptr;

use ollamars_quants::BlockType;

use crate::Level;
use crate::buffer::Aligned;
use crate::isa;

/// Rows of a group.
pub const GROUP: usize = 8;

/// Fewest rows whose codes are also kept row by row: with fewer the tiles gain nothing.
pub(crate) const TILE_ROWS: usize = 24;

/// What a product needs of the activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActKind {
    /// Bytes with one scale for 32 values: for weights in blocks of 32.
    Bytes32,
    /// Bytes with one scale for 256 values: for weights in blocks of 256, as llama.cpp does.
    Bytes256,
    /// Rounded to `bf16`, two in a word: for weights of that type.
    Bf16,
    /// As they are: for other weights that are numbers of their own.
    Floats,
}

impl ActKind {
    /// What weights of type `ty` are multiplied with.
    pub fn of(ty: BlockType) -> Self {
        match (ty, ty.weights()) {
            (BlockType::BF16, _) => Self::Bf16,
            (_, 1) => Self::Floats,
            (_, 256) => Self::Bytes256,
            _ => Self::Bytes32,
        }
    }

    /// Values that share a scale.
    fn block(self) -> usize {
        match self {
            Self::Bytes32 => 32,
            Self::Bytes256 => 256,
            Self::Bf16 | Self::Floats => 1,
        }
    }

    /// Words of a row of `inputs` values.
    fn words(self, inputs: usize) -> usize {
        match self {
            Self::Bytes32 | Self::Bytes256 => inputs / 4,
            Self::Bf16 => inputs.div_ceil(2),
            Self::Floats => inputs,
        }
    }
}

/// Bytes of a row of codes: an odd number of cache lines, so that rows do not share sets.
fn code_stride(inputs: usize) -> usize {
    (inputs.div_ceil(64) | 1) * 64
}

/// Memory for the activations of a step, `[rows, inputs]`.
#[derive(Debug)]
pub struct Acts {
    kind: ActKind,
    inputs: usize,
    capacity: usize,
    /// Values, two values, or four bytes of codes.
    quads: Aligned<i32>,
    scales: Aligned<f32>,
    /// Bytes32: minus the sum of each 32 codes. Bytes256: the sums of each two 16 codes, halves.
    sums: Aligned<i32>,
    /// Bytes256: the sums of each two 32 codes, halves.
    sums32: Aligned<i32>,
    /// Bytes32: scale times sum.
    scaled: Aligned<f32>,
    /// Where the processor has tiles: codes row by row.
    codes: Aligned<u8>,
}

/// Activations in use by several threads.
#[derive(Clone, Copy, Debug)]
pub struct ActsView<'a> {
    pub(crate) kind: ActKind,
    pub(crate) inputs: usize,
    pub(crate) rows: usize,
    pub(crate) quads: *mut i32,
    pub(crate) scales: *mut f32,
    pub(crate) sums: *mut i32,
    pub(crate) sums32: *mut i32,
    pub(crate) scaled: *mut f32,
    /// Codes row by row, or null.
    codes: *mut u8,
    life: PhantomData<&'a mut Acts>,
}

// SAFETY: written and read by unsafe calls only, whose callers keep threads apart.
unsafe impl Send for ActsView<'_> {}
// SAFETY: as above.
unsafe impl Sync for ActsView<'_> {}

impl Acts {
    /// Memory for up to `capacity` rows of `inputs` values.
    ///
    /// # Panics
    /// If `inputs` is no whole number of the kind's blocks: the weights were checked when packed.
    pub fn new(kind: ActKind, inputs: usize, capacity: usize) -> Self {
        Self::with_codes(kind, inputs, capacity, isa::has_tiles())
    }

    /// As [`Acts::new`]; `by_row` keeps codes row by row too.
    pub(crate) fn with_codes(kind: ActKind, inputs: usize, capacity: usize, by_row: bool) -> Self {
        assert!(
            inputs.is_multiple_of(kind.block()),
            "{inputs} values in {kind:?}"
        );
        let rows = capacity.next_multiple_of(GROUP);
        let values = rows * inputs;
        let per = |kinds: &[ActKind], n: usize| if kinds.contains(&kind) { values / n } else { 0 };
        let bytes = [ActKind::Bytes32, ActKind::Bytes256];
        let by_row = by_row && bytes.contains(&kind) && capacity >= TILE_ROWS;
        let codes = if by_row {
            capacity * code_stride(inputs)
        } else {
            0
        };
        Self {
            kind,
            inputs,
            capacity,
            quads: Aligned::zeroed(rows * kind.words(inputs)),
            scales: Aligned::zeroed(per(&bytes, kind.block())),
            sums: Aligned::zeroed(per(&bytes, 32)),
            sums32: Aligned::zeroed(per(&[ActKind::Bytes256], 64)),
            scaled: Aligned::zeroed(per(&[ActKind::Bytes32], 32)),
            codes: Aligned::zeroed(codes),
        }
    }

    /// What was asked for.
    pub fn kind(&self) -> ActKind {
        self.kind
    }

    /// Values of a row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Most rows.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        let words = self.quads.len() + self.scales.len() + self.sums.len();
        4 * (words + self.sums32.len() + self.scaled.len()) + self.codes.len()
    }

    /// Room for `rows` rows, which threads fill with [`ActsView::quantize`].
    ///
    /// # Panics
    /// If there are more than [`Acts::capacity`].
    pub fn view(&mut self, rows: usize) -> ActsView<'_> {
        assert!(
            rows <= self.capacity,
            "{rows} rows, room for {}",
            self.capacity
        );
        let codes = match rows {
            TILE_ROWS.. if !self.codes.is_empty() => self.codes.as_mut_ptr(),
            _ => ptr::null_mut(),
        };
        ActsView {
            kind: self.kind,
            inputs: self.inputs,
            rows,
            quads: self.quads.as_mut_ptr(),
            scales: self.scales.as_mut_ptr(),
            sums: self.sums.as_mut_ptr(),
            sums32: self.sums32.as_mut_ptr(),
            scaled: self.scaled.as_mut_ptr(),
            codes,
            life: PhantomData,
        }
    }

    /// Takes over `x`, `[rows, inputs]`, on this thread.
    ///
    /// # Panics
    /// As [`Acts::view`]; if `x` is no whole number of rows.
    pub fn quantize(&mut self, level: Level, x: &[f32]) -> ActsView<'_> {
        let rows = x.len().checked_div(self.inputs).unwrap_or(0);
        let view = self.view(rows);
        // SAFETY: nobody else has the view.
        unsafe { view.quantize(level, x, 0..view.groups()) };
        view
    }
}

impl ActsView<'_> {
    /// Groups of rows: the units in which quantizing is divided among threads.
    pub fn groups(&self) -> usize {
        self.rows.div_ceil(GROUP)
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Takes over the rows of `x`, `[rows, inputs]`, that are in `groups`.
    ///
    /// A block with a value that is not finite makes the products of its row not a number; one
    /// whose values are all below 2^-100 counts as zero.
    ///
    /// # Panics
    /// If `x` does not have the shape, or there are no such groups.
    ///
    /// # Safety
    /// Until the next barrier no other thread reads or writes these groups.
    pub unsafe fn quantize(self, level: Level, x: &[f32], groups: Range<usize>) {
        assert_eq!(
            x.len(),
            self.rows * self.inputs,
            "{} rows of {}",
            self.rows,
            self.inputs
        );
        assert!(
            groups.end <= self.groups(),
            "{groups:?} of {}",
            self.groups()
        );
        for group in groups {
            let rows = self.group_rows(group);
            let x = &x[rows.start * self.inputs..rows.end * self.inputs];
            // SAFETY: the caller's promise.
            unsafe { self.quantize_group(level, x, group) };
        }
    }

    /// As [`ActsView::quantize`] for one group; `x` are its rows alone.
    ///
    /// # Panics
    /// If `x` does not have the shape, or there is no such group.
    ///
    /// # Safety
    /// Until the next barrier no other thread reads or writes this group.
    pub unsafe fn quantize_group(self, level: Level, x: &[f32], group: usize) {
        assert!(group < self.groups(), "group {group} of {}", self.groups());
        let rows = self.group_rows(group).len();
        assert_eq!(
            x.len(),
            rows * self.inputs,
            "{rows} rows of {}",
            self.inputs
        );
        if rows == GROUP && matches!(self.kind, ActKind::Bytes32 | ActKind::Bytes256) {
            let place = quantize::Place {
                rows: self.group(group),
                codes: match self.has_codes() {
                    true => self.codes(group * GROUP),
                    false => ptr::null_mut(),
                },
            };
            let eight = eight::Group {
                x: x.as_ptr(),
                inputs: self.inputs,
                place,
                code_stride: self.code_stride(),
            };
            // SAFETY: a whole group, and this thread's.
            return unsafe { eight::group(level, self.kind, eight) };
        }
        for (i, x) in x.chunks_exact(self.inputs.max(1)).enumerate() {
            let codes = match self.has_codes() {
                true => self.codes(group * GROUP + i),
                false => ptr::null_mut(),
            };
            // SAFETY: row `i` of the group is inside of the memory, and this thread's.
            unsafe { quantize::row(level, self.kind, x, self.group(group).skip(i), codes) };
        }
    }

    /// Another matrix of `rows` rows in the same memory, from group `first` on.
    ///
    /// # Panics
    /// If the view does not have so many rows.
    pub fn part(self, first: usize, rows: usize) -> Self {
        assert!(
            first * GROUP + rows <= self.rows,
            "{rows} from {first} of {}",
            self.rows
        );
        let Rows {
            quads,
            scales,
            sums,
            sums32,
            scaled,
            ..
        } = self.group(first);
        Self {
            rows,
            quads,
            scales,
            sums,
            sums32,
            scaled,
            codes: match self.has_codes() {
                true => self.codes(first * GROUP),
                false => ptr::null_mut(),
            },
            ..self
        }
    }

    /// Whether codes lie row by row too.
    pub(crate) fn has_codes(&self) -> bool {
        !self.codes.is_null()
    }

    /// Codes of a row, if they lie row by row too.
    #[inline(always)]
    pub(crate) fn codes(&self, row: usize) -> *mut u8 {
        self.codes.wrapping_add(row * self.code_stride())
    }

    /// Bytes from one row's codes to the next one's.
    #[inline(always)]
    pub(crate) fn code_stride(&self) -> usize {
        code_stride(self.inputs)
    }

    /// Where a group lies.
    pub(crate) fn group(&self, group: usize) -> Rows {
        let values = group * GROUP * self.inputs;
        let quads = group * GROUP * self.kind.words(self.inputs);
        // A kind that has no such memory never reads or writes it.
        Rows {
            quads: self.quads.wrapping_add(quads),
            scales: self.scales.wrapping_add(values / self.kind.block()),
            sums: self.sums.wrapping_add(values / 32),
            sums32: self.sums32.wrapping_add(values / 64),
            scaled: self.scaled.wrapping_add(values / 32),
            stride: self.group_rows(group).len(),
        }
    }

    /// The rows of a group.
    pub(crate) fn group_rows(&self, group: usize) -> Range<usize> {
        group * GROUP..self.rows.min((group + 1) * GROUP)
    }
}

/// Rows of a group from one on; the next value of the same row is `stride` away.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub quads: *mut i32,
    pub scales: *mut f32,
    pub sums: *mut i32,
    pub sums32: *mut i32,
    pub scaled: *mut f32,
    pub stride: usize,
}

impl Rows {
    /// From `n` rows later on.
    #[inline(always)]
    pub(crate) fn skip(self, n: usize) -> Self {
        Self {
            quads: self.quads.wrapping_add(n),
            scales: self.scales.wrapping_add(n),
            sums: self.sums.wrapping_add(n),
            sums32: self.sums32.wrapping_add(n),
            scaled: self.scaled.wrapping_add(n),
            stride: self.stride,
        }
    }
}
