//! ModernBERT.

use super::attention::{attention as attention_of, key_dim};
use super::bert;
use super::embedder::{GELU, of_encoder};
use super::ffn::fused_glu;
use super::reader::Reader;
use super::rope::{RopeKeys, Scaling};
use super::shared::{Sizes, layer_norm, layer_norm_if, name};
use super::windows::Windows;
use crate::Result;
use crate::spec::{
    Activation, Attention, AttentionShape, Ffn, LayerSpec, Mixer, ModelSpec, Pooling, Rope,
    RopeStyle,
};

/// Norms before both parts without biases, none before the first attention; a fused gate; windows to
/// both sides but in every third layer, with a rotation of their own.
pub fn read(r: &Reader<'_>) -> Result<ModelSpec> {
    let sizes = Sizes::read_layer_norm(r)?;
    let windows = Windows::read(r, 3)?.to_both_sides().full_first();
    let ropes = ropes(r, &sizes)?;
    let activation = activation(r)?;
    let spec = bert::encoder(r, &sizes, ropes, |layer| {
        let ffn = fused_glu(r, &sizes, layer, activation)?;
        Ok(LayerSpec {
            mixer_norm: layer_norm_if(r, &name(layer, "attn_norm"), &sizes)?,
            mixer: Mixer::Attention(Box::new(self::attention(r, &sizes, layer, &windows)?)),
            mixer_post_norm: None,
            mixer_sum_norms: Vec::new(),
            ffn_norm: Some(layer_norm(r, &name(layer, "ffn_norm"), &sizes)?),
            ffn: Ffn::Glu(ffn),
            ffn_post_norm: None,
            ffn_sum_norm: None,
        })
    })?;
    Ok(ModelSpec {
        output_norm: Some(layer_norm(r, "output_norm", &sizes)?),
        embedder: of_encoder(r, &sizes, Pooling::Mean, GELU)?,
        ..spec
    })
}

/// The rotation of the layers that see all, and that of the windows.
const FULL: usize = 0;
const SLIDING: usize = 1;

fn ropes(r: &Reader<'_>, sizes: &Sizes) -> Result<Vec<Rope>> {
    let full = RopeKeys::new(RopeStyle::Neox, key_dim(r, sizes, 0)?);
    let sliding = RopeKeys {
        base: &["rope.freq_base_swa", "rope.freq_base"],
        ..full
    };
    Ok(vec![full.read(r)?, sliding.stretched(r, &Scaling::None)?])
}

fn attention(r: &Reader<'_>, sizes: &Sizes, layer: usize, windows: &Windows) -> Result<Attention> {
    let plain = attention_of(r, sizes, layer)?;
    Ok(Attention {
        rope: Some(if windows.slides(layer) { SLIDING } else { FULL }),
        shape: AttentionShape {
            mask: windows.mask(layer),
            ..plain.shape
        },
        ..plain
    })
}

fn activation(r: &Reader<'_>) -> Result<Activation> {
    const KEY: &str = "hidden_activation";
    match r.find::<&str>(KEY)? {
        None | Some("gelu" | "gelu_new" | "gelu_pytorch_tanh") => Ok(Activation::Gelu),
        Some("silu" | "swish") => Ok(Activation::Silu),
        Some(other) => Err(r.wrong(KEY, format!("'{other}' is not known"))),
    }
}
