//! Compiled formats.

use pyo3::prelude::*;

/// What texts of a model must fit.
#[pyclass(frozen, module = "ollamars._core")]
pub struct Grammar {
    inner: ollamars_grammar::Grammar,
}

impl From<ollamars_grammar::Grammar> for Grammar {
    fn from(inner: ollamars_grammar::Grammar) -> Self {
        Self { inner }
    }
}

impl Grammar {
    /// The grammar, for a request.
    pub fn inner(&self) -> ollamars_grammar::Grammar {
        self.inner.clone()
    }
}
