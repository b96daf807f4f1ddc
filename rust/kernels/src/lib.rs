//! Fast CPU code: packed weights, products, attention, norms, and the threads that run them.
mod act;
mod buffer;
mod error;
mod isa;
mod matmul;
mod pack;
mod shared;
mod simd;

pub use act::{ActKind, Acts, ActsView, GROUP};
pub use buffer::{Aligned, Plain};
pub use error::Error;
pub use isa::Level;
pub use matmul::{matmul, matmul_panels};
pub use pack::{PANEL, Packed, Part};
pub use shared::Shared;

/// The result of this crate's calls.
pub type Result<T> = std::result::Result<T, Error>;
