//! A pass over a text that wants one vector: its embedding, or a reranker's scores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;

use crate::batch::Heads;
use crate::exec::Exec;
use crate::program::{Output, Program};
use crate::scheduler::Grant;
use crate::spec::{ModelSpec, Pooling, Scale};
use crate::{Error, Result};

/// What an engine must know of its model to make vectors of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextModel {
    /// A text must be computed in one piece, and nothing of it is kept.
    pub encoder: bool,
    /// Which rows count.
    pub pooling: Pooling,
    /// Values of an embedding.
    pub width: usize,
    /// Scores of a text; 0: the model gives none.
    pub labels: usize,
    /// What the scores are.
    pub scale: Scale,
    /// Which of them tells how relevant a text is.
    pub relevant: usize,
}

impl TextModel {
    /// What `spec` and the program made of it say.
    pub fn new(spec: &ModelSpec, program: &Program) -> Self {
        let width = |output| program.width(output).unwrap_or(0);
        let score = spec.embedder.score.as_ref();
        Self {
            encoder: program.is_encoder(),
            pooling: spec.embedder.pooling,
            width: width(Output::Embedding),
            labels: width(Output::Scores),
            scale: score.map(|score| score.scale).unwrap_or_default(),
            relevant: score.map_or(0, |score| score.relevant),
        }
    }

    /// Values of a text's vector.
    pub fn values(&self, output: Output) -> usize {
        match output {
            Output::Scores => self.labels,
            _ => self.width,
        }
    }
}

/// The vector of a text by its number, or why there is none.
pub type Reply = (usize, Result<Vec<f32>>);

/// The state of one text.
#[derive(Debug)]
pub struct Embedding {
    index: usize,
    output: Output,
    pooling: Pooling,
    tokens: usize,
    sum: Vec<f32>,
    part: Vec<f32>,
    cancelled: Arc<AtomicBool>,
    reply: Sender<Reply>,
}

impl Embedding {
    /// The text of number `index`, of `tokens` tokens; answers through `reply`.
    pub fn new(
        index: usize,
        tokens: usize,
        output: Output,
        model: &TextModel,
        cancelled: Arc<AtomicBool>,
        reply: Sender<Reply>,
    ) -> Self {
        let values = model.values(output);
        Self {
            index,
            output,
            pooling: model.pooling,
            tokens,
            sum: vec![0.0; values],
            part: vec![0.0; values],
            cancelled,
            reply,
        }
    }

    /// What it wants of a step.
    pub fn output(&self) -> Output {
        self.output
    }

    /// Which of the next `rows` rows count, of `pending` ones after `computed`.
    pub fn heads(&self, computed: usize, rows: usize, pending: usize) -> Heads {
        match self.pooling {
            Pooling::Mean => Heads::All,
            Pooling::Cls if computed == 0 => Heads::First,
            Pooling::Last if rows == pending => Heads::Last,
            Pooling::Cls | Pooling::Last => Heads::None,
        }
    }

    /// Whether nobody waits for it any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Takes what a step pooled. The mean of a text in pieces is the mean of theirs by length.
    ///
    /// # Errors
    /// The executor's.
    pub fn take(&mut self, grant: &Grant, exec: &mut dyn Exec) -> Result<()> {
        if grant.heads.is_empty() {
            return Ok(());
        }
        exec.logits(grant.span, &mut self.part)?;
        let share = grant.heads.len() as f32 / self.tokens as f32;
        let weight = if self.pooling == Pooling::Mean {
            share
        } else {
            1.0
        };
        for (sum, part) in self.sum.iter_mut().zip(&self.part) {
            *sum += weight * part;
        }
        Ok(())
    }

    /// Answers. Nobody waiting is no error.
    pub fn finish(self, failed: Option<Error>) {
        let answer = failed.map_or(Ok(self.sum), Err);
        drop(self.reply.send((self.index, answer)));
    }
}
