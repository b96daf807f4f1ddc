//! From a part of a file's tensor to `f32`, row by row, straight out of the memory map.

use ollamars_gguf::{Gguf, TensorInfo};
use ollamars_quants::BlockType;
use rayon::prelude::*;

use super::failed_text;
use crate::spec::Part;
use crate::{Error, Result};

/// The bytes of a part.
#[derive(Debug)]
pub struct Source<'a> {
    name: &'a str,
    ty: BlockType,
    rows: &'a [u8],
    row_bytes: usize,
    columns: usize,
}

impl<'a> Source<'a> {
    /// Finds a part.
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
        let rows = gguf.tensor_data(info)?.get(begin..begin + rows * row_bytes);
        Ok(Self {
            name,
            ty,
            rows: rows.ok_or_else(|| wrong(name, "is too short"))?,
            row_bytes,
            columns,
        })
    }

    /// Expands one row.
    pub fn row(&self, row: usize, out: &mut [f32]) -> Result<()> {
        let bytes = self
            .rows
            .get(row * self.row_bytes..(row + 1) * self.row_bytes);
        let bytes = bytes.ok_or_else(|| wrong(self.name, "is too short"))?;
        let expanded = self.ty.dequantize(bytes, out);
        expanded.map_err(|error| wrong(self.name, error.to_string()))
    }

    /// Expands all rows.
    pub fn values(&self) -> Result<Vec<f32>> {
        let size = self.rows.len() / self.row_bytes * self.columns;
        if Vec::<f32>::new().try_reserve_exact(size).is_err() {
            return Err(no_memory(size));
        }
        let mut values = vec![0.0; size];
        let rows = values.par_chunks_mut(self.columns).enumerate();
        rows.try_for_each(|(row, out)| self.row(row, out))?;
        Ok(values)
    }
}

/// There is no memory for `size` numbers.
pub fn no_memory(size: usize) -> Error {
    failed_text(format!("no memory for {size} weights"))
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
