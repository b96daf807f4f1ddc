//! The engine's handle and its events.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use ollamars_engine::Error;
use ollamars_engine::load::{LoadOptions, Loaded, load};
use ollamars_grammar::{Format, Start};
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use crate::errors::core_error;
use crate::grammar::Grammar;
use crate::options::request_options;
use crate::tokenizer::Tokenizer;

/// One step's news of one request.
#[pyclass(frozen, module = "ollamars._core")]
pub struct Event {
    event: ollamars_engine::event::Event,
}

#[pymethods]
impl Event {
    #[getter]
    fn id(&self) -> u64 {
        self.event.id
    }

    #[getter]
    fn text(&self) -> &str {
        &self.event.text
    }

    #[getter]
    fn token(&self) -> i64 {
        self.event.token.map_or(-1, i64::from)
    }

    #[getter]
    fn logprob(&self) -> Option<f32> {
        self.event.logprob
    }

    #[getter]
    fn top(&self) -> Vec<(u32, f32)> {
        self.event.top.clone()
    }

    #[getter]
    fn done(&self) -> Option<&'static str> {
        self.event.done.as_ref().map(|done| done.name())
    }

    #[getter]
    fn error(&self) -> Option<&str> {
        self.event.error()
    }

    #[getter]
    fn prompt_tokens(&self) -> usize {
        self.event.prompt_tokens
    }

    #[getter]
    fn eval_tokens(&self) -> usize {
        self.event.eval_tokens
    }

    #[getter]
    fn prompt_ns(&self) -> u64 {
        self.event.prompt_ns
    }

    #[getter]
    fn eval_ns(&self) -> u64 {
        self.event.eval_ns
    }
}

/// A loaded model and the thread that steps it.
#[pyclass(frozen, module = "ollamars._core")]
pub struct Engine {
    loaded: Loaded,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (path, *, num_ctx = 0, parallel = 1, num_batch = 512, threads = 0, exec = ""))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        num_ctx: usize,
        parallel: usize,
        num_batch: usize,
        threads: usize,
        exec: &str,
    ) -> PyResult<Self> {
        let options = LoadOptions {
            num_ctx,
            parallel,
            num_batch,
            threads,
            exec: exec.to_owned(),
        };
        let loaded = py.detach(|| load(&path, &options)).map_err(load_error)?;
        Ok(Self { loaded })
    }

    #[getter]
    fn num_ctx(&self) -> usize {
        self.loaded.engine.config().num_ctx
    }

    #[getter]
    fn n_vocab(&self) -> usize {
        self.loaded.engine.config().n_vocab
    }

    #[getter]
    fn train_ctx(&self) -> usize {
        self.loaded.train_ctx
    }

    #[getter]
    fn n_embd(&self) -> usize {
        self.loaded.engine.config().texts.width
    }

    #[getter]
    fn n_labels(&self) -> usize {
        self.loaded.engine.config().texts.labels
    }

    #[getter]
    fn architecture(&self) -> &str {
        &self.loaded.architecture
    }

    #[getter]
    fn exec(&self) -> &str {
        &self.loaded.exec
    }

    #[getter]
    fn rerank_template(&self) -> Option<&str> {
        self.loaded.rerank_template.as_deref()
    }

    #[getter]
    fn fallback(&self) -> Option<&'static str> {
        self.loaded.fallback
    }

    #[getter]
    fn memory(&self) -> u64 {
        self.loaded.memory
    }

    #[getter]
    fn tokenizer(&self) -> Tokenizer {
        Tokenizer::from(Arc::clone(&self.loaded.tokenizer))
    }

    #[getter]
    fn event_fd(&self) -> i32 {
        self.loaded.engine.event_fd()
    }

    fn submit(&self, id: u64, prompt: Vec<u32>, options: &Bound<'_, PyMapping>) -> PyResult<()> {
        let options = request_options(options)?;
        self.loaded
            .engine
            .submit(id, prompt, options)
            .map_err(core_error)
    }

    #[pyo3(signature = (kind, text = "", *, after = None))]
    fn grammar(
        &self,
        py: Python<'_>,
        kind: &str,
        text: &str,
        after: Option<(String, String)>,
    ) -> PyResult<Grammar> {
        let start = match after {
            None => Start::AtOnce,
            Some((opening, closing)) => Start::AfterThinking { opening, closing },
        };
        let format = Format::named(kind, text.to_owned()).map_err(core_error)?;
        let grammar = py.detach(|| self.loaded.grammar(&format, start));
        grammar.map(Grammar::from).map_err(core_error)
    }

    fn cancel(&self, id: u64) {
        self.loaded.engine.cancel(id);
    }

    fn drain(&self) -> Vec<Event> {
        let events = self.loaded.engine.drain().into_iter();
        events.map(|event| Event { event }).collect()
    }

    fn active(&self) -> usize {
        self.loaded.engine.active()
    }

    fn free_blocks(&self) -> usize {
        self.loaded.engine.free_blocks()
    }

    fn logits<'py>(&self, py: Python<'py>, ids: Vec<u32>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let logits = py
            .detach(|| self.loaded.engine.logits(&ids))
            .map_err(core_error)?;
        PyArray1::from_vec(py, logits).reshape([ids.len(), self.n_vocab()])
    }

    fn log_probs<'py>(
        &self,
        py: Python<'py>,
        ids: Vec<u32>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let values = py
            .detach(|| self.loaded.engine.log_probs(&ids))
            .map_err(core_error)?;
        Ok(PyArray1::from_vec(py, values))
    }

    fn embed<'py>(
        &self,
        py: Python<'py>,
        id: u64,
        texts: Vec<Vec<u32>>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let shape = [texts.len(), self.n_embd()];
        let vectors = py.detach(|| self.loaded.engine.embed(id, texts));
        PyArray1::from_vec(py, vectors.map_err(core_error)?).reshape(shape)
    }

    fn scores<'py>(
        &self,
        py: Python<'py>,
        id: u64,
        texts: Vec<Vec<u32>>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let shape = [texts.len(), self.n_labels()];
        let scores = py.detach(|| self.loaded.engine.scores(id, texts));
        PyArray1::from_vec(py, scores.map_err(core_error)?).reshape(shape)
    }

    fn relevances<'py>(
        &self,
        py: Python<'py>,
        id: u64,
        texts: Vec<Vec<u32>>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let relevances = py.detach(|| self.loaded.engine.relevances(id, texts));
        Ok(PyArray1::from_vec(py, relevances.map_err(core_error)?))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.loaded.engine.close());
    }
}

/// `OSError` for what the system refused while loading, `CoreError` for the rest.
/// `OSError` for a file that cannot be read, else what [`core_error`] says.
pub fn load_error(error: Error) -> PyErr {
    match error {
        Error::Gguf(error) => crate::gguf::gguf_error(error),
        error => core_error(error),
    }
}
