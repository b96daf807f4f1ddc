//! A model whose next logits are a hash of all tokens it reads back from its KV memory: a block
//! given to two sequences, a wrong position or a lost token changes every text after it.

#![allow(dead_code, reason = "every test file uses its own part")]

use std::collections::HashMap;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ollamars_engine::batch::{BLOCK, Batch};
use ollamars_engine::embedding::TextModel;
use ollamars_engine::engine::{Engine, EngineConfig};
use ollamars_engine::event::Event;
use ollamars_engine::exec::{Exec, PREFILL_CHUNK};
use ollamars_engine::generation::RequestOptions;
use ollamars_engine::sample::SamplingOptions;
use ollamars_engine::text::Vocabulary;
use ollamars_engine::{Error, Result};

pub const N_VOCAB: usize = 64;
pub const EOG: u32 = 63;

/// Token `n` is the `n`-th of these; 62 is a control token, 63 the end.
const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

pub struct Letters {
    pub add_bos: bool,
}

impl Vocabulary for Letters {
    fn piece(&self, id: u32) -> &[u8] {
        let at = id as usize;
        LETTERS.get(at..at + 1).unwrap_or_default()
    }
    fn is_eog(&self, id: u32) -> bool {
        id == EOG
    }
    fn add_bos(&self) -> bool {
        self.add_bos
    }
}

/// Called before each step; may fail, panic, sleep or count.
pub type Hook = Box<dyn FnMut(&Batch) -> Result<()> + Send>;

pub struct Scripted {
    memory: HashMap<u32, [u32; BLOCK]>,
    heads: Vec<u64>,
    hook: Hook,
    /// Favours token `(last + 1) % N_VOCAB` over all others, so that texts are readable.
    successor: bool,
}

impl Scripted {
    pub fn new(successor: bool, hook: Hook) -> Self {
        Self {
            memory: HashMap::new(),
            heads: Vec::new(),
            hook,
            successor,
        }
    }

    fn write_and_read(&mut self, batch: &Batch) {
        let mut owners = HashMap::new();
        for (index, span) in batch.spans.iter().enumerate() {
            let table = &batch.blocks[span.blocks.clone()];
            for &block in table {
                assert!(
                    owners.insert(block, index).is_none(),
                    "block {block} has two owners"
                );
            }
            assert!(table.len() * BLOCK >= span.kv_len());
            let end = span.kv_len();
            let piece = span.start / PREFILL_CHUNK == (end - 1) / PREFILL_CHUNK;
            assert!(piece, "rows {}..{end} cross a cut", span.start);
            for row in span.rows.clone() {
                let p = batch.positions[row] as usize;
                assert_eq!(p, span.start + row - span.rows.start);
                self.memory
                    .entry(table[p / BLOCK])
                    .or_insert([u32::MAX; BLOCK])[p % BLOCK] = batch.tokens[row];
            }
        }
        self.heads.clear();
        for &row in &batch.head_rows {
            let row = row as usize;
            let span = batch
                .spans
                .iter()
                .find(|s| s.rows.contains(&row))
                .expect("a span");
            let table = &batch.blocks[span.blocks.clone()];
            let past = (0..=batch.positions[row] as usize)
                .map(|p| self.memory[&table[p / BLOCK]][p % BLOCK]);
            self.heads.push(hash(past, self.successor));
        }
    }
}

/// Of all tokens; the last one is in the low 6 bits.
fn hash(tokens: impl Iterator<Item = u32>, successor: bool) -> u64 {
    let mut last = 0;
    let mixed = tokens.fold(0x1234_5678_u64, |h, token| {
        last = u64::from(token);
        mix(h ^ last.wrapping_add(1))
    });
    if successor {
        (mixed & !63) | last
    } else {
        mixed
    }
}

fn mix(x: u64) -> u64 {
    let z = x
        .wrapping_add(0x9e37_79b9_7f4a_7c15)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (z >> 31)
}

/// The logits that the model gives after `tokens`.
pub fn logits_after(tokens: &[u32], successor: bool) -> Vec<f32> {
    let mut out = vec![0.0; N_VOCAB];
    write_logits(hash(tokens.iter().copied(), successor), successor, &mut out);
    out
}

fn write_logits(hash: u64, successor: bool, out: &mut [f32]) {
    for (logit, id) in out.iter_mut().zip(0..) {
        *logit = (mix(hash ^ (id << 40)) % 1000) as f32 / 125.0 - 4.0;
        if successor && id == (hash + 1) % N_VOCAB as u64 {
            *logit = 20.0;
        }
    }
}

impl Exec for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }
    fn memory(&self) -> u64 {
        0
    }
    fn run(&mut self, batch: &Batch) -> Result<()> {
        (self.hook)(batch)?;
        self.write_and_read(batch);
        Ok(())
    }
    fn logits(&mut self, index: usize, out: &mut [f32]) -> Result<()> {
        let hash = *self.heads.get(index).ok_or_else(|| Error::Exec {
            exec: "scripted".to_string(),
            why: format!("no head row {index}"),
        })?;
        write_logits(hash, self.successor, out);
        Ok(())
    }
}

pub fn config(num_ctx: usize, parallel: usize) -> EngineConfig {
    EngineConfig {
        num_ctx,
        parallel,
        num_batch: 512,
        n_vocab: N_VOCAB,
        texts: TextModel::default(),
    }
}

pub fn start(config: EngineConfig, successor: bool, hook: Hook) -> Engine {
    let exec = Box::new(Scripted::new(successor, hook));
    let vocabulary = Arc::new(Letters { add_bos: false });
    Engine::start(exec, vocabulary, config).expect("an engine")
}

/// An engine whose model says the alphabet on from the last token.
pub fn alphabet(num_ctx: usize, parallel: usize) -> Engine {
    start(config(num_ctx, parallel), true, Box::new(|_| Ok(())))
}

/// An engine whose model says a hash of what it read.
pub fn noise(num_ctx: usize, parallel: usize) -> Engine {
    start(config(num_ctx, parallel), false, Box::new(|_| Ok(())))
}

pub fn greedy(num_predict: i64) -> RequestOptions {
    RequestOptions {
        num_predict,
        sampling: SamplingOptions {
            temperature: 0.0,
            ..SamplingOptions::default()
        },
        ..RequestOptions::default()
    }
}

pub fn seeded(num_predict: i64, seed: i64) -> RequestOptions {
    RequestOptions {
        num_predict,
        sampling: SamplingOptions {
            seed,
            ..SamplingOptions::default()
        },
        ..RequestOptions::default()
    }
}

/// Waits until the descriptor is readable and reads it. False: nothing came in time.
pub fn wait(fd: RawFd, timeout: Duration) -> bool {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    let milliseconds = timeout.as_millis() as i32;
    // SAFETY: one pollfd that lives as long as the call.
    if unsafe { libc::poll(&raw mut poll, 1, milliseconds) } <= 0 {
        return false;
    }
    let mut count = [0_u8; 8];
    // SAFETY: the buffer has the 8 bytes that are asked for. Whether there was something to read
    // does not matter: another reader may have been faster.
    let _ = unsafe { libc::read(fd, count.as_mut_ptr().cast(), 8) };
    true
}

/// The events of request after request, as they come.
#[derive(Default)]
pub struct Reader {
    pub events: HashMap<u64, Vec<Event>>,
}

impl Reader {
    /// Reads once: waits for the descriptor, then drains.
    pub fn read(&mut self, engine: &Engine) -> bool {
        let news = wait(engine.event_fd(), Duration::from_secs(20));
        for event in engine.drain() {
            self.events.entry(event.id).or_default().push(event);
        }
        news
    }

    /// Reads until all of `ids` are done, and returns nothing but panics if they never are.
    pub fn until_done(&mut self, engine: &Engine, ids: &[u64]) {
        let end = Instant::now() + Duration::from_secs(30);
        while !ids.iter().all(|id| self.is_done(*id)) {
            assert!(Instant::now() < end, "no end in sight");
            assert!(self.read(engine), "a wake-up was lost");
        }
    }

    pub fn is_done(&self, id: u64) -> bool {
        let last = self.events.get(&id).and_then(|events| events.last());
        last.is_some_and(|event| event.done.is_some())
    }

    pub fn text(&self, id: u64) -> String {
        self.events[&id]
            .iter()
            .map(|event| event.text.as_str())
            .collect()
    }

    pub fn tokens(&self, id: u64) -> Vec<u32> {
        self.events[&id]
            .iter()
            .filter_map(|event| event.token)
            .collect()
    }

    pub fn last(&self, id: u64) -> &Event {
        self.events[&id].last().expect("an event")
    }

    pub fn done(&self, id: u64) -> &'static str {
        self.last(id).done.as_ref().map_or("", |done| done.name())
    }
}

/// Runs one request to its end.
pub fn run(engine: &Engine, prompt: Vec<u32>, options: RequestOptions) -> Reader {
    engine.submit(1, prompt, options).expect("submitted");
    let mut reader = Reader::default();
    reader.until_done(engine, &[1]);
    reader
}
