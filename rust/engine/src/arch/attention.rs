//! Attention with query, key and value matrices of its own.

use super::reader::Reader;
use super::shared::{Sizes, name};
use crate::Result;
use crate::spec::{Attention, AttentionShape, Linear, Mask};

/// The attention of a layer, rotated by the model's first rotation: matrices apart or fused, biases
/// where the file has them.
pub fn attention(r: &Reader<'_>, sizes: &Sizes, layer: usize) -> Result<Attention> {
    let shape = shape(r, sizes, layer)?;
    let (q, k, v) = matrices(r, sizes, layer, &shape)?;
    let values = shape.heads * shape.value_dim;
    Ok(Attention {
        q,
        k,
        v,
        output: r.linear(&name(layer, "attn_output"), values, sizes.n_embd)?,
        q_norm: None,
        k_norm: None,
        rope: Some(0),
        temperature: None,
        shape,
    })
}

/// As [`attention`], with norms of the query and key heads.
pub fn attention_with_norms(r: &Reader<'_>, sizes: &Sizes, layer: usize) -> Result<Attention> {
    let plain = attention(r, sizes, layer)?;
    let norm = |part| r.rms_norm(&name(layer, part), plain.shape.key_dim, sizes.eps);
    Ok(Attention {
        q_norm: Some(norm("attn_q_norm")?),
        k_norm: Some(norm("attn_k_norm")?),
        ..plain
    })
}

/// Values of a query or key head.
pub fn key_dim(r: &Reader<'_>, sizes: &Sizes, layer: usize) -> Result<usize> {
    head_dim(r, sizes, layer, "attention.key_length")
}

/// `embedding_length / head_count`, which must be a whole number where `key` does not say otherwise.
fn head_dim(r: &Reader<'_>, sizes: &Sizes, layer: usize, key: &str) -> Result<usize> {
    if let Some(dim) = r.size_if(key)? {
        return Ok(dim);
    }
    let heads = heads(r, layer)?;
    if !sizes.n_embd.is_multiple_of(heads) {
        let why = format!("{heads} heads do not divide {} values", sizes.n_embd);
        return Err(r.wrong(HEADS, why));
    }
    Ok(sizes.n_embd / heads)
}

const HEADS: &str = "attention.head_count";
const KV_HEADS: &str = "attention.head_count_kv";

fn heads(r: &Reader<'_>, layer: usize) -> Result<usize> {
    let heads = r.layer_size(HEADS, layer)?;
    heads.ok_or_else(|| r.wrong(HEADS, "is missing"))
}

fn shape(r: &Reader<'_>, sizes: &Sizes, layer: usize) -> Result<AttentionShape> {
    let heads = heads(r, layer)?;
    let kv_heads = r.layer_size(KV_HEADS, layer)?.unwrap_or(heads);
    if !heads.is_multiple_of(kv_heads) {
        let why = format!("{kv_heads} KV heads do not divide {heads} heads");
        return Err(r.wrong(KV_HEADS, why));
    }
    let key_dim = key_dim(r, sizes, layer)?;
    Ok(AttentionShape {
        heads,
        kv_heads,
        key_dim,
        value_dim: head_dim(r, sizes, layer, "attention.value_length")?,
        scale: (1.0 / (key_dim as f64).sqrt()) as f32,
        mask: Mask::Causal(None),
        alibi: None,
    })
}

fn matrices(
    r: &Reader<'_>,
    sizes: &Sizes,
    layer: usize,
    shape: &AttentionShape,
) -> Result<(Linear, Linear, Linear)> {
    let n_q = shape.heads * shape.key_dim;
    let n_k = shape.kv_heads * shape.key_dim;
    let n_v = shape.kv_heads * shape.value_dim;
    if r.has(&name(layer, "attn_qkv.weight")) {
        let [q, k, v] = r.fused(&name(layer, "attn_qkv"), sizes.n_embd, [n_q, n_k, n_v])?;
        return Ok((q, k, v));
    }
    let linear = |part, outputs| r.linear(&name(layer, part), sizes.n_embd, outputs);
    Ok((
        linear("attn_q", n_q)?,
        linear("attn_k", n_k)?,
        linear("attn_v", n_v)?,
    ))
}
