//! GGUF files: facts for `show` and `create`.

use std::io;
use std::path::PathBuf;

use ollamars_gguf::{Array, Error, Value};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::errors::core_error;

/// (name, type, dimensions, offset, bytes), as `_core.pyi` gives it.
type TensorRow = (String, String, Vec<u64>, u64, u64);

/// A GGUF file, memory-mapped and checked.
#[pyclass(frozen, module = "ollamars._core")]
pub struct Gguf {
    file: ollamars_gguf::Gguf,
}

#[pymethods]
impl Gguf {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let file = py.detach(|| ollamars_gguf::Gguf::open(path));
        Ok(Self {
            file: file.map_err(gguf_error)?,
        })
    }

    #[getter]
    fn version(&self) -> u32 {
        self.file.version()
    }

    #[getter]
    fn alignment(&self) -> u64 {
        self.file.alignment()
    }

    fn keys(&self) -> Vec<&str> {
        let pairs = self.file.metadata().pairs();
        pairs.iter().map(|(key, _)| key.as_str()).collect()
    }

    fn value_type(&self, key: &str) -> Option<String> {
        self.file.metadata().get(key).map(Value::type_name)
    }

    fn get<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = self.file.metadata().get(key);
        value.map(|value| value_to_python(py, value)).transpose()
    }

    #[pyo3(signature = (*, arrays = true))]
    fn metadata<'py>(&self, py: Python<'py>, arrays: bool) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        for (key, value) in self.file.metadata().pairs() {
            match value {
                Value::Array(_) if !arrays => all.set_item(key, py.None())?,
                value => all.set_item(key, value_to_python(py, value)?)?,
            }
        }
        Ok(all)
    }

    fn tensors(&self) -> Vec<TensorRow> {
        let tensors = self.file.tensors().iter();
        tensors
            .map(|tensor| {
                let (name, dims) = (tensor.name().to_owned(), tensor.dims().to_vec());
                let size = tensor.nbytes().unwrap_or(0);
                (name, tensor.ty().to_string(), dims, tensor.offset(), size)
            })
            .collect()
    }
}

/// One file, or the parts of a split one in their order.
#[derive(FromPyObject)]
pub enum Sources {
    One(PathBuf),
    Parts(Vec<PathBuf>),
}

/// Writes a model anew as Ollama's create does.
#[pyfunction]
pub fn rewrite_gguf(py: Python<'_>, source: Sources, target: PathBuf) -> PyResult<()> {
    let sources = match source {
        Sources::One(path) => vec![path],
        Sources::Parts(paths) => paths,
    };
    py.detach(|| ollamars_convert::rewrite_parts(&sources, &target))
        .map_err(|error| match error.io() {
            Some(io) => match io.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code).into(),
                None => io::Error::new(io.kind(), error.to_string()).into(),
            },
            None => core_error(error),
        })
}

/// `OSError` for what the system refused, `CoreError` for what the file says.
pub fn gguf_error(error: Error) -> PyErr {
    match error {
        Error::Open { source, .. } | Error::Write(source) => source.into(),
        error => core_error(error),
    }
}

fn value_to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::U8(v) => v.into_bound_py_any(py),
        Value::I8(v) => v.into_bound_py_any(py),
        Value::U16(v) => v.into_bound_py_any(py),
        Value::I16(v) => v.into_bound_py_any(py),
        Value::U32(v) => v.into_bound_py_any(py),
        Value::I32(v) => v.into_bound_py_any(py),
        Value::U64(v) => v.into_bound_py_any(py),
        Value::I64(v) => v.into_bound_py_any(py),
        Value::F32(v) => v.into_bound_py_any(py),
        Value::F64(v) => v.into_bound_py_any(py),
        Value::Bool(v) => v.into_bound_py_any(py),
        Value::String(v) => text(py, v).into_bound_py_any(py),
        Value::Array(array) => array_to_python(py, array),
    }
}

fn array_to_python<'py>(py: Python<'py>, array: &Array) -> PyResult<Bound<'py, PyAny>> {
    let list = match array {
        Array::U8(v) => PyList::new(py, v)?,
        Array::I8(v) => PyList::new(py, v)?,
        Array::U16(v) => PyList::new(py, v)?,
        Array::I16(v) => PyList::new(py, v)?,
        Array::U32(v) => PyList::new(py, v)?,
        Array::I32(v) => PyList::new(py, v)?,
        Array::U64(v) => PyList::new(py, v)?,
        Array::I64(v) => PyList::new(py, v)?,
        Array::F32(v) => PyList::new(py, v)?,
        Array::F64(v) => PyList::new(py, v)?,
        Array::Bool(v) => PyList::new(py, v)?,
        Array::String(v) => PyList::new(py, v.iter().map(|bytes| text(py, bytes)))?,
        Array::Array(v) => {
            let items: PyResult<Vec<_>> = v.iter().map(|a| array_to_python(py, a)).collect();
            PyList::new(py, items?)?
        }
    };
    Ok(list.into_any())
}

/// Bytes that are not UTF-8 become U+FFFD: Python sees text.
fn text<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    PyString::new(py, &String::from_utf8_lossy(bytes))
}
