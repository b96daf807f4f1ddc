//! From a file's path to a running engine.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use ollamars_grammar::{Compiler, Format, Grammar, Start};
use ollamars_tokenizer::Tokenizer;

use crate::Result;
use crate::engine::{Engine, EngineConfig};
use crate::model::Model;

/// Tokens of context where none are asked for: Ollama's default on a CPU.
const DEFAULT_CTX: usize = 4096;

/// Texts that share a step of an encoder: nothing of a text is kept after its step, so more of them
/// cost no memory.
const ENCODER_TEXTS: usize = 64;

/// How a model is to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOptions {
    /// Tokens of context of each sequence; 0: 4096. Never more than the model was trained with.
    pub num_ctx: usize,
    /// Sequences that share each step.
    pub parallel: usize,
    /// Rows of prompts in a step.
    pub num_batch: usize,
    /// Threads to compute with; 0: as many as there are physical cores.
    pub threads: usize,
    /// Name of the executor; empty: the best there is.
    pub exec: String,
}

/// A running engine, and what its model and executor say about themselves.
pub struct Loaded {
    /// The engine.
    pub engine: Engine,
    /// The vocabulary.
    pub tokenizer: Arc<Tokenizer>,
    /// `general.architecture`.
    pub architecture: String,
    /// Name of the executor that runs it.
    pub exec: String,
    /// Why it is not the one that was asked for.
    pub fallback: Option<&'static str>,
    /// `tokenizer.chat_template.rerank`: how a query and a document are put together.
    pub rerank_template: Option<String>,
    /// Bytes of weights and KV memory.
    pub memory: u64,
    /// Tokens of context that the model was trained with.
    pub train_ctx: usize,
    /// Made for the first format that is asked for.
    grammars: OnceLock<Compiler>,
}

impl Loaded {
    /// Compiles what texts of this model shall fit. Blocks, ten seconds at most; not on the
    /// engine's thread.
    ///
    /// # Errors
    /// [`crate::Error::Grammar`]: what is wrong with the format.
    pub fn grammar(&self, format: &Format, start: Start) -> Result<Grammar> {
        let compiler = match self.grammars.get() {
            Some(compiler) => compiler,
            None => {
                let made = Compiler::new(Arc::clone(&self.tokenizer))?;
                self.grammars.get_or_init(|| made)
            }
        };
        Ok(compiler.compile(format, start)?)
    }
}

fn rerank_template(model: &Model) -> Result<Option<String>> {
    let metadata = model.gguf().metadata();
    let template: Option<&str> = metadata.find("tokenizer.chat_template.rerank")?;
    Ok(template.map(str::to_owned))
}

/// Opens a model, loads its weights and starts its engine.
///
/// # Errors
/// As [`Model::open`], [`Model::load`] and [`Engine::start`].
pub fn load(path: &Path, options: &LoadOptions) -> Result<Loaded> {
    let model = Model::open(path)?;
    let asked = match options.num_ctx {
        0 => DEFAULT_CTX,
        asked => asked,
    };
    let texts = model.text_model();
    let config = EngineConfig {
        num_ctx: asked.min(model.train_ctx()),
        parallel: if texts.encoder {
            options.parallel.max(ENCODER_TEXTS)
        } else {
            options.parallel
        },
        num_batch: options.num_batch,
        n_vocab: model.n_vocab(),
        texts,
    };
    config.check()?;
    let exec = model.load(
        &options.exec,
        config.num_ctx,
        config.limits(options.threads),
    )?;
    let (name, memory) = (exec.name().to_owned(), exec.memory());
    let tokenizer = Arc::clone(model.tokenizer());
    Ok(Loaded {
        engine: Engine::start(exec, tokenizer.clone(), config)?,
        tokenizer,
        architecture: model.architecture().to_owned(),
        exec: name,
        rerank_template: rerank_template(&model)?,
        fallback: model.fallback(&options.exec),
        memory,
        train_ctx: model.train_ctx(),
        grammars: OnceLock::new(),
    })
}
