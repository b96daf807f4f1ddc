//! Gemma 3 as an encoder.

use super::embedder::{TANH, of_encoder};
use super::gemma3;
use super::reader::Reader;
use super::shared::{Sizes, norm};
use super::windows::Windows;
use crate::Result;
use crate::spec::{Embedder, Linear, ModelSpec, Pooling};

/// Names of what follows pooling: the converter's, and the public library's.
const DENSE: [[&str; 2]; 2] = [["dense_2", "dense.0"], ["dense_3", "dense.1"]];

/// Gemma 3 without a head, in which all tokens see each other; two matrices may follow the pooling.
/// The public library's file calls itself `gemma3`, and its last norm `norm`.
pub fn read(r: &Reader<'_>) -> Result<ModelSpec> {
    let sizes = Sizes::read(r, Some(1e-6))?;
    let spec = gemma3::layers(r, Windows::read(r, 6)?.to_both_sides())?;
    let last = if r.has("output_norm.weight") {
        "output_norm"
    } else {
        "norm"
    };
    Ok(ModelSpec {
        output_norm: Some(norm(r, last, &sizes)?),
        embedder: Embedder {
            dense: dense(r, sizes.n_embd)?,
            ..of_encoder(r, &sizes, Pooling::Mean, TANH)?
        },
        ..spec
    })
}

/// Both matrices, or none.
fn dense(r: &Reader<'_>, n_embd: usize) -> Result<Vec<Linear>> {
    let mut width = n_embd;
    let mut dense = Vec::new();
    for names in DENSE {
        let there = |name: &&&str| r.has(&format!("{name}.weight"));
        if let Some(name) = names.iter().find(there) {
            let (outputs, _) = r.matrix_shape(&format!("{name}.weight"))?;
            dense.push(r.linear(name, width, outputs)?);
            width = outputs;
        }
    }
    Ok(dense)
}
