//! Runs prompts through an executor: alone, cut, or among others.

use std::path::Path;

use ollamars_engine::batch::{BLOCK, Batch, Heads};
use ollamars_engine::exec::cpu::{CpuExec, Options};
use ollamars_engine::exec::{Exec, Limits};
use ollamars_engine::model::Model;
use ollamars_engine::program::Output;
use ollamars_engine::{arch, decoder};
use ollamars_kernels::{KvType, Level};

/// Which executor runs a case.
#[derive(Debug, Clone, Copy)]
pub enum Executor {
    Named(&'static str),
    Cpu(Level, KvType),
}

impl Executor {
    /// Whether it keeps keys and values in halves.
    pub fn has_halves(self) -> bool {
        matches!(self, Self::Cpu(_, KvType::F16))
    }

    fn load(self, model: &Model, limits: Limits) -> ollamars_engine::Result<Box<dyn Exec>> {
        match self {
            Self::Named(name) => model.load(name, CONTEXT, limits),
            Self::Cpu(level, kv) => {
                let program = decoder::record(&arch::read(model.gguf(), CONTEXT)?);
                let exec = CpuExec::new(program, model.gguf(), Options { level, kv }, limits)?;
                Ok(Box::new(exec))
            }
        }
    }
}

/// How a prompt is cut into steps.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    Whole,
    Pieces(usize),
}

impl Cut {
    fn pieces(self, tokens: &[u32]) -> impl Iterator<Item = &[u32]> {
        tokens.chunks(match self {
            Self::Whole => tokens.len(),
            Self::Pieces(size) => size,
        })
    }
}

/// The context with which the recordings were made.
const CONTEXT: usize = 256;

pub struct Runner {
    exec: Box<dyn Exec>,
    n_vocab: usize,
    n_embd: usize,
    batch: Batch,
}

impl Runner {
    pub fn open(path: &Path, executor: Executor) -> Result<Self, String> {
        let model = Model::open(path).map_err(|error| error.to_string())?;
        let limits = Limits {
            max_rows: 512,
            kv_blocks: 4 * CONTEXT / BLOCK,
            threads: 0,
        };
        let exec = executor
            .load(&model, limits)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            exec,
            n_vocab: model.n_vocab(),
            n_embd: model.n_embd(),
            batch: Batch::default(),
        })
    }

    /// Blocks of sequence `index`: not in order, and apart from those of the others.
    fn table(index: usize) -> Vec<u32> {
        let blocks = CONTEXT / BLOCK;
        (0..blocks)
            .map(|block| ((blocks - 1 - block) * 4 + index) as u32)
            .collect()
    }

    fn run(&mut self, width: usize) -> Vec<Vec<f32>> {
        self.exec.run(&self.batch).expect("a step");
        let row = |index| {
            let mut row = vec![0.0; width];
            self.exec.logits(index, &mut row).expect("an output row");
            row
        };
        (0..self.batch.head_rows.len()).map(row).collect()
    }

    fn pass(&mut self, tokens: &[u32], cut: Cut, output: Output, width: usize) -> Vec<Vec<f32>> {
        let mut rows = Vec::new();
        for piece in cut.pieces(tokens) {
            self.batch.clear();
            self.batch.output = output;
            self.batch
                .push(rows.len(), piece, &Self::table(0), Heads::All);
            rows.extend(self.run(width));
        }
        rows
    }

    /// Logits of every position.
    pub fn rows(&mut self, tokens: &[u32], cut: Cut) -> Vec<Vec<f32>> {
        self.pass(tokens, cut, Output::Logits, self.n_vocab)
    }

    /// Hidden states of every position.
    pub fn hidden(&mut self, tokens: &[u32], cut: Cut) -> Vec<Vec<f32>> {
        self.pass(tokens, cut, Output::Hidden, self.n_embd)
    }

    /// A reranker's scores of two labels: softmax of the last position's.
    pub fn scores(&mut self, tokens: &[u32], cut: Cut) -> Vec<f32> {
        let scores = self
            .pass(tokens, cut, Output::Scores, 2)
            .pop()
            .expect("a row");
        let total: f32 = scores.iter().map(|x| x.exp()).sum();
        scores.iter().map(|x| x.exp() / total).collect()
    }

    /// The ids that follow by the largest logit.
    pub fn greedy(&mut self, tokens: &[u32], count: usize) -> Vec<u32> {
        let mut logits = self.rows(tokens, Cut::Whole).pop().expect("a row");
        let mut ids = Vec::new();
        while ids.len() < count {
            let best = (0..logits.len()).fold(0, |a, b| if logits[b] > logits[a] { b } else { a });
            self.batch.clear();
            let start = tokens.len() + ids.len();
            self.batch
                .push(start, &[best as u32], &Self::table(0), Heads::Last);
            logits = self.run(self.n_vocab).pop().expect("a row");
            ids.push(best as u32);
        }
        ids
    }

    /// The prompt without its last 3 tokens, then these one by one: all logits.
    pub fn alone(&mut self, tokens: &[u32]) -> Vec<Vec<f32>> {
        self.together(&[tokens]).remove(0)
    }

    /// As [`Runner::alone`], for several in the same steps, the shorter ones going on while the longer
    /// are still at their prompts.
    pub fn together(&mut self, prompts: &[&[u32]]) -> Vec<Vec<Vec<f32>>> {
        let mut rows = vec![Vec::new(); prompts.len()];
        while rows
            .iter()
            .zip(prompts)
            .any(|(rows, prompt)| rows.len() < prompt.len())
        {
            self.batch.clear();
            let mut granted = Vec::new();
            for (index, (rows, prompt)) in rows.iter().zip(prompts).enumerate() {
                let rest = &prompt[rows.len()..];
                let take = if rest.len() > 3 {
                    13.min(rest.len() - 3)
                } else {
                    rest.len().min(1)
                };
                if take > 0 {
                    self.batch
                        .push(rows.len(), &rest[..take], &Self::table(index), Heads::All);
                    granted.push((index, take));
                }
            }
            let mut logits = self.run(self.n_vocab).into_iter();
            for (index, take) in granted {
                rows[index].extend(logits.by_ref().take(take));
            }
        }
        rows
    }
}
