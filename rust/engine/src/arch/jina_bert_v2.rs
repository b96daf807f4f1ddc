//! Jina's BERT, version 2: linear biases instead of positions.

use super::attention::attention;
use super::bert;
use super::ffn::{fused_glu, glu};
use super::reader::Reader;
use super::shared::{Sizes, layer_norm_if, name};
use crate::Result;
use crate::spec::{Activation, Attention, AttentionShape, Ffn, LayerSpec, ModelSpec};

/// The largest slope where the file names none.
const MAX_BIAS: f32 = 8.0;

/// BERT with a GELU gate, which may be fused; norms of all query and all key heads together; a
/// second norm after the first, before which the layer's input is added again.
pub fn read(r: &Reader<'_>) -> Result<ModelSpec> {
    let sizes = Sizes::read_layer_norm(r)?;
    let max_bias = r.float(&["attention.max_alibi_bias"])?.unwrap_or(MAX_BIAS);
    bert::encoder(r, &sizes, Vec::new(), |layer| {
        let plain = attention(r, &sizes, layer)?;
        let norm = |part| layer_norm_if(r, &name(layer, part), &sizes);
        let attention = Attention {
            q_norm: norm("attn_q_norm")?,
            k_norm: norm("attn_k_norm")?,
            rope: None,
            shape: AttentionShape {
                alibi: Some(max_bias),
                ..plain.shape
            },
            ..plain
        };
        let spec = bert::layer(r, &sizes, layer, attention, ffn(r, &sizes, layer)?)?;
        let mut mixer_sum_norms = spec.mixer_sum_norms;
        mixer_sum_norms.extend(norm("attn_norm_2")?);
        Ok(LayerSpec {
            mixer_sum_norms,
            ..spec
        })
    })
}

fn ffn(r: &Reader<'_>, sizes: &Sizes, layer: usize) -> Result<Ffn> {
    let apart = r.has(&format!("{}.weight", name(layer, "ffn_gate")));
    let read = if apart { glu } else { fused_glu };
    read(r, sizes, layer, Activation::Gelu).map(Ffn::Glu)
}
