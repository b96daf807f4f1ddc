//! The engine: a thread that steps a model, and the handle to it.
//!
//! Requests go in through a channel, events come out of a queue with one wake-up for each step
//! ([`Engine::event_fd`]). The thread blocks on the channel when there is nothing to do. A handle
//! can be used from any thread.

use std::collections::HashMap;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, bounded, unbounded};
use parking_lot::Mutex;

use crate::embedding::TextModel;
use crate::event::{Done, Event};
use crate::exec::{Exec, Limits, PREFILL_CHUNK};
use crate::generation::{Generation, RequestOptions, Setting};
use crate::kv::blocks_for;
use crate::outbox::Outbox;
use crate::pass::{Collect, Pass};
use crate::sequence::{Sequence, Task};
use crate::text::Vocabulary;
use crate::worker::{self, Worker};
use crate::{Error, Result};

/// The sizes of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineConfig {
    /// Tokens of context of each sequence.
    pub num_ctx: usize,
    /// Sequences that share a step; others wait.
    pub parallel: usize,
    /// Rows of prompts in a step; at least [`PREFILL_CHUNK`] are taken.
    pub num_batch: usize,
    /// Logits of a row.
    pub n_vocab: usize,
    /// How vectors of texts are made.
    pub texts: TextModel,
}

impl EngineConfig {
    /// What the executor must have room for, on `threads` threads.
    pub fn limits(&self, threads: usize) -> Limits {
        if self.texts.encoder {
            // Memory of one step: each text may leave a part of its last block unused.
            let max_rows = self.prefill_rows();
            return Limits {
                max_rows,
                kv_blocks: blocks_for(max_rows) + self.parallel,
                threads,
            };
        }
        Limits {
            max_rows: self.prefill_rows() + self.parallel,
            kv_blocks: self.parallel * blocks_for(self.num_ctx),
            threads,
        }
    }

    /// Rows of prompts in a step.
    pub fn prefill_rows(&self) -> usize {
        let whole = if self.texts.encoder { self.num_ctx } else { 0 };
        self.num_batch.max(PREFILL_CHUNK).max(whole)
    }

    /// Refuses sizes that no engine can have.
    ///
    /// # Errors
    /// [`Error::Request`]: a size of 0, or more blocks than can be numbered.
    pub fn check(&self) -> Result<()> {
        let sizes = [
            ("num_ctx", self.num_ctx),
            ("parallel", self.parallel),
            ("num_batch", self.num_batch),
            ("n_vocab", self.n_vocab),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(Error::Request(format!("{name} must be above 0")));
        }
        let blocks = self.parallel.checked_mul(blocks_for(self.num_ctx));
        match blocks.and_then(|blocks| u32::try_from(blocks).ok()) {
            Some(_) => Ok(()),
            None => Err(Error::Request(format!(
                "num_ctx {} for {} sequences is more than can be addressed",
                self.num_ctx, self.parallel
            ))),
        }
    }
}

/// What the handle and the thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) outbox: Outbox,
    pub(crate) registry: Mutex<Registry>,
    pub(crate) free_blocks: AtomicUsize,
    pub(crate) closing: AtomicBool,
}

/// The requests that wait or run, with the flag that cancels each.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// The thread takes nothing any more.
    pub(crate) closed: bool,
    pub(crate) live: HashMap<u64, Arc<AtomicBool>>,
    /// Those whose caller waits for vectors.
    pub(crate) embeds: HashMap<u64, Arc<AtomicBool>>,
}

/// A loaded model and the thread that steps it.
pub struct Engine {
    config: EngineConfig,
    setting: Setting,
    pub(crate) shared: Arc<Shared>,
    inbox: Sender<worker::Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the thread. The executor must have been made for [`EngineConfig::limits`].
    ///
    /// # Errors
    /// [`Error::Request`]: a size of 0, more blocks than can be numbered, or the operating system
    /// has no thread or file descriptor left.
    pub fn start(
        exec: Box<dyn Exec>,
        vocabulary: Arc<dyn Vocabulary>,
        config: EngineConfig,
    ) -> Result<Self> {
        config.check()?;
        let eog = (0..config.n_vocab as u32).filter(|&id| vocabulary.is_eog(id));
        let setting = Setting {
            num_ctx: config.num_ctx,
            eog: eog.collect(),
            vocabulary,
        };
        let shared = Arc::new(Shared {
            outbox: Outbox::new().map_err(|error| no_resource(&error))?,
            registry: Mutex::default(),
            free_blocks: AtomicUsize::new(config.limits(0).kv_blocks),
            closing: AtomicBool::new(false),
        });
        let (inbox, commands) = unbounded();
        let worker = Worker::new(exec, setting.clone(), config, Arc::clone(&shared), commands);
        let thread = thread::Builder::new()
            .name("ollamars-engine".to_string())
            .spawn(move || worker::run(worker))
            .map_err(|error| no_resource(&error))?;
        Ok(Self {
            config,
            setting,
            shared,
            inbox,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The sizes it was started with.
    pub fn config(&self) -> EngineConfig {
        self.config
    }

    /// Readable when [`Engine::drain`] has news: read 8 bytes from it first (it never blocks),
    /// then drain. It belongs to the engine and must not be closed.
    pub fn event_fd(&self) -> RawFd {
        self.shared.outbox.fd()
    }

    /// Queues a request under the caller's `id`, which no live request may have. A prompt that
    /// cannot run gets an `error` event.
    ///
    /// # Errors
    /// [`Error::Request`]: an id in use, or an option that makes no sense; [`Error::Closed`].
    pub fn submit(&self, id: u64, prompt: Vec<u32>, options: RequestOptions) -> Result<()> {
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&cancelled);
        let generation = Generation::new(id, &prompt, options, &self.setting, cancelled)?;
        let mut registry = self.shared.registry.lock();
        if registry.live.contains_key(&id) {
            return Err(Error::Request(format!("request {id} is already running")));
        }
        if self.config.texts.encoder {
            let why = "this model makes embeddings, it does not generate text";
            return Err(Error::Request(why.to_string()));
        }
        if let Err(error) = self.check_tokens(&prompt, self.config.num_ctx.saturating_sub(1)) {
            let failed = generation.event(Some(Done::Error(error.to_string())));
            self.shared.outbox.push(&mut vec![failed]);
            return Ok(());
        }
        let sequence = Sequence::new(prompt, Task::Generate(Box::new(generation)));
        self.send(&registry, sequence)?;
        registry.live.insert(id, flag);
        Ok(())
    }

    /// Ends a request before the next step and frees its blocks. Idempotent, never waits for a
    /// step; an unknown id is no error.
    pub fn cancel(&self, id: u64) {
        let registry = self.shared.registry.lock();
        let flag = registry.live.get(&id).or(registry.embeds.get(&id));
        if let Some(flag) = flag {
            flag.store(true, Ordering::Release);
        }
    }

    /// All news since the last call, oldest first. Never blocks.
    pub fn drain(&self) -> Vec<Event> {
        self.shared.outbox.drain()
    }

    /// Requests that wait or run.
    pub fn active(&self) -> usize {
        self.shared.registry.lock().live.len()
    }

    /// Unused blocks of KV memory.
    pub fn free_blocks(&self) -> usize {
        self.shared.free_blocks.load(Ordering::Acquire)
    }

    /// Logits `[positions, n_vocab]` of a causal pass over `tokens` from an empty cache. Takes its
    /// turn among the requests; blocks until it is done.
    ///
    /// # Errors
    /// [`Error::Request`]: no token, more than `num_ctx`, one outside the vocabulary, no memory;
    /// [`Error::Exec`]; [`Error::Closed`].
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>> {
        self.pass(tokens, Collect::Logits)
    }

    /// Natural log-probabilities `[positions - 1]` of each token after the first, given those
    /// before it. As [`Engine::logits`], but keeps one number of each row.
    ///
    /// # Errors
    /// As [`Engine::logits`].
    pub fn log_probs(&self, tokens: &[u32]) -> Result<Vec<f32>> {
        self.pass(tokens, Collect::LogProbs)
    }

    /// Stops the thread after the running step and frees the model. What still runs gets a
    /// `cancelled` event. Idempotent.
    pub fn close(&self) {
        let mut thread = self.thread.lock();
        self.shared.closing.store(true, Ordering::Release);
        drop(self.inbox.send(worker::Command::Wake));
        if let Some(thread) = thread.take() {
            // A panic was reported by the thread itself.
            drop(thread.join());
        }
    }

    fn pass(&self, tokens: &[u32], collect: Collect) -> Result<Vec<f32>> {
        self.check_tokens(tokens, self.config.num_ctx)?;
        let (reply, answer) = bounded(1);
        let pass = Pass::new(collect, tokens.len(), self.config.n_vocab, reply)?;
        let sequence = Sequence::new(tokens.to_vec(), Task::Pass(pass));
        self.send(&self.shared.registry.lock(), sequence)?;
        answer.recv().map_err(|_| Error::Closed)?
    }

    /// The registry is locked, so that the thread cannot end in between and overlook the sequence.
    pub(crate) fn send(&self, registry: &Registry, sequence: Sequence) -> Result<()> {
        if registry.closed {
            return Err(Error::Closed);
        }
        let command = worker::Command::Run(sequence);
        self.inbox.send(command).map_err(|_| Error::Closed)
    }

    pub(crate) fn check_tokens(&self, tokens: &[u32], most: usize) -> Result<()> {
        let n_vocab = self.config.n_vocab;
        let why = if tokens.is_empty() {
            "the prompt has no token".to_string()
        } else if tokens.len() > most {
            format!(
                "request ({} tokens) exceeds the available context size ({} tokens), \
                 try increasing it",
                tokens.len(),
                self.config.num_ctx
            )
        } else if let Some(token) = tokens.iter().find(|&&token| token as usize >= n_vocab) {
            format!("token {token} is outside the vocabulary of {n_vocab} tokens")
        } else {
            return Ok(());
        };
        Err(Error::Request(why))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

fn no_resource(error: &std::io::Error) -> Error {
    Error::Request(format!("the engine cannot start: {error}"))
}
