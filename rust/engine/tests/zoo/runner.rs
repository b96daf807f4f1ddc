//! Runs prompts through an executor: alone, cut, or among others.

use std::path::Path;

use ollamars_engine::batch::{BLOCK, Batch, Heads};
use ollamars_engine::exec::cpu::{CpuExec, Options, unsupported};
use ollamars_engine::exec::{Exec, Limits};
use ollamars_engine::model::Model;
use ollamars_engine::program::{Output, Program};
use ollamars_engine::spec::{Embedder, Scale};
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
                if unsupported(&program).is_some() {
                    return model.load("cpu", CONTEXT, limits);
                }
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
    program: Program,
    embedder: Embedder,
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
        let spec = arch::read(model.gguf(), CONTEXT).map_err(|error| error.to_string())?;
        Ok(Self {
            exec,
            program: decoder::record(&spec),
            embedder: spec.embedder,
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

    /// Whether a text must be computed in one piece.
    pub fn is_encoder(&self) -> bool {
        self.program.is_encoder()
    }

    fn run(&mut self) -> Vec<Vec<f32>> {
        self.exec.run(&self.batch).expect("a step");
        let output = self.batch.output;
        let width = self.program.width(output).expect("an output of the model");
        let rows = match output {
            Output::Logits | Output::Hidden => self.batch.head_rows.len(),
            Output::Embedding | Output::Scores => self.batch.spans.len(),
        };
        let row = |index| {
            let mut row = vec![0.0; width];
            self.exec.logits(index, &mut row).expect("an output row");
            row
        };
        (0..rows).map(row).collect()
    }

    fn pass(&mut self, tokens: &[u32], cut: Cut, output: Output, heads: Heads) -> Vec<Vec<f32>> {
        let cut = if self.is_encoder() { Cut::Whole } else { cut };
        let (mut rows, mut start) = (Vec::new(), 0);
        for piece in cut.pieces(tokens) {
            self.batch.clear();
            self.batch.output = output;
            self.batch.push(start, piece, &Self::table(0), heads);
            start += piece.len();
            rows.extend(self.run());
        }
        rows
    }

    /// Logits of every position.
    pub fn rows(&mut self, tokens: &[u32], cut: Cut) -> Vec<Vec<f32>> {
        self.pass(tokens, cut, Output::Logits, Heads::All)
    }

    /// The embedding of one position alone.
    pub fn row(&mut self, tokens: &[u32], position: usize) -> Vec<f32> {
        self.batch.clear();
        self.batch.output = Output::Embedding;
        self.batch.push(0, tokens, &Self::table(0), Heads::All);
        self.batch.head_rows = vec![position as u32];
        self.run().remove(0)
    }

    /// The embedding of a text.
    pub fn embedding(&mut self, tokens: &[u32], cut: Cut, heads: Heads) -> Vec<f32> {
        let rows = self.pass(tokens, cut, Output::Embedding, heads);
        rows.last().expect("a row").clone()
    }

    /// A reranker's scores, as it gives them.
    pub fn scores(&mut self, tokens: &[u32], cut: Cut) -> Vec<f32> {
        let heads = self.embedder.pooling.heads();
        let rows = self.pass(tokens, cut, Output::Scores, heads);
        let scores = rows.last().expect("a row").clone();
        if self.embedder.score.as_ref().expect("scores").scale != Scale::Classes {
            return scores;
        }
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
            logits = self.run().pop().expect("a row");
            ids.push(best as u32);
        }
        ids
    }

    /// The prompt without its last 3 tokens, then these one by one: all logits.
    pub fn alone(&mut self, tokens: &[u32]) -> Vec<Vec<f32>> {
        self.together(&[tokens]).remove(0)
    }

    /// As [`Runner::alone`], for several in the same steps, the shorter ones going on while the longer
    /// are still at their prompts. An encoder computes whole texts: all in one step.
    pub fn together(&mut self, prompts: &[&[u32]]) -> Vec<Vec<Vec<f32>>> {
        let encoder = self.is_encoder();
        let mut rows = vec![Vec::new(); prompts.len()];
        while rows
            .iter()
            .zip(prompts)
            .any(|(rows, prompt)| rows.len() < prompt.len())
        {
            self.batch.clear();
            if encoder {
                self.batch.output = Output::Hidden;
            }
            let mut granted = Vec::new();
            for (index, (rows, prompt)) in rows.iter().zip(prompts).enumerate() {
                let rest = &prompt[rows.len()..];
                let take = match rest.len() {
                    all if encoder => all,
                    long if long > 3 => 13.min(long - 3),
                    short => short.min(1),
                };
                if take > 0 {
                    self.batch
                        .push(rows.len(), &rest[..take], &Self::table(index), Heads::All);
                    granted.push((index, take));
                }
            }
            let mut results = self.run().into_iter();
            for (index, take) in granted {
                rows[index].extend(results.by_ref().take(take));
            }
        }
        rows
    }
}
