//! Changes to whole model files.
//!
//! Here: [`rewrite`], what Ollama's create does to an uploaded GGUF before it becomes a layer. The
//! result is byte for byte that of Ollama v0.33, so that the same upload gets the same digest.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use ollamars_gguf::Gguf;
//!
//! let upload = Path::new("model.gguf");
//! if ollamars_convert::needs_rewrite(&Gguf::open(upload)?) {
//!     ollamars_convert::rewrite(upload, Path::new("blobs/rewritten"))?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod architectures;
mod error;
mod file_type;
mod order;
mod parts;
mod rewrite;

pub use error::{Error, Refusal};
pub use rewrite::{needs_rewrite, rewrite, rewrite_parts};
