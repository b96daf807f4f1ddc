//! The KV memory: for each layer one tensor of keys and one of values.
//!
//! Keys are `[blocks, heads, key_dim, BLOCK]`, values `[blocks, heads, BLOCK, value_dim]`. On the CPU
//! the tensors are fresh pages of zeros, so what no token has touched costs nothing.

use candle_core::{Device, IndexOp, Result as Candle, Tensor};

use super::cpu::Store;
use super::{failed, failed_text};
use crate::Result;
use crate::batch::{BLOCK, Batch, Span};
use crate::program::{Cache, CacheSpec, Program};

/// Allocations of so many bytes and more are fresh pages: the system's allocator takes smaller ones
/// from memory that was used before, where zeros must be written (glibc: up to 32 MiB).
const FRESH_PAGES: usize = 33 << 20;

/// Keys and values of one layer.
#[derive(Debug)]
pub struct Layer {
    spec: CacheSpec,
    /// `[blocks, heads, key_dim, BLOCK]`.
    pub keys: Tensor,
    /// `[blocks, heads, BLOCK, value_dim]`.
    pub values: Tensor,
}

/// The memory of all layers.
#[derive(Debug)]
pub struct Memory {
    layers: Vec<Layer>,
    blocks: usize,
}

impl Memory {
    /// Memory of `blocks` blocks.
    pub fn new(program: &Program, blocks: usize, device: &Device) -> Result<Self> {
        let layer = |&spec: &CacheSpec| {
            let CacheSpec {
                heads,
                key_dim,
                value_dim,
            } = spec;
            Ok(Layer {
                spec,
                keys: zeros([blocks, heads, key_dim, BLOCK], device)?,
                values: zeros([blocks, heads, BLOCK, value_dim], device)?,
            })
        };
        let layers = program.caches.iter().map(layer).collect::<Result<_>>()?;
        Ok(Self { layers, blocks })
    }

    /// Bytes, used or not.
    pub fn size(&self) -> u64 {
        let block = |layer: &Layer| {
            let CacheSpec {
                heads,
                key_dim,
                value_dim,
            } = layer.spec;
            heads * (key_dim + value_dim) * BLOCK * size_of::<f32>()
        };
        self.blocks as u64 * self.layers.iter().map(block).sum::<usize>() as u64
    }

    /// The memory of a layer.
    pub fn layer(&self, cache: Cache) -> Candle<&Layer> {
        match self.layers.get(cache.0) {
            Some(layer) => Ok(layer),
            None => candle_core::bail!("no cache {}", cache.0),
        }
    }
}

impl Layer {
    /// Writes a row of keys and of values, `[rows, heads · dim]`, for each row of the batch.
    pub fn store(&self, batch: &Batch, k: &Tensor, v: &Tensor) -> Candle<()> {
        let heads = self.spec.heads;
        let k = k.reshape((k.dim(0)?, heads, self.spec.key_dim))?;
        let v = v.reshape((v.dim(0)?, heads, self.spec.value_dim))?;
        for (rows, block, slot) in batch.runs() {
            let k = k.i(rows.clone())?.permute((1, 2, 0))?.contiguous()?;
            let v = v.i(rows)?.permute((1, 0, 2))?.contiguous()?;
            self.keys
                .narrow(0, block, 1)?
                .slice_set(&k.unsqueeze(0)?, 3, slot)?;
            self.values
                .narrow(0, block, 1)?
                .slice_set(&v.unsqueeze(0)?, 2, slot)?;
        }
        Ok(())
    }

    /// As [`Layer::store`], with plain loops on the CPU.
    pub fn store_in_place(&self, batch: &Batch, k: &Tensor, v: &Tensor) -> Candle<()> {
        let heads = self.spec.heads;
        let store = |keys| Store { batch, heads, keys };
        self.keys.inplace_op2(&k.contiguous()?, &store(true))?;
        self.values.inplace_op2(&v.contiguous()?, &store(false))
    }

    /// What a span has in memory: keys `[heads, key_dim, tokens]`, values `[heads, tokens, value_dim]`.
    pub fn gather(&self, batch: &Batch, span: &Span) -> Candle<(Tensor, Tensor)> {
        let blocks = batch.blocks.get(span.blocks.clone()).unwrap_or_default();
        let used = blocks
            .get(..span.kv_len().div_ceil(BLOCK))
            .unwrap_or(blocks);
        let index = Tensor::from_slice(used, used.len(), self.keys.device())?;
        let CacheSpec {
            heads,
            key_dim,
            value_dim,
        } = self.spec;
        let slots = used.len() * BLOCK;
        let keys = self.keys.index_select(&index, 0)?;
        let keys = keys
            .permute((1, 2, 0, 3))?
            .reshape((heads, key_dim, slots))?;
        let values = self.values.index_select(&index, 0)?;
        let values = values.transpose(0, 1)?.reshape((heads, slots, value_dim))?;
        let tokens = span.kv_len();
        Ok((keys.narrow(2, 0, tokens)?, values.narrow(1, 0, tokens)?))
    }
}

/// At least `blocks` blocks of zeros.
fn zeros([blocks, a, b, c]: [usize; 4], device: &Device) -> Result<Tensor> {
    let block = a * b * c * size_of::<f32>();
    let blocks = match device.is_cpu() {
        true => blocks.max(FRESH_PAGES.div_ceil(block.max(1))),
        false => blocks,
    };
    let fits = blocks
        .checked_mul(a * b * c)
        .is_some_and(|size| !device.is_cpu() || Vec::<f32>::new().try_reserve_exact(size).is_ok());
    if !fits {
        return Err(failed_text(format!(
            "no memory for a KV cache of {blocks} blocks of {block} bytes"
        )));
    }
    Tensor::zeros(&[blocks, a, b, c], candle_core::DType::F32, device).map_err(failed)
}
