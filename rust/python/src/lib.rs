//! `ollamars._core`: Python values in, calls of the crates below, Python values out. No logic.
//!
//! The surface is documented in `python/ollamars/_core.pyi`. Every call that may take longer than
//! some 50 µs detaches from the interpreter.

mod digest;
mod engine;
mod errors;
mod gguf;
mod grammar;
mod jinja;
mod meter;
mod options;
mod tokenizer;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::digest::{Sha256, sha256_file};
    #[pymodule_export]
    use crate::engine::{Engine, Event};
    #[pymodule_export]
    use crate::errors::CoreError;
    #[pymodule_export]
    use crate::gguf::{Gguf, rewrite_gguf};
    #[pymodule_export]
    use crate::grammar::Grammar;
    #[pymodule_export]
    use crate::jinja::render_jinja;
    #[pymodule_export]
    use crate::meter::Meter;
    #[pymodule_export]
    use crate::tokenizer::Tokenizer;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
