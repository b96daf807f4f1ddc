//! Tokenizers.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyBytes;

use crate::errors::core_error;
use crate::gguf::gguf_error;

/// Text or bytes of a Python caller.
enum Text {
    Str(PyBackedStr),
    Bytes(PyBackedBytes),
}

impl Text {
    fn of(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = value.extract() {
            Ok(Self::Str(text))
        } else if let Ok(bytes) = value.extract() {
            Ok(Self::Bytes(bytes))
        } else {
            Err(PyTypeError::new_err("text must be str or bytes"))
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Str(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// The tokenizer of a GGUF file.
#[pyclass(frozen, module = "ollamars._core")]
pub struct Tokenizer {
    inner: Arc<ollamars_tokenizer::Tokenizer>,
}

impl From<Arc<ollamars_tokenizer::Tokenizer>> for Tokenizer {
    fn from(inner: Arc<ollamars_tokenizer::Tokenizer>) -> Self {
        Self { inner }
    }
}

#[pymethods]
impl Tokenizer {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let opened = py.detach(|| ollamars_tokenizer::Tokenizer::open(path));
        opened
            .map(|tokenizer| Self::from(Arc::new(tokenizer)))
            .map_err(|error| match error {
                ollamars_tokenizer::Error::Gguf(error) => gguf_error(error),
                error => core_error(error),
            })
    }

    #[getter]
    fn n_tokens(&self) -> u32 {
        self.inner.n_tokens()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.inner.kind().name()
    }

    #[getter]
    fn special_ids(&self) -> std::collections::HashMap<&'static str, i64> {
        let named = self.inner.special_ids().named();
        named
            .map(|(name, id)| (name, id.map_or(-1, i64::from)))
            .collect()
    }

    #[getter]
    fn add_bos(&self) -> bool {
        self.inner.add_bos()
    }

    #[getter]
    fn add_eos(&self) -> bool {
        self.inner.add_eos()
    }

    #[getter]
    fn add_sep(&self) -> bool {
        self.inner.add_sep()
    }

    #[getter]
    fn eog(&self) -> Vec<u32> {
        self.inner.eog().to_vec()
    }

    fn attr(&self, id: u32) -> PyResult<u32> {
        self.inner.attr(id).map_err(core_error)
    }

    #[pyo3(signature = (text, *, special = false, add_special = false))]
    fn encode(
        &self,
        py: Python<'_>,
        text: &Bound<'_, PyAny>,
        special: bool,
        add_special: bool,
    ) -> PyResult<Vec<u32>> {
        let text = Text::of(text)?;
        Ok(py.detach(|| self.inner.encode(text.bytes(), special, add_special)))
    }

    #[pyo3(signature = (id, *, special = true))]
    fn piece<'py>(&self, py: Python<'py>, id: u32, special: bool) -> PyResult<Bound<'py, PyBytes>> {
        let piece = self.inner.piece(id, special).map_err(core_error)?;
        Ok(PyBytes::new(py, piece))
    }

    #[pyo3(signature = (ids, *, special = true))]
    fn pieces<'py>(
        &self,
        py: Python<'py>,
        ids: Vec<u32>,
        special: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.inner.pieces(&ids, special));
        Ok(PyBytes::new(py, &bytes.map_err(core_error)?))
    }

    #[pyo3(signature = (ids, *, special = true))]
    fn detokenize<'py>(
        &self,
        py: Python<'py>,
        ids: Vec<u32>,
        special: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.inner.detokenize(&ids, special));
        Ok(PyBytes::new(py, &bytes.map_err(core_error)?))
    }
}
