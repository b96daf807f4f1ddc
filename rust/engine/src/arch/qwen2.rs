//! Qwen 2 and 2.5.

use super::attention::key_dim;
use super::llama;
use super::reader::Reader;
use super::rope::RopeKeys;
use super::shared::{Sizes, model};
use crate::Result;
use crate::spec::{ModelSpec, RopeStyle};

/// Llama with pairs across the halves of a head, and with biases of queries, keys and values.
pub fn read(r: &Reader<'_>) -> Result<ModelSpec> {
    let sizes = Sizes::read(r, None)?;
    let rope = RopeKeys::new(RopeStyle::Neox, key_dim(r, &sizes, 0)?).read(r)?;
    model(r, &sizes, vec![rope], |layer| {
        llama::layer(r, &sizes, layer)
    })
}
