//! From a part of a file's tensor to `f32`.

use rayon::prelude::*;

use super::failed_text;
use crate::exec::source::Source;
use crate::{Error, Result};

/// Expands all rows.
pub fn values(source: &Source<'_>) -> Result<Vec<f32>> {
    let size = source.rows() * source.columns();
    if Vec::<f32>::new().try_reserve_exact(size).is_err() {
        return Err(no_memory(size));
    }
    let mut values = vec![0.0; size];
    let rows = values.par_chunks_mut(source.columns()).enumerate();
    rows.try_for_each(|(row, out)| source.row(row, out))?;
    Ok(values)
}

/// There is no memory for `size` numbers.
pub fn no_memory(size: usize) -> Error {
    failed_text(format!("no memory for {size} weights"))
}
