//! Fast CPU code: packed weights, products, attention, norms, and the threads that run them.
mod act;
mod attention;
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
