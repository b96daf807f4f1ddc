//! A part of a file's tensor, straight out of the memory map.

use ollamars_gguf::{Gguf, TensorInfo};
use ollamars_quants::BlockType;

use crate::spec::Part;
use crate::{Error, Result};

/// The bytes of a part.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    name: &'a str,
    ty: BlockType,
    bytes: &'a [u8],
    row_bytes: usize,
    columns: usize,
}

impl<'a> Source<'a> {
    /// Finds a part.
    ///
    /// # Errors
    /// [`Error::Tensor`]: there is no such tensor, its type is unknown, or the part is not made of
    /// whole blocks; [`Error::Gguf`]: the file has no such bytes.
    pub fn new(part: &'a Part, gguf: &'a Gguf) -> Result<Self> {
        let name = part.tensor.as_str();
        let info = gguf.tensor(name).ok_or_else(|| wrong(name, "missing"))?;
        let ty = block_type(info)?;
        let columns = part.columns();
        if !columns.is_multiple_of(ty.weights()) {
            return Err(wrong(
                name,
                format!("rows of {columns} weights are no whole {ty} blocks"),
            ));
        }
        let row_bytes = columns / ty.weights() * ty.bytes();
        let rows = part.shape.iter().product::<usize>() / columns;
        // A part of a vector starts inside of its only row, any other one with a whole row.
        let skipped = match part.shape.as_slice() {
            &[_] => part.start,
            shape => part.start * shape.iter().skip(1).product::<usize>(),
        };
        if !skipped.is_multiple_of(ty.weights()) {
            return Err(wrong(
                name,
                format!("weight {skipped} is inside of a {ty} block"),
            ));
        }
        let begin = skipped / ty.weights() * ty.bytes();
        let bytes = gguf.tensor_data(info)?.get(begin..begin + rows * row_bytes);
        Ok(Self {
            name,
            ty,
            bytes: bytes.ok_or_else(|| wrong(name, "is too short"))?,
            row_bytes,
            columns,
        })
    }

    /// The tensor's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The type of the weights.
    pub fn ty(&self) -> BlockType {
        self.ty
    }

    /// Row after row.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.bytes.len() / self.row_bytes
    }

    /// Weights of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Some of the rows.
    ///
    /// # Errors
    /// [`Error::Tensor`]: there are not so many.
    pub fn part(&self, first: usize, rows: usize) -> Result<Self> {
        let end = first.saturating_add(rows).saturating_mul(self.row_bytes);
        let bytes = self.bytes.get(first.saturating_mul(self.row_bytes)..end);
        Ok(Self {
            bytes: bytes.ok_or_else(|| wrong(self.name, "is too short"))?,
            ..*self
        })
    }

    /// Expands one row.
    ///
    /// # Errors
    /// [`Error::Tensor`]: there is no such row, or `out` has another length.
    pub fn row(&self, row: usize, out: &mut [f32]) -> Result<()> {
        let bytes = self.part(row, 1)?.bytes;
        let expanded = self.ty.dequantize(bytes, out);
        expanded.map_err(|error| wrong(self.name, error.to_string()))
    }
}

fn block_type(info: &TensorInfo) -> Result<BlockType> {
    let ty = BlockType::from_id(info.ty().id());
    ty.ok_or_else(|| wrong(info.name(), format!("{} is not supported", info.ty())))
}

fn wrong(name: &str, why: impl Into<String>) -> Error {
    Error::Tensor {
        name: name.to_string(),
        why: why.into(),
    }
}
