//! Llama and what is built like it: Mistral, SmolLM2, Mixtral.

use super::attention::{attention, key_dim};
use super::ffn::ffn;
use super::reader::Reader;
use super::rope::RopeKeys;
use super::shared::{Sizes, model, name, norm};
use crate::Result;
use crate::spec::{LayerSpec, Mixer, ModelSpec, RopeStyle};

/// Pre-norm RMS, rotation of neighbouring pairs, SiLU gate or experts, every bias optional.
pub fn read(r: &Reader<'_>) -> Result<ModelSpec> {
    let sizes = Sizes::read(r, None)?;
    let rope = RopeKeys::new(RopeStyle::Normal, key_dim(r, &sizes, 0)?).read(r)?;
    model(r, &sizes, vec![rope], |layer| self::layer(r, &sizes, layer))
}

/// One layer.
pub fn layer(r: &Reader<'_>, sizes: &Sizes, layer: usize) -> Result<LayerSpec> {
    Ok(LayerSpec {
        mixer_norm: Some(norm(r, &name(layer, "attn_norm"), sizes)?),
        mixer: Mixer::Attention(Box::new(attention(r, sizes, layer)?)),
        mixer_post_norm: None,
        mixer_sum_norms: Vec::new(),
        ffn_norm: Some(norm(r, &name(layer, "ffn_norm"), sizes)?),
        ffn: ffn(r, sizes, layer)?,
        ffn_post_norm: None,
        ffn_sum_norm: None,
    })
}
