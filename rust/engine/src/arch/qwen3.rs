//! Qwen 3, its embedding models and its rerankers.

use super::attention::{attention_with_norms, key_dim};
use super::llama;
use super::reader::Reader;
use super::rope::RopeKeys;
use super::shared::{Sizes, model};
use crate::Result;
use crate::spec::{LayerSpec, Mixer, ModelSpec, RopeStyle};

/// As Qwen 2, with a norm of each query and key head.
pub fn read(r: &Reader<'_>) -> Result<ModelSpec> {
    let sizes = Sizes::read(r, None)?;
    let rope = RopeKeys::new(RopeStyle::Neox, key_dim(r, &sizes, 0)?).read(r)?;
    model(r, &sizes, vec![rope], |layer| {
        let attention = attention_with_norms(r, &sizes, layer)?;
        Ok(LayerSpec {
            mixer: Mixer::Attention(Box::new(attention)),
            ..llama::layer(r, &sizes, layer)?
        })
    })
}
