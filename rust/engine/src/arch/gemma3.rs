//! Gemma 3.

use super::attention::{attention_with_norms, key_dim};
use super::ffn::glu;
use super::reader::Reader;
use super::rope::{RopeKeys, Scaling};
use super::shared::{Sizes, headless, name, norm, with_head};
use super::windows::Windows;
use crate::Result;
use crate::spec::{
    Activation, Attention, AttentionShape, Ffn, LayerSpec, Mixer, ModelSpec, RopeStyle,
};

/// Norms before and after both parts, norms of query and key heads, a GELU gate, and windows: every
/// sixth layer sees all, with a rotation of its own. The stored norm weights include the 1.
///
/// Files of the public library name no epsilon, spell the bases otherwise or leave them out, and
/// leave out the stretching of models with 128 Ki tokens of context.
pub fn read(r: &Reader<'_>) -> Result<ModelSpec> {
    if r.find::<bool>("attention.causal")? == Some(false) {
        return super::gemma_embedding::read(r);
    }
    let sizes = Sizes::read(r, Some(1e-6))?;
    with_head(r, &sizes, layers(r, Windows::read(r, 6)?)?)
}

/// The model without a head, with given windows.
pub fn layers(r: &Reader<'_>, windows: Windows) -> Result<ModelSpec> {
    let sizes = Sizes::read(r, Some(1e-6))?;
    let head_dim = key_dim(r, &sizes, 0)?;
    let spec = headless(r, &sizes, ropes(r, head_dim)?, |layer| {
        Ok(LayerSpec {
            mixer_norm: Some(norm(r, &name(layer, "attn_norm"), &sizes)?),
            mixer: Mixer::Attention(Box::new(attention(r, &sizes, layer, &windows)?)),
            mixer_post_norm: Some(norm(r, &name(layer, "post_attention_norm"), &sizes)?),
            mixer_sum_norms: Vec::new(),
            ffn_norm: Some(norm(r, &name(layer, "ffn_norm"), &sizes)?),
            ffn: Ffn::Glu(glu(r, &sizes, layer, Activation::Gelu)?),
            ffn_post_norm: Some(norm(r, &name(layer, "post_ffw_norm"), &sizes)?),
            ffn_sum_norm: None,
        })
    })?;
    Ok(ModelSpec {
        embedding_scale: (sizes.n_embd as f32).sqrt(),
        ..spec
    })
}

/// The rotation of the layers that see all, and that of the windows.
const FULL: usize = 0;
const SLIDING: usize = 1;

fn ropes(r: &Reader<'_>, head_dim: usize) -> Result<Vec<crate::spec::Rope>> {
    let full = RopeKeys {
        base: &["rope.freq_base", "rope.global.freq_base"],
        default_base: 1e6,
        ..RopeKeys::new(RopeStyle::Neox, head_dim)
    };
    let sliding = RopeKeys {
        base: &["rope.freq_base_swa", "rope.local.freq_base"],
        default_base: 1e4,
        ..full
    };
    let unsaid = r.find::<&str>("rope.scaling.type")?.is_none()
        && r.float(&["rope.scaling.factor", "rope.scale_linear"])?
            .is_none();
    let full = if unsaid && r.size("context_length")? >= 131_072 {
        full.stretched(r, &Scaling::Linear { factor: 8.0 })?
    } else {
        full.read(r)?
    };
    Ok(vec![full, sliding.stretched(r, &Scaling::None)?])
}

fn attention(r: &Reader<'_>, sizes: &Sizes, layer: usize, windows: &Windows) -> Result<Attention> {
    let plain = attention_with_norms(r, sizes, layer)?;
    // The 27 B model was trained with another scale.
    let dim = if sizes.n_layer == 62 {
        sizes.n_embd as f32 / plain.shape.heads as f32
    } else {
        plain.shape.key_dim as f32
    };
    Ok(Attention {
        rope: Some(if windows.slides(layer) { SLIDING } else { FULL }),
        shape: AttentionShape {
            scale: 1.0 / dim.sqrt(),
            mask: windows.mask(layer),
            ..plain.shape
        },
        ..plain
    })
}
