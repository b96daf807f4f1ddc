//! Mistral 3: Llama with YaRN of its own numbers, and queries that grow with the position.

use super::attention::{attention, key_dim};
use super::llama;
use super::reader::Reader;
use super::rope::{RopeKeys, original_ctx};
use super::shared::{Sizes, model};
use crate::Result;
use crate::spec::{Attention, LayerSpec, Mixer, ModelSpec, RopeStyle, Temperature};

/// Both the converter's spelling of the keys and that of the public library's files.
pub fn read(r: &Reader<'_>) -> Result<ModelSpec> {
    let sizes = Sizes::read(r, None)?;
    let rope = RopeKeys {
        betas: [
            &["rope.scaling.yarn_beta_fast", "rope.scaling.beta_fast"],
            &["rope.scaling.yarn_beta_slow", "rope.scaling.beta_slow"],
        ],
        log_multiplier: &[
            "rope.scaling.yarn_log_multiplier",
            "rope.scaling.mscale_all_dim",
        ],
        ..RopeKeys::new(RopeStyle::Normal, key_dim(r, &sizes, 0)?)
    };
    let temperature = temperature(r)?;
    model(r, &sizes, vec![rope.read(r)?], |layer| {
        let attention = Attention {
            temperature,
            ..attention(r, &sizes, layer)?
        };
        Ok(LayerSpec {
            mixer: Mixer::Attention(Box::new(attention)),
            ..llama::layer(r, &sizes, layer)?
        })
    })
}

fn temperature(r: &Reader<'_>) -> Result<Option<Temperature>> {
    let scale = r.float(&["attention.temperature_scale", "rope.scaling_beta"])?;
    let Some(scale) = scale.filter(|&scale| scale != 0.0) else {
        return Ok(None);
    };
    let length = original_ctx(r)?;
    Ok(Some(Temperature { scale, length }))
}
