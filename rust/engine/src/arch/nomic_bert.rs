//! Nomic's BERT, and the one with experts.

use super::attention::{attention, key_dim};
use super::bert;
use super::ffn::{glu, mlp, plain_moe};
use super::reader::Reader;
use super::rope::RopeKeys;
use super::shared::{Sizes, name};
use crate::Result;
use crate::spec::{Activation, Ffn, ModelSpec, RopeStyle};

/// BERT with a rotation instead of learned positions, and a SiLU gate; with experts in every
/// `moe_every_n_layers`-th layer the others are BERT's.
pub fn read(r: &Reader<'_>) -> Result<ModelSpec> {
    let sizes = Sizes::read_layer_norm(r)?;
    let rope = RopeKeys::new(RopeStyle::Neox, key_dim(r, &sizes, 0)?).read(r)?;
    bert::encoder(r, &sizes, vec![rope], |layer| {
        let ffn = ffn(r, &sizes, layer)?;
        bert::layer(r, &sizes, layer, attention(r, &sizes, layer)?, ffn)
    })
}

fn ffn(r: &Reader<'_>, sizes: &Sizes, layer: usize) -> Result<Ffn> {
    let every: Option<usize> = r.find("moe_every_n_layers")?;
    if every.is_some_and(|every| every > 0 && layer % every == 1) {
        return plain_moe(r, sizes, layer, Activation::Gelu).map(Ffn::Moe);
    }
    if r.has(&format!("{}.weight", name(layer, "ffn_gate"))) {
        return glu(r, sizes, layer, Activation::Silu).map(Ffn::Glu);
    }
    mlp(r, sizes, layer, Activation::Gelu).map(Ffn::Mlp)
}
