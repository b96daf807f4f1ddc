//! BERT and what is built like it: RoBERTa, XLM-RoBERTa, MiniLM, BGE, E5, GTE.

use super::attention::attention;
use super::embedder::{TANH, of_encoder};
use super::ffn::mlp;
use super::reader::Reader;
use super::shared::{Sizes, headless, layer_norm, layer_norm_if, name};
use crate::Result;
use crate::spec::{
    Activation, Attention, AttentionShape, Ffn, LayerSpec, Mask, Mixer, ModelSpec, Part, Pooling,
    Rope,
};

/// Learned positions, a norm of each sum, GELU.
pub fn read(r: &Reader<'_>) -> Result<ModelSpec> {
    let sizes = Sizes::read_layer_norm(r)?;
    let spec = encoder(r, &sizes, Vec::new(), |layer| {
        let ffn = Ffn::Mlp(mlp(r, &sizes, layer, Activation::Gelu)?);
        let attention = Attention {
            rope: None,
            ..attention(r, &sizes, layer)?
        };
        self::layer(r, &sizes, layer, attention, ffn)
    })?;
    let shape = [spec.train_ctx, sizes.n_embd];
    Ok(ModelSpec {
        positions: Some(r.part("position_embd.weight", &shape)?),
        ..spec
    })
}

/// Reads an encoder whose embeddings are normed, with the first token type where there are some.
pub fn encoder(
    r: &Reader<'_>,
    sizes: &Sizes,
    ropes: Vec<Rope>,
    layer: impl Fn(usize) -> Result<LayerSpec>,
) -> Result<ModelSpec> {
    Ok(ModelSpec {
        token_type: token_type(r, sizes)?,
        embedding_norm: layer_norm_if(r, "token_embd_norm", sizes)?,
        embedder: of_encoder(r, sizes, Pooling::Cls, TANH)?,
        ..headless(r, sizes, ropes, layer)?
    })
}

/// One layer: a norm of each sum, and all tokens see each other.
pub fn layer(
    r: &Reader<'_>,
    sizes: &Sizes,
    layer: usize,
    attention: Attention,
    ffn: Ffn,
) -> Result<LayerSpec> {
    let sum_norm = |part| layer_norm(r, &name(layer, part), sizes);
    Ok(LayerSpec {
        mixer_norm: None,
        mixer: Mixer::Attention(Box::new(among_all(attention))),
        mixer_post_norm: None,
        mixer_sum_norms: vec![sum_norm("attn_output_norm")?],
        ffn_norm: None,
        ffn,
        ffn_post_norm: None,
        ffn_sum_norm: Some(sum_norm("layer_output_norm")?),
    })
}

/// With all of the text in sight.
fn among_all(attention: Attention) -> Attention {
    Attention {
        shape: AttentionShape {
            mask: Mask::Whole(None),
            ..attention.shape
        },
        ..attention
    }
}

/// The first row of the table of token types.
fn token_type(r: &Reader<'_>, sizes: &Sizes) -> Result<Option<Part>> {
    const TABLE: &str = "token_types.weight";
    if !r.has(TABLE) {
        return Ok(None);
    }
    let (types, _) = r.matrix_shape(TABLE)?;
    let table = r.part(TABLE, &[types, sizes.n_embd])?;
    Ok(Some(Part {
        shape: vec![1, sizes.n_embd],
        ..table
    }))
}
