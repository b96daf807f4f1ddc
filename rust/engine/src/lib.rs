//! What runs a model.
//!
//! `arch/*.rs` reads GGUF metadata into a [`spec::ModelSpec`]; one decoder turns every spec into a
//! recorded [`program::Program`]; an executor ([`exec::Exec`]) runs the program on a ragged
//! [`batch::Batch`] of sequences over paged KV memory. The [`engine::Engine`] is the thread that
//! picks rows ([`scheduler`]), runs the executor, samples, and hands out events.
//!
//! Nothing above [`exec`] knows which executor runs.

pub mod arch;
pub mod batch;
pub mod decoder;
pub mod embedding;
pub mod engine;
pub mod error;
pub mod event;
pub mod exec;
pub mod generation;
pub mod kv;
pub mod load;
pub mod meter;
pub mod model;
pub mod outbox;
pub mod pass;
pub mod program;
pub mod recorder;
pub mod sample;
pub mod scheduler;
pub mod sequence;
pub mod spec;
pub mod text;
mod vectors;
mod wake;
mod worker;

pub use error::{Error, Result};
