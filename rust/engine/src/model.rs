//! A model file: opened and checked first, loaded for a context and an executor then.
//!
//! ```no_run
//! use ollamars_engine::exec::Limits;
//! use ollamars_engine::model::Model;
//!
//! let model = Model::open("model.gguf")?;
//! let limits = Limits { max_rows: 512, kv_blocks: 128, threads: 0 };
//! let exec = model.load("", model.train_ctx().min(4096), limits)?;
//! assert_eq!(exec.name(), "candle/cpu");
//! # Ok::<(), ollamars_engine::Error>(())
//! ```

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use ollamars_gguf::Gguf;
use ollamars_tokenizer::Tokenizer;

use crate::exec::candle::{CandleExec, Route};
use crate::exec::{Exec, Limits};
use crate::program::Program;
use crate::spec::ModelSpec;
use crate::{Error, Result, arch, decoder};

/// Makes an executor that holds the model.
type Load = fn(Program, &Gguf, Limits) -> Result<Box<dyn Exec>>;

/// The executors, the best first.
const EXECUTORS: &[(&str, Load)] = &[
    ("candle", |program, gguf, limits| {
        candle(program, gguf, Route::Cpu, limits)
    }),
    ("candle-tensors", |program, gguf, limits| {
        candle(program, gguf, Route::Tensors, limits)
    }),
];

/// An open model file with its vocabulary; the weights are still in the file.
pub struct Model {
    gguf: Gguf,
    spec: ModelSpec,
    tokenizer: Arc<Tokenizer>,
}

impl Model {
    /// Opens the file, checks that it can be run, and reads its vocabulary.
    ///
    /// # Errors
    /// [`Error::Gguf`]: no such file, or a damaged one; [`Error::UnknownArchitecture`];
    /// [`Error::Metadata`] or [`Error::Tensor`]: something is missing or makes no sense;
    /// [`Error::Tokenizer`]: the vocabulary cannot be used.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(Gguf::open(path)?)
    }

    /// As [`Model::open`], of a file that is open.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn new(gguf: Gguf) -> Result<Self> {
        let spec = arch::read(&gguf, arch::train_ctx(&gguf)?)?;
        let tokenizer = Arc::new(Tokenizer::from_gguf(&gguf)?);
        Ok(Self {
            gguf,
            spec,
            tokenizer,
        })
    }

    /// `general.architecture`.
    pub fn architecture(&self) -> &str {
        &self.spec.architecture
    }

    /// Tokens of context that it was trained with.
    pub fn train_ctx(&self) -> usize {
        self.spec.train_ctx
    }

    /// Logits of a row.
    pub fn n_vocab(&self) -> usize {
        self.spec.n_vocab()
    }

    /// Width of the hidden state.
    pub fn n_embd(&self) -> usize {
        self.spec.n_embd()
    }

    /// The vocabulary.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.tokenizer
    }

    /// The file.
    pub fn gguf(&self) -> &Gguf {
        &self.gguf
    }

    /// Loads the weights into an executor, chosen by its name or the best one (`""`), for sequences
    /// of up to `num_ctx` tokens.
    ///
    /// # Errors
    /// [`Error::Request`]: no executor of that name; [`Error::Tensor`]: a weight that it cannot
    /// read; [`Error::Exec`]: no memory, or a device that fails.
    pub fn load(&self, exec: &str, num_ctx: usize, limits: Limits) -> Result<Box<dyn Exec>> {
        let named = |(name, _): &&(&str, Load)| exec.is_empty() || *name == exec;
        let (_, load) = EXECUTORS.iter().find(named).ok_or_else(|| {
            let names: Vec<_> = EXECUTORS.iter().map(|(name, _)| *name).collect();
            Error::Request(format!(
                "no executor '{exec}'; there are {}",
                names.join(", ")
            ))
        })?;
        let spec = arch::read(&self.gguf, num_ctx)?;
        load(decoder::record(&spec), &self.gguf, limits)
    }
}

fn candle(program: Program, gguf: &Gguf, route: Route, limits: Limits) -> Result<Box<dyn Exec>> {
    let exec = CandleExec::new(program, gguf, &Device::Cpu, route, limits)?;
    Ok(Box::new(exec))
}
