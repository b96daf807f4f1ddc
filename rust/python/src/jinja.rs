//! Chat templates.

use ollamars_jinja::{Limits, render};
use pyo3::prelude::*;

use crate::errors::core_error;

/// Renders a chat template with bounded work, detached from the interpreter.
#[pyfunction]
#[pyo3(signature = (template, context_json, *, fuel = 4_000_000))]
pub fn render_jinja(
    py: Python<'_>,
    template: String,
    context_json: String,
    fuel: u64,
) -> PyResult<String> {
    py.detach(|| {
        let context = serde_json::from_str(&context_json).map_err(core_error)?;
        render(&template, context, &Limits { fuel }).map_err(core_error)
    })
}
