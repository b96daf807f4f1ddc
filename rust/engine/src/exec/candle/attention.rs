//! Attention in tensors, one sequence after the other.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;

use super::memory::Layer;
use crate::batch::{Batch, Span};
use crate::spec::AttentionShape;

/// `[rows, heads · key_dim] -> [rows, heads · value_dim]`.
pub fn attend(batch: &Batch, q: &Tensor, layer: &Layer, shape: &AttentionShape) -> Result<Tensor> {
    let each = |span: &Span| {
        let q = q.narrow(0, span.rows.start, span.rows.len())?;
        attend_span(batch, span, &q, layer, shape)
    };
    let spans = batch.spans.iter().filter(|span| !span.rows.is_empty());
    let parts: Vec<Tensor> = spans.map(each).collect::<Result<_>>()?;
    Tensor::cat(&parts, 0)
}

fn attend_span(
    batch: &Batch,
    span: &Span,
    q: &Tensor,
    layer: &Layer,
    shape: &AttentionShape,
) -> Result<Tensor> {
    let AttentionShape {
        heads,
        kv_heads,
        key_dim,
        value_dim,
        ..
    } = *shape;
    let (rows, tokens) = (span.rows.len(), span.kv_len());
    let (keys, values) = layer.gather(batch, span)?;
    let q = q
        .reshape((rows, heads, key_dim))?
        .transpose(0, 1)?
        .contiguous()?;
    // The heads of a group are neighbours: together they are the rows of one product.
    let q = q.reshape((kv_heads, heads / kv_heads * rows, key_dim))?;
    let scores = (q.matmul(&keys.contiguous()?)? * f64::from(shape.scale))?;
    let scores = scores.reshape((heads, rows, tokens))?;
    let mask = mask(span, shape.window, q.device())?;
    let weights = softmax_last_dim(&scores.broadcast_add(&mask)?)?;
    let weights = weights.reshape((kv_heads, heads / kv_heads * rows, tokens))?;
    let out = weights.matmul(&values.contiguous()?)?;
    let out = out.reshape((heads, rows, value_dim))?.transpose(0, 1)?;
    out.contiguous()?.flatten_from(D::Minus2)
}

/// `[rows, tokens]`: 0 where a query sees a key, else minus infinity.
fn mask(span: &Span, window: Option<usize>, device: &Device) -> Result<Tensor> {
    let (rows, tokens) = (span.rows.len(), span.kv_len());
    let window = window.unwrap_or(tokens);
    let row = |position: usize| {
        let seen = move |key| key <= position && position - key < window;
        (0..tokens).map(move |key| if seen(key) { 0.0 } else { f32::NEG_INFINITY })
    };
    let mask: Vec<f32> = (span.start..tokens).flat_map(row).collect();
    Tensor::from_vec(mask, (rows, tokens), device)
}
