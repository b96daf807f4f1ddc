//! One Python exception for what the crates below refuse; `OSError` for what the system refuses.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

pyo3::create_exception!(
    _core,
    CoreError,
    PyException,
    "A file that is damaged or of a kind that cannot be used."
);

/// The Python exception of an error of ours.
pub fn core_error(error: impl std::fmt::Display) -> PyErr {
    CoreError::new_err(error.to_string())
}
