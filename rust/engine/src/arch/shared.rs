//! What nearly all architectures read in the same way.

use super::reader::Reader;
use crate::Result;
use crate::spec::{Head, LayerSpec, Linear, ModelSpec, Norm, Part, Rope};

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
        const EPS: &str = "attention.layer_norm_rms_epsilon";
        let found = r.float(&[EPS])?.or(eps);
        let eps = found.ok_or_else(|| r.wrong(EPS, "is missing"))?;
        if eps < 0.0 {
            return Err(r.wrong(EPS, "is negative"));
        }
        Ok(Self {
            n_embd: r.size("embedding_length")?,
            n_layer: r.size("block_count")?,
            eps,
        })
    }
}

/// Reads a model whose layers `layer` reads, given their index.
pub fn model(
    r: &Reader<'_>,
    sizes: &Sizes,
    ropes: Vec<Rope>,
    layer: impl Fn(usize) -> Result<LayerSpec>,
) -> Result<ModelSpec> {
    let embedding = embedding(r, sizes.n_embd)?;
    Ok(ModelSpec {
        architecture: r.architecture().to_string(),
        train_ctx: r.size("context_length")?,
        embedding_scale: 1.0,
        layers: (0..sizes.n_layer).map(layer).collect::<Result<_>>()?,
        output_norm: norm(r, "output_norm", sizes)?,
        head: head(r, &embedding)?,
        score: score(r, sizes.n_embd)?,
        ropes,
        embedding,
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

fn score(r: &Reader<'_>, n_embd: usize) -> Result<Option<Linear>> {
    if !r.has("cls.output.weight") {
        return Ok(None);
    }
    let (labels, _) = r.matrix_shape("cls.output.weight")?;
    r.linear("cls.output", n_embd, labels).map(Some)
}
