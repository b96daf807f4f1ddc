//! Timed steps.

use std::path::PathBuf;

use ollamars_engine::Error;
use ollamars_engine::meter::{Meter as Timed, MeterOptions};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::engine::load_error;
use crate::errors::core_error;

/// A loaded model whose steps are timed.
#[pyclass(frozen, module = "ollamars._core")]
pub struct Meter {
    timed: Mutex<Timed>,
}

#[pymethods]
impl Meter {
    #[new]
    #[pyo3(signature = (path, *, exec = "", threads = 0, context = 4096, sequences = 1))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        exec: &str,
        threads: usize,
        context: usize,
        sequences: usize,
    ) -> PyResult<Self> {
        let options = MeterOptions {
            exec: exec.to_owned(),
            threads,
            context,
            sequences,
        };
        let timed = py.detach(|| Timed::open(&path, options));
        let timed = Mutex::new(timed.map_err(load_error)?);
        Ok(Self { timed })
    }

    #[getter]
    fn exec(&self) -> String {
        self.timed.lock().exec().to_owned()
    }

    #[getter]
    fn memory(&self) -> u64 {
        self.timed.lock().memory()
    }

    #[getter]
    fn load_seconds(&self) -> f64 {
        self.timed.lock().load_time().as_secs_f64()
    }

    #[pyo3(signature = (tokens, *, start = 0, sequence = 0))]
    fn prefill(
        &self,
        py: Python<'_>,
        tokens: usize,
        start: usize,
        sequence: usize,
    ) -> PyResult<f64> {
        let time = py.detach(|| self.timed.lock().prefill(sequence, start, tokens));
        seconds(time)
    }

    #[pyo3(signature = (tokens, *, start = 0, sequences = 1))]
    fn decode(
        &self,
        py: Python<'_>,
        tokens: usize,
        start: usize,
        sequences: usize,
    ) -> PyResult<f64> {
        let time = py.detach(|| self.timed.lock().decode(sequences, start, tokens));
        seconds(time)
    }
}

fn seconds(time: Result<std::time::Duration, Error>) -> PyResult<f64> {
    time.map(|time| time.as_secs_f64()).map_err(core_error)
}
