//! A model file: opened and checked first, loaded for a context and an executor then.
//!
//! ```no_run
//! use ollamars_engine::exec::Limits;
//! use ollamars_engine::model::Model;
//!
//! let model = Model::open("model.gguf")?;
//! let limits = Limits { max_rows: 512, kv_blocks: 128, threads: 0 };
//! let exec = model.load("", model.train_ctx().min(4096), limits)?;
//! assert!(exec.name().starts_with("cpu-"));
//! # Ok::<(), ollamars_engine::Error>(())
//! ```

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use ollamars_gguf::Gguf;
use ollamars_kernels::{KvType, Level};
use ollamars_tokenizer::Tokenizer;

use crate::embedding::TextModel;
use crate::exec::candle::{CandleExec, Route};
use crate::exec::cpu::{CpuExec, Options};
use crate::exec::{Exec, Limits};
use crate::program::Program;
use crate::spec::ModelSpec;
use crate::{Error, Result, arch, decoder, exec};

/// Makes an executor that holds the model; the text is what follows the executor's name.
type Load = fn(Program, &Gguf, Limits, Option<&str>) -> Result<Box<dyn Exec>>;

/// The executors, the default first: name, what may follow it after a dash, and how one is made.
const EXECUTORS: &[(&str, &str, Load)] = &[
    ("cpu", "cpu-LEVEL", cpu),
    ("candle", "candle-tensors", candle),
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

    /// How vectors of texts are made.
    pub fn text_model(&self) -> TextModel {
        TextModel::new(&self.spec, &decoder::record(&self.spec))
    }

    /// Why the model runs on candle although another executor is asked for, if it does.
    pub fn fallback(&self, exec: &str) -> Option<&'static str> {
        let cpu = named(exec).is_ok_and(|(name, ..)| *name == "cpu");
        let program = || decoder::record(&self.spec);
        cpu.then(|| exec::cpu::unsupported(&program())).flatten()
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
        let variant = exec.split_once('-').map(|(_, variant)| variant);
        let (.., load) = named(exec)?;
        let spec = arch::read(&self.gguf, num_ctx)?;
        load(decoder::record(&spec), &self.gguf, limits, variant)
    }
}

/// The executor of a name, which may have a variant; the default one for an empty name.
fn named(exec: &str) -> Result<&'static (&'static str, &'static str, Load)> {
    let name = exec.split_once('-').map_or(exec, |(name, _)| name);
    let mut all = EXECUTORS.iter();
    let found = all.find(|(known, ..)| name.is_empty() || *known == name);
    found.ok_or_else(|| unknown(exec))
}

fn unknown(exec: &str) -> Error {
    let names = EXECUTORS.iter().flat_map(|(name, more, _)| [*name, *more]);
    let names: Vec<_> = names.collect();
    Error::Request(format!(
        "no executor '{exec}'; there are {}",
        names.join(", ")
    ))
}

fn candle(
    program: Program,
    gguf: &Gguf,
    limits: Limits,
    variant: Option<&str>,
) -> Result<Box<dyn Exec>> {
    let route = match variant {
        None => Route::Cpu,
        Some("tensors") => Route::Tensors,
        Some(other) => return Err(unknown(&format!("candle-{other}"))),
    };
    let exec = CandleExec::new(program, gguf, &Device::Cpu, route, limits)?;
    Ok(Box::new(exec))
}

fn cpu(
    program: Program,
    gguf: &Gguf,
    limits: Limits,
    variant: Option<&str>,
) -> Result<Box<dyn Exec>> {
    let level = Level::choose(variant).map_err(|error| Error::Request(error.to_string()))?;
    if exec::cpu::unsupported(&program).is_some() {
        return candle(program, gguf, limits, None);
    }
    // Memory of an encoder is one layer's, for one step.
    let kv = if program.is_encoder() {
        KvType::F32
    } else {
        KvType::F16
    };
    let exec = CpuExec::new(program, gguf, Options { level, kv }, limits)?;
    Ok(Box::new(exec))
}
