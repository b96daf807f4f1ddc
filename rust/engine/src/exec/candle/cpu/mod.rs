//! What candle does too slowly on a CPU, or not in the same bits for every batch.
//!
//! **Batch invariance** is decided here and in no other place. Every number is a chain of fused
//! multiply-adds over the inner dimension in ascending order ([`tile`]); rows are only laid side by
//! side. So the bits of a row depend neither on the other rows of the batch nor on how a prompt is
//! cut, and not on the width of the registers. candle's own matrix product chooses another order of
//! summation for one row than for several.

mod attention;
mod elementwise;
mod exp;
mod panels;
mod rotate;
mod tile;

pub use attention::{Paged, Store};
pub use elementwise::{Pairwise, Pointwise};
pub use panels::{Panels, Product};
pub use rotate::Rotate;

use candle_core::{CpuStorage, Layout, Result, bail};

/// The values of a contiguous `f32` tensor.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(all) = storage else {
        bail!("f32 expected");
    };
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("a contiguous tensor expected");
    };
    match all.get(start..end) {
        Some(values) => Ok(values),
        None => bail!("a layout beyond its storage"),
    }
}
