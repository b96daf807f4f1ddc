//! Keys and values of past tokens, in blocks of 32 tokens.
//!
//! A block holds for each KV head its keys `[key_dim, 32]` and, elsewhere, its values
//! `[32, value_dim]`, rows of values filled up to whole vectors. Keys lie across: a lane is a
//! token, so that scores need no sums over lanes, and one line of the cache has one dimension of
//! all 32 tokens.

use std::marker::PhantomData;

use crate::Level;
use crate::buffer::Aligned;
use crate::isa::levels;
use crate::simd::{Simd, load};

/// Tokens in a block.
pub const BLOCK: usize = 32;

/// Lanes of a vector at every level.
const LANES: usize = 16;

/// How keys and values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KvType {
    /// Two bytes a value.
    F16,
    /// Four bytes a value.
    F32,
}

impl KvType {
    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }
}

/// The memory of one layer.
#[derive(Debug)]
pub struct KvCache {
    ty: KvType,
    heads: usize,
    key_dim: usize,
    value_dim: usize,
    blocks: usize,
    keys: Aligned<u8>,
    values: Aligned<u8>,
}

/// The memory of one layer, in use by several threads.
#[derive(Clone, Copy, Debug)]
pub struct KvView<'a> {
    pub(super) ty: KvType,
    pub(super) heads: usize,
    pub(super) key_dim: usize,
    pub(super) value_dim: usize,
    pub(super) blocks: usize,
    keys: *mut u8,
    values: *mut u8,
    life: PhantomData<&'a mut KvCache>,
}

// SAFETY: written and read by unsafe calls only, whose callers keep threads apart.
unsafe impl Send for KvView<'_> {}
// SAFETY: as above.
unsafe impl Sync for KvView<'_> {}

impl KvCache {
    /// Room for `blocks` blocks of 32 tokens with `heads` KV heads of `key_dim` and `value_dim`
    /// values. Large memory is taken from the system when it is first written.
    pub fn new(ty: KvType, heads: usize, key_dim: usize, value_dim: usize, blocks: usize) -> Self {
        let tokens = blocks * heads * BLOCK;
        Self {
            ty,
            heads,
            key_dim,
            value_dim,
            blocks,
            keys: Aligned::zeroed(tokens * key_dim * ty.bytes()),
            values: Aligned::zeroed(tokens * value_dim.next_multiple_of(LANES) * ty.bytes()),
        }
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.keys.len() + self.values.len()
    }

    /// For the threads of a step.
    pub fn view(&mut self) -> KvView<'_> {
        KvView {
            ty: self.ty,
            heads: self.heads,
            key_dim: self.key_dim,
            value_dim: self.value_dim,
            blocks: self.blocks,
            keys: self.keys.as_mut_ptr(),
            values: self.values.as_mut_ptr(),
            life: PhantomData,
        }
    }
}

impl KvView<'_> {
    /// Keys of a block and head.
    #[inline(always)]
    pub(super) fn keys(&self, block: usize, head: usize) -> *mut u8 {
        let values = (block * self.heads + head) * BLOCK * self.key_dim;
        self.keys.wrapping_add(values * self.ty.bytes())
    }

    /// Values of a block and head.
    #[inline(always)]
    pub(super) fn values(&self, block: usize, head: usize) -> *mut u8 {
        let values = (block * self.heads + head) * BLOCK * self.value_stride();
        self.values.wrapping_add(values * self.ty.bytes())
    }

    /// Values from one token's to the next one's.
    #[inline(always)]
    pub(super) fn value_stride(&self) -> usize {
        self.value_dim.next_multiple_of(LANES)
    }

    /// Writes one token: `key` is `[heads, key_dim]`, `value` `[heads, value_dim]`.
    ///
    /// # Panics
    /// If the rows have other lengths, or there is no such place.
    ///
    /// # Safety
    /// Until the next barrier no other thread reads or writes this token.
    pub unsafe fn write(self, level: Level, block: u32, slot: usize, key: &[f32], value: &[f32]) {
        let block = block as usize;
        assert!(
            block < self.blocks && slot < BLOCK,
            "token {slot} of block {block}"
        );
        let shape = (self.heads * self.key_dim, self.heads * self.value_dim);
        assert_eq!((key.len(), value.len()), shape, "{} heads", self.heads);
        for head in 0..self.heads {
            let key = &key[head * self.key_dim..][..self.key_dim];
            let value = &value[head * self.value_dim..][..self.value_dim];
            let (keys, values) = (self.keys(block, head), self.values(block, head));
            // SAFETY: places of this token in this block and head, which are this thread's.
            unsafe {
                match self.ty {
                    KvType::F16 => {
                        scatter_f16(level, key, keys.cast::<u16>().add(slot), BLOCK);
                        let at = values.cast::<u16>().add(slot * self.value_stride());
                        scatter_f16(level, value, at, 1);
                    }
                    KvType::F32 => {
                        scatter_f32(key, keys.cast::<f32>().add(slot), BLOCK);
                        let at = values.cast::<f32>().add(slot * self.value_stride());
                        scatter_f32(value, at, 1);
                    }
                }
            }
        }
    }
}

levels! {
    /// Values `stride` apart. The caller promises the memory.
    fn scatter_f16[s](x: &[f32], to: *mut u16, stride: usize) = {
        for (i, x) in x.chunks(LANES).enumerate() {
            let mut halves = [0u16; LANES];
            // SAFETY: 16 values.
            unsafe { s.store_f16(halves.as_mut_ptr(), load(s, x)) };
            for (j, half) in halves.into_iter().enumerate().take(x.len()) {
                // SAFETY: the caller's promise.
                unsafe { *to.add((i * LANES + j) * stride) = half }
            }
        }
    }
}

/// Values `stride` apart.
///
/// # Safety
/// They are in memory that is this thread's.
unsafe fn scatter_f32(x: &[f32], to: *mut f32, stride: usize) {
    for (i, &x) in x.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { *to.add(i * stride) = x }
    }
}
