//! Attention in tensors, one sequence after the other.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;

use super::memory::Layer;
use crate::batch::{Batch, Span};
use crate::spec::{AttentionShape, Mask, slope};

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
    let mask = mask(span, shape.mask, q.device())?;
    let mut scores = scores.broadcast_add(&mask)?;
    if let Some(max_bias) = shape.alibi {
        scores = (scores + biases(span, heads, max_bias, q.device())?)?;
    }
    let weights = softmax_last_dim(&scores)?;
    let weights = weights.reshape((kv_heads, heads / kv_heads * rows, tokens))?;
    let out = weights.matmul(&values.contiguous()?)?;
    let out = out.reshape((heads, rows, value_dim))?.transpose(0, 1)?;
    out.contiguous()?.flatten_from(D::Minus2)
}

/// `[rows, tokens]`: 0 where a query sees a key, else minus infinity.
fn mask(span: &Span, mask: Mask, device: &Device) -> Result<Tensor> {
    let (rows, tokens) = (span.rows.len(), span.kv_len());
    let row = |position: usize| {
        let visible = mask.visible(position, tokens);
        let seen = move |key| visible.contains(&key);
        (0..tokens).map(move |key| if seen(key) { 0.0 } else { f32::NEG_INFINITY })
    };
    let mask: Vec<f32> = (span.start..tokens).flat_map(row).collect();
    Tensor::from_vec(mask, (rows, tokens), device)
}

/// `[heads, rows, tokens]`: what a score loses by the distance of its query and key.
fn biases(span: &Span, heads: usize, max_bias: f32, device: &Device) -> Result<Tensor> {
    let (rows, tokens) = (span.rows.len(), span.kv_len());
    let bias = |head| {
        let slope = slope(head, heads, max_bias);
        let row =
            move |query: usize| (0..tokens).map(move |key| -slope * query.abs_diff(key) as f32);
        (span.start..tokens).flat_map(row)
    };
    let biases: Vec<f32> = (0..heads).flat_map(bias).collect();
    Tensor::from_vec(biases, (heads, rows, tokens), device)
}
