//! What nearly all architectures read in the same way.

use super::embedder;
use super::reader::Reader;
use crate::Result;
use crate::spec::{Embedder, Head, LayerSpec, Linear, ModelSpec, Norm, NormKind, Part, Rope};

/// The sizes of a model.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Width of the hidden state.
    pub n_embd: usize,
    /// Number of layers.
    pub n_layer: usize,
    /// Under the root of every norm.
    pub eps: f32,
}

impl Sizes {
    /// Reads them; the epsilon's key may be missing where `eps` is given.
    pub fn read(r: &Reader<'_>, eps: Option<f32>) -> Result<Self> {
        Self::read_as(r, "attention.layer_norm_rms_epsilon", eps)
    }

    /// As [`Sizes::read`], of a model with layer norms.
    pub fn read_layer_norm(r: &Reader<'_>) -> Result<Self> {
        Self::read_as(r, "attention.layer_norm_epsilon", None)
    }

    fn read_as(r: &Reader<'_>, key: &str, eps: Option<f32>) -> Result<Self> {
        let found = r.float(&[key])?.or(eps);
        let eps = found.ok_or_else(|| r.wrong(key, "is missing"))?;
        if eps < 0.0 {
            return Err(r.wrong(key, "is negative"));
        }
        Ok(Self {
            n_embd: r.size("embedding_length")?,
            n_layer: r.size("block_count")?,
            eps,
        })
    }
}

/// Reads a model that says what comes next, whose layers `layer` reads, given their index.
pub fn model(
    r: &Reader<'_>,
    sizes: &Sizes,
    ropes: Vec<Rope>,
    layer: impl Fn(usize) -> Result<LayerSpec>,
) -> Result<ModelSpec> {
    with_head(r, sizes, headless(r, sizes, ropes, layer)?)
}

/// The same with the last norm and a head.
pub fn with_head(r: &Reader<'_>, sizes: &Sizes, spec: ModelSpec) -> Result<ModelSpec> {
    Ok(ModelSpec {
        output_norm: Some(norm(r, "output_norm", sizes)?),
        head: Some(head(r, &spec.embedding)?),
        embedder: embedder::of_decoder(r, sizes)?,
        ..spec
    })
}

/// Reads what a model has whatever it is for.
pub fn headless(
    r: &Reader<'_>,
    sizes: &Sizes,
    ropes: Vec<Rope>,
    layer: impl Fn(usize) -> Result<LayerSpec>,
) -> Result<ModelSpec> {
    Ok(ModelSpec {
        architecture: r.architecture().to_string(),
        train_ctx: r.size("context_length")?,
        embedding: embedding(r, sizes.n_embd)?,
        embedding_scale: 1.0,
        positions: None,
        token_type: None,
        embedding_norm: None,
        layers: (0..sizes.n_layer).map(layer).collect::<Result<_>>()?,
        output_norm: None,
        head: None,
        embedder: Embedder::default(),
        ropes,
    })
}

/// A norm over a whole row.
pub fn norm(r: &Reader<'_>, name: &str, sizes: &Sizes) -> Result<Norm> {
    r.rms_norm(name, sizes.n_embd, sizes.eps)
}

/// The name of a layer's tensor, without `.weight`.
pub fn name(layer: usize, part: &str) -> String {
    format!("blk.{layer}.{part}")
}

fn embedding(r: &Reader<'_>, n_embd: usize) -> Result<Part> {
    const TABLE: &str = "token_embd.weight";
    let (n_vocab, _) = r.matrix_shape(TABLE)?;
    r.part(TABLE, &[n_vocab, n_embd])
}

/// `output`, or the embedding table where there is none.
fn head(r: &Reader<'_>, embedding: &Part) -> Result<Head> {
    let (n_vocab, n_embd) = (embedding.rows(), embedding.columns());
    let weight = r.part_if("output.weight", &[n_vocab, n_embd])?;
    let linear = Linear {
        weight: weight.unwrap_or_else(|| embedding.clone()),
        bias: r.part_if("output.bias", &[n_vocab])?,
    };
    let cap = r.float(&["final_logit_softcapping"])?;
    Ok(Head {
        linear,
        softcap: cap.filter(|&cap| cap != 0.0),
    })
}

/// A layer norm over a whole row.
pub fn layer_norm(r: &Reader<'_>, name: &str, sizes: &Sizes) -> Result<Norm> {
    r.norm(name, NormKind::Layer, sizes.n_embd, sizes.eps)
}

/// A layer norm over a whole row, where the file has it.
pub fn layer_norm_if(r: &Reader<'_>, name: &str, sizes: &Sizes) -> Result<Option<Norm>> {
    let there = r.has(&format!("{name}.weight"));
    there.then(|| layer_norm(r, name, sizes)).transpose()
}
