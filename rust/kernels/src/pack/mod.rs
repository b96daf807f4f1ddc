//! Weights as the kernels read them: one copy, as large as in the file.

mod layout;
mod panel;
mod split256;
mod split32;

use std::fmt;

use ollamars_quants::BlockType;

pub use layout::PANEL;
use layout::packing;
pub(crate) use layout::{
    Factors, Format, IQ4_NL, IQ4_XS, Layout, MXFP4, Q2_K, Q3_K, Q4_0, Q4_1, Q4_K, Q5_0, Q5_1, Q5_K,
    Q6_K, Q8_0, Scale,
};

use crate::act::ActKind;
use crate::buffer::Aligned;
use crate::{Error, Level};

/// A matrix of `outputs` x `inputs` weights in panels of 16 rows; the last one is filled up with
/// zeros.
///
/// The bytes are those of the GGUF blocks in another order, from 1.00 (most types) to 1.04 (Q3_K)
/// times as many.
pub struct Packed {
    level: Level,
    ty: BlockType,
    outputs: usize,
    inputs: usize,
    panel_bytes: usize,
    panels: Aligned<u8>,
}

/// Some panels of a matrix, to be filled by one thread.
pub struct Part<'a> {
    ty: BlockType,
    outputs: usize,
    inputs: usize,
    panel_bytes: usize,
    first: usize,
    panels: &'a mut [u8],
}

/// Types whose weights are numbers of their own.
fn is_plain(ty: BlockType) -> bool {
    matches!(ty, BlockType::F32 | BlockType::F16 | BlockType::BF16)
}

/// Bytes of a panel of `inputs` weights a row.
fn panel_bytes(ty: BlockType, inputs: usize) -> Result<usize, Error> {
    let unit = match packing(ty) {
        Some(packing) => packing.unit_bytes,
        None if is_plain(ty) => PANEL * ty.bytes(),
        None => return Err(Error::UnsupportedType(ty)),
    };
    let inputs = if ty == BlockType::BF16 {
        inputs.next_multiple_of(2)
    } else {
        inputs
    };
    let block = ty.weights();
    if !inputs.is_multiple_of(block) {
        return Err(Error::PartialBlock { ty, inputs, block });
    }
    (inputs / block).checked_mul(unit).ok_or(Error::TooLarge {
        outputs: PANEL,
        inputs,
    })
}

/// Whether a matrix has `got` bytes in the file.
fn check_size(ty: BlockType, outputs: usize, inputs: usize, got: usize) -> Result<(), Error> {
    let row_bytes = (inputs / ty.weights()).checked_mul(ty.bytes());
    let expected = row_bytes.and_then(|row| row.checked_mul(outputs));
    let expected = expected.ok_or(Error::TooLarge { outputs, inputs })?;
    if got == expected {
        return Ok(());
    }
    Err(Error::Size {
        ty,
        outputs,
        inputs,
        expected,
        got,
    })
}

impl Packed {
    /// Packs a matrix whose rows are GGUF blocks, one row after the other, for the kernels of
    /// `level`.
    ///
    /// # Errors
    /// As [`Packed::zeroed`]; [`Error::Size`] if `bytes` are not those of such a matrix.
    pub fn new(
        level: Level,
        ty: BlockType,
        bytes: &[u8],
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, Error> {
        panel_bytes(ty, inputs)?;
        // Before memory of a size that only a damaged file asks for.
        check_size(ty, outputs, inputs, bytes.len())?;
        let mut packed = Self::zeroed(level, ty, outputs, inputs)?;
        for mut part in packed.parts(1) {
            part.fill(bytes)?;
        }
        Ok(packed)
    }

    /// A matrix of zeros, to be filled in parts ([`Packed::parts`]).
    ///
    /// # Errors
    /// [`Error::UnsupportedType`], [`Error::PartialBlock`], [`Error::TooLarge`].
    pub fn zeroed(
        level: Level,
        ty: BlockType,
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, Error> {
        let panel_bytes = panel_bytes(ty, inputs)?;
        let bytes = outputs.div_ceil(PANEL).checked_mul(panel_bytes);
        let bytes = bytes.filter(|&bytes| bytes < isize::MAX as usize - 4096);
        let bytes = bytes.ok_or(Error::TooLarge { outputs, inputs })?;
        Ok(Self {
            level,
            ty,
            outputs,
            inputs,
            panel_bytes,
            panels: Aligned::zeroed(bytes),
        })
    }

    /// Up to `count` parts that together are the matrix, to be filled in any order by any threads.
    pub fn parts(&mut self, count: usize) -> Vec<Part<'_>> {
        let per_part = self.panels().div_ceil(count.max(1)).max(1);
        let bytes = (per_part * self.panel_bytes).max(1);
        let shape = (self.ty, self.outputs, self.inputs, self.panel_bytes);
        let (ty, outputs, inputs, panel_bytes) = shape;
        let parts = self.panels.chunks_mut(bytes).enumerate();
        let part = |(i, panels)| Part {
            ty,
            outputs,
            inputs,
            panel_bytes,
            first: i * per_part,
            panels,
        };
        parts.map(part).collect()
    }

    /// Writes the weights of row `row` to `out`, as [`BlockType::dequantize`] gives them; numbers of
    /// type BF16 below 2^-52 are zero.
    ///
    /// # Panics
    /// If there is no such row, or `out` is not `inputs` long.
    pub fn dequantize_row(&self, row: usize, out: &mut [f32]) {
        assert!(
            row < self.outputs && out.len() == self.inputs,
            "row {row} of {self:?} to {} values",
            out.len()
        );
        let panel = &self.panels[row / PANEL * self.panel_bytes..][..self.panel_bytes];
        if self.ty == BlockType::BF16 {
            return panel::unpack_pairs(panel, row % PANEL, out);
        }
        let mut block = [0; 256];
        let block = &mut block[..self.ty.bytes()];
        let units = panel.chunks_exact(self.unit_bytes());
        for (unit, out) in units.zip(out.chunks_exact_mut(self.ty.weights())) {
            match packing(self.ty) {
                Some(packing) => (packing.unpack)(unit, row % PANEL, block),
                None => block.copy_from_slice(&unit[row % PANEL * block.len()..][..block.len()]),
            }
            let expanded = self.ty.dequantize(block, out);
            debug_assert!(expanded.is_ok(), "one block");
        }
    }

    /// The level whose kernels multiply it.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The type of the weights.
    pub fn ty(&self) -> BlockType {
        self.ty
    }

    /// Rows.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Weights of a row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Panels: the units in which a product is divided among threads.
    pub fn panels(&self) -> usize {
        self.outputs.div_ceil(PANEL)
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.panels.len()
    }

    /// What a product with it needs of the activations.
    pub fn act_kind(&self) -> ActKind {
        ActKind::of(self.ty)
    }

    pub(crate) fn panel_bytes(&self) -> usize {
        self.panel_bytes
    }

    pub(crate) fn as_ptr(&self) -> *const u8 {
        self.panels.as_ptr()
    }

    fn unit_bytes(&self) -> usize {
        match packing(self.ty) {
            Some(packing) => packing.unit_bytes,
            None => PANEL * self.ty.bytes(),
        }
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} x {} for {}",
            self.ty, self.outputs, self.inputs, self.level
        )
    }
}

impl Part<'_> {
    /// Packs this part's rows of `bytes`, the whole matrix in GGUF's order.
    ///
    /// # Errors
    /// [`Error::Size`] if `bytes` are not those of the matrix.
    pub fn fill(&mut self, bytes: &[u8]) -> Result<(), Error> {
        check_size(self.ty, self.outputs, self.inputs, bytes.len())?;
        let row_bytes = self.inputs / self.ty.weights() * self.ty.bytes();
        if row_bytes == 0 {
            return Ok(());
        }
        let rows = bytes
            .get(self.first * PANEL * row_bytes..)
            .unwrap_or_default();
        let panels = self.panels.chunks_exact_mut(self.panel_bytes);
        for (panel, rows) in panels.zip(rows.chunks(PANEL * row_bytes)) {
            match packing(self.ty) {
                Some(packing) => (packing.pack)(rows, row_bytes, panel),
                None if self.ty == BlockType::BF16 => panel::pack_pairs(rows, row_bytes, panel),
                None => panel::pack_plain(self.ty.bytes(), rows, row_bytes, panel),
            }
        }
        Ok(())
    }
}
