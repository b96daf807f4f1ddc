//! Fast CPU code: packed weights, products, attention, norms, and the threads that run them.
//!
//! | what | where |
//! |---|---|
//! | [`Level`]: what the processor can do | `isa` |
//! | [`Packed`]: one copy of a matrix of weights, in panels of 16 rows | `pack` |
//! | [`Acts`]: activations quantized once for all products that share them | `act` |
//! | [`matmul`], [`matmul_panels`]: their products | `matmul` |
//! | [`KvCache`], [`attend`]: attention over blocks of 32 tokens | `attention` |
//! | [`rms_norm`], [`rope`], [`glu`], [`softmax`], …: what happens to rows in between | |
//! | [`Pool`]: threads that walk a step together; [`Shared`]: memory that they fill in parts | |
//!
//! Two promises hold everywhere. **A row's bits do not depend on the batch**: each output is one
//! fixed chain of operations, whatever rows are beside it and however many threads take part. **All
//! levels give the same bits**: the scalar level is the reference, and the only code that Miri has
//! to follow. (What is not a number may differ in its payload.)
//!
//! Kernels are generic over the vectors of `simd` and compiled once for each level by the macros of
//! `isa`; nothing depends on the compiler's target flags. Unsafe calls are those that several
//! threads make at once: their callers keep the parts disjoint between two barriers.
//!
//! ```
//! use ollamars_kernels::{Acts, Level, Packed, matmul};
//! use ollamars_quants::BlockType;
//!
//! let level = Level::best();
//! // Two rows of 32 weights.
//! let mut bytes = vec![0; 2 * BlockType::Q8_0.bytes()];
//! let weights: Vec<f32> = (0..64).map(|i| i as f32).collect();
//! BlockType::Q8_0.quantize(&weights, &mut bytes)?;
//! let packed = Packed::new(level, BlockType::Q8_0, &bytes, 2, 32)?;
//!
//! let mut acts = Acts::new(packed.act_kind(), 32, 1);
//! let x = acts.quantize(level, &[1.0; 32]);
//! let mut out = [0.0; 2];
//! matmul(&packed, &x, &mut out);
//! assert!((out[0] - 496.0).abs() < 5.0 && (out[1] - 1520.0).abs() < 10.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod act;
mod attention;
mod bf16;
mod buffer;
mod elementwise;
mod error;
mod isa;
mod math;
mod matmul;
mod norm;
mod number;
mod pack;
mod pool;
mod rope;
mod shared;
mod simd;

pub use act::{ActKind, Acts, ActsView, GROUP};
pub use attention::{
    AttentionScratch, AttentionShape, BLOCK, KvCache, KvType, KvView, Queries, attend,
};
pub use buffer::{Aligned, Plain};
pub use elementwise::{Activation, activate, add, add_scaled, glu, scale, softcap, softmax};
pub use error::Error;
pub use isa::Level;
pub use matmul::{matmul, matmul_panels};
pub use norm::{layer_norm, rms_norm};
pub use pack::{PANEL, Packed, Part};
pub use pool::{Cursor, Panicked, Pool, Worker};
pub use rope::{RopeStyle, rope, rotation};
pub use shared::Shared;

/// The result of this crate's calls.
pub type Result<T> = std::result::Result<T, Error>;
