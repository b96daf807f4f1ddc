//! The processor's own executor: kernels of `ollamars-kernels`, one parallel region a step.
//!
//! Weights are packed in their own type. At load the program becomes a [`plan`]; a step is a walk of
//! all threads over its stages, without an allocation or a lock in any of them. A row's bits depend
//! on nothing but its own sequence: products are chains over the inner dimension, and attention goes
//! over a sequence's past in fixed chunks.

mod arena;
mod attend;
mod experts;
mod lower;
mod plan;
mod products;
mod rows;
mod step;
mod threads;
mod units;
mod weights;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use ollamars_gguf::Gguf;
use ollamars_kernels::{
    self as kernels, Acts, ActsView, Aligned, AttentionScratch, Cursor, KvCache, KvType, KvView,
    Level, Pool, Shared,
};

use super::machine::{self, can_reserve};
use super::{Exec, Limits};
use crate::batch::{BLOCK, Batch};
use crate::program::{Op, Program, RowSet};
use crate::spec::Activation;
use crate::{Error, Result};
use experts::Choices;
use plan::{Held, Plan, Reg, SlotSpec};
use step::{Line, Queries, Step};
use weights::Weights;

const _: () = assert!(BLOCK == kernels::BLOCK, "one size of blocks");

/// How a model is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The instructions that are used.
    pub level: Level,
    /// How keys and values are stored.
    pub kv: KvType,
}

/// Why a program cannot be run here.
pub fn unsupported(program: &Program) -> Option<&'static str> {
    let has_bias = |op: &Op| matches!(op, Op::Attend { shape, .. } if shape.alibi.is_some());
    program
        .ops
        .iter()
        .any(has_bias)
        .then_some("attention with linear biases")
}

/// The executor.
#[derive(Debug)]
pub struct CpuExec {
    name: String,
    program: Program,
    plan: Plan,
    weights: Weights,
    memory: Vec<KvCache>,
    arena: Aligned<f32>,
    acts: Vec<Acts>,
    choices: Choices,
    scratch: Vec<Line<Mutex<AttentionScratch>>>,
    cursors: Vec<Line<Cursor>>,
    queries: Vec<Queries>,
    visible: Vec<Vec<Range<usize>>>,
    span_heads: Vec<Range<usize>>,
    options: Options,
    limits: Limits,
    pool: Arc<Pool>,
    threads: usize,
    /// Where the last step's result lies, and its rows.
    output: Option<(Reg, usize)>,
}

impl CpuExec {
    /// Packs the weights of `program` from `gguf`.
    ///
    /// # Errors
    /// [`Error::Tensor`]: a type that cannot be read; [`Error::Exec`]: no memory, or no threads.
    pub fn new(program: Program, gguf: &Gguf, options: Options, limits: Limits) -> Result<Self> {
        let threads = machine::threads(limits.threads);
        let pool = threads::pool(threads)?;
        let weights = Weights::load(&program, gguf, options.level, &pool)?;
        let plan = lower::lower(&program, &weights, limits.max_rows, threads);
        let memory = memory(&program, options.kv, limits.kv_blocks)?;
        let most = |of: fn(&crate::program::CacheSpec) -> usize| {
            program.caches.iter().map(of).max().unwrap_or(0)
        };
        let (key_dim, value_dim) = (most(|cache| cache.key_dim), most(|cache| cache.value_dim));
        let scratch = || Line(Mutex::new(AttentionScratch::new(key_dim, value_dim)));
        Ok(Self {
            name: format!("cpu-{}/cpu", options.level),
            arena: arena(plan.arena)?,
            acts: plan
                .slots
                .iter()
                .map(|slot| acts(slot, &plan, limits))
                .collect(),
            choices: Choices::new(&plan, limits.max_rows),
            scratch: (0..threads).map(|_| scratch()).collect(),
            cursors: plan.stages.iter().map(|_| Line::default()).collect(),
            queries: Vec::new(),
            visible: vec![Vec::new(); plan.masks.len()],
            span_heads: Vec::new(),
            program,
            plan,
            weights,
            memory,
            options,
            limits,
            pool,
            threads,
            output: None,
        })
    }
}

impl Exec for CpuExec {
    fn name(&self) -> &str {
        &self.name
    }

    fn memory(&self) -> u64 {
        let memory: usize = self.memory.iter().map(KvCache::bytes).sum();
        (self.weights.bytes() + memory) as u64
    }

    fn run(&mut self, batch: &Batch) -> Result<()> {
        self.output = None;
        batch.check(&self.program, &self.limits)?;
        let ending = self.plan.endings.iter().find(|e| e.output == batch.output);
        let ending = ending.ok_or_else(|| {
            Error::Request(format!(
                "this model has no output of the kind {:?}",
                batch.output
            ))
        })?;
        attend::prepare(
            batch,
            &self.plan.masks,
            &mut self.queries,
            &mut self.visible,
        );
        self.cursors.iter().for_each(|line| line.0.reset());
        self.span_heads.clear();
        self.span_heads.extend(batch.span_heads());
        let heads = batch.head_rows.len();
        let slots = self.acts.iter_mut().zip(&self.plan.slots);
        let acts: Vec<ActsView> = slots
            .map(|(acts, slot)| {
                let rows = match slot.held {
                    Held::Set(RowSet::All) => batch.rows(),
                    Held::Set(RowSet::Heads) => heads,
                    Held::Set(RowSet::Spans) => batch.spans.len(),
                    Held::Routed => acts.capacity(),
                };
                acts.view(rows)
            })
            .collect();
        let kv: Vec<KvView> = self.memory.iter_mut().map(KvCache::view).collect();
        let step = Step {
            program: &self.program,
            plan: &self.plan,
            weights: &self.weights,
            level: self.options.level,
            batch,
            arena: Shared::new(&mut self.arena),
            acts: &acts,
            kv: &kv,
            visible: &self.visible,
            span_heads: &self.span_heads,
            queries: &self.queries,
            routing: self.choices.routing(),
            cursors: &self.cursors,
        };
        let (stored, trunk, scratch) = (self.plan.stored, self.plan.trunk, &self.scratch);
        let ran = self.pool.run(self.threads, |worker| {
            // A step that panicked leaves nothing there that the next one reads.
            let scratch = scratch[worker.index()].0.lock();
            let mut scratch = scratch.unwrap_or_else(PoisonError::into_inner);
            if heads == 0 {
                return step.work(worker, 0..stored, &mut scratch);
            }
            step.work(worker, 0..trunk, &mut scratch);
            step.work(worker, ending.stages.clone(), &mut scratch);
        });
        ran.map_err(|panicked| failed(panicked.to_string()))?;
        let rows = match ending.set {
            RowSet::All => batch.rows(),
            RowSet::Heads => heads,
            RowSet::Spans => batch.spans.len(),
        };
        self.output = Some((ending.out, rows));
        Ok(())
    }

    fn logits(&mut self, index: usize, out: &mut [f32]) -> Result<()> {
        let (reg, rows) = self.output.ok_or_else(|| failed("no step has run"))?;
        let place = self.plan.places[reg.0];
        if index >= rows || out.len() != place.width {
            return Err(failed(format!(
                "row {index} of {rows}, {} numbers for a buffer of {}",
                place.width,
                out.len()
            )));
        }
        let start = place.start + index * place.width;
        out.copy_from_slice(&self.arena[start..start + place.width]);
        Ok(())
    }
}

impl From<Activation> for kernels::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Silu => Self::Silu,
            Activation::Gelu => Self::Gelu,
        }
    }
}

/// The KV memory of all layers. What no token has touched is not there.
fn memory(program: &Program, ty: KvType, blocks: usize) -> Result<Vec<KvCache>> {
    let layer = |cache: &crate::program::CacheSpec| {
        let values = cache
            .key_dim
            .checked_add(cache.value_dim.next_multiple_of(16));
        let bytes = [cache.heads, BLOCK, blocks, ty.bytes()]
            .into_iter()
            .try_fold(values?, usize::checked_mul)?;
        let fits = can_reserve(bytes);
        fits.then(|| KvCache::new(ty, cache.heads, cache.key_dim, cache.value_dim, blocks))
    };
    let layers = program.caches.iter().map(layer).collect::<Option<_>>();
    layers.ok_or_else(|| failed(format!("no memory for a KV cache of {blocks} blocks")))
}

fn arena(size: usize) -> Result<Aligned<f32>> {
    if !can_reserve(size.saturating_mul(size_of::<f32>())) {
        return Err(failed(format!("no memory for {size} numbers of a step")));
    }
    Ok(Aligned::zeroed(size))
}

/// Memory for what a slot holds.
fn acts(slot: &SlotSpec, plan: &Plan, limits: Limits) -> Acts {
    let rows = match slot.held {
        Held::Set(_) => limits.max_rows,
        Held::Routed => {
            let routed = plan.experts.iter().map(|e| e.places(limits.max_rows));
            routed.max().unwrap_or(0)
        }
    };
    Acts::new(slot.kind, slot.inputs, rows)
}

fn failed(why: impl Into<String>) -> Error {
    Error::Exec {
        exec: "cpu".to_string(),
        why: why.into(),
    }
}
