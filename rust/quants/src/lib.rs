//! Every GGML block type: its size, its exact expansion to `f32`, and for the simple ones the
//! scalar reference of quantizing.
//!
//! Weights are stored in blocks: some codes and what turns them into numbers. [`BlockType`] is the
//! table of all types; [`BlockType::dequantize`] expands whole blocks and gives the bits that
//! llama.cpp b10488 gives without fused multiply-add. One file holds one family of types.
//!
//! ```
//! use ollamars_quants::BlockType;
//!
//! let mut block = vec![0x99; BlockType::Q4_0.bytes()];
//! block[..2].copy_from_slice(&[0x00, 0x38]); // the scale 0.5 as f16
//! let mut weights = [0.0; 32];
//! BlockType::Q4_0.dequantize(&block, &mut weights)?;
//! assert_eq!(weights, [0.5; 32]);
//! # Ok::<(), ollamars_quants::Error>(())
//! ```

mod block_type;
mod blocks;
mod error;
mod fp4;
mod grids;
mod iq1;
mod iq2;
mod iq3;
mod iq4;
mod k_quants;
mod plain;
mod quantize;
mod simple;
mod ternary;

pub use block_type::BlockType;
pub use error::Error;
