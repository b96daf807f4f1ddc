//! SHA-256 for the store.

use std::fs::File;
use std::io::Read;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use sha2::Digest;

/// Bytes read at once when a file is hashed.
const PIECE: usize = 1 << 20;

/// A running SHA-256.
#[pyclass(module = "ollamars._core")]
pub struct Sha256 {
    state: sha2::Sha256,
}

#[pymethods]
impl Sha256 {
    #[new]
    fn new() -> Self {
        let state = sha2::Sha256::new();
        Self { state }
    }

    fn update(&mut self, py: Python<'_>, data: PyBackedBytes) {
        py.detach(|| self.state.update(&data));
    }

    fn hexdigest(&self) -> String {
        hex(&self.state.clone().finalize())
    }
}

/// Hashes a file in pieces, detached from the interpreter.
#[pyfunction]
pub fn sha256_file(py: Python<'_>, path: String) -> PyResult<String> {
    py.detach(|| {
        let mut file = File::open(path)?;
        let mut state = sha2::Sha256::new();
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(hex(&state.finalize())),
                n => state.update(&piece[..n]),
            }
        }
    })
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
