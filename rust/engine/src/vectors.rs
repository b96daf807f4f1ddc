//! Vectors of whole texts: what the engine's handle does beside generating text.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, unbounded};

use crate::embedding::{Embedding, Reply, TextModel};
use crate::engine::Engine;
use crate::program::Output;
use crate::sample::log_sum_exp;
use crate::sequence::{Sequence, Task};
use crate::spec::Scale;
use crate::{Error, Result};

impl Engine {
    /// The embeddings of texts, `[texts, width]`, as they are computed: not of length 1. They take
    /// their turn among the requests; blocks until all are done, or until [`Engine::cancel`] of
    /// `id`, which nothing else may have.
    ///
    /// # Errors
    /// [`Error::Request`]: a text without a token, with more than `num_ctx`, or with one outside the
    /// vocabulary; [`Error::Exec`]; [`Error::Closed`], also if it was cancelled.
    pub fn embed(&self, id: u64, texts: Vec<Vec<u32>>) -> Result<Vec<f32>> {
        self.vectors(id, texts, Output::Embedding)
    }

    /// A reranker's scores of texts, `[texts, labels]`. As [`Engine::embed`].
    ///
    /// # Errors
    /// As [`Engine::embed`], and [`Error::Request`]: the model gives no scores.
    pub fn scores(&self, id: u64, texts: Vec<Vec<u32>>) -> Result<Vec<f32>> {
        let TextModel { labels, scale, .. } = self.config().texts;
        if labels == 0 {
            let why = "this model does not give scores: it has no reranker's head";
            return Err(Error::Request(why.to_string()));
        }
        let mut scores = self.vectors(id, texts, Output::Scores)?;
        if scale == Scale::Classes {
            scores.chunks_exact_mut(labels).for_each(self::softmax);
        }
        Ok(scores)
    }

    /// How relevant each text of a reranker is, `[texts]`: the score that counts, as a probability
    /// where it is a logit. As [`Engine::scores`].
    ///
    /// # Errors
    /// As [`Engine::scores`].
    pub fn relevances(&self, id: u64, texts: Vec<Vec<u32>>) -> Result<Vec<f32>> {
        let scores = self.scores(id, texts)?;
        let model = &self.config().texts;
        let sigmoid = |logit: f32| 1.0 / (1.0 + (-logit).exp());
        let relevance = |score: &f32| match model.scale {
            Scale::Logits => sigmoid(*score),
            Scale::Classes | Scale::Bounded => *score,
        };
        let relevant = scores.iter().skip(model.relevant).step_by(model.labels);
        Ok(relevant.map(relevance).collect())
    }

    fn vectors(&self, id: u64, texts: Vec<Vec<u32>>, output: Output) -> Result<Vec<f32>> {
        for text in &texts {
            self.check_tokens(text, self.config().num_ctx)?;
        }
        let (count, model) = (texts.len(), &self.config().texts);
        let cancelled = Arc::new(AtomicBool::new(false));
        let (reply, answers) = unbounded();
        {
            let mut registry = self.shared.registry.lock();
            for (index, text) in texts.into_iter().enumerate() {
                let (flag, reply) = (Arc::clone(&cancelled), reply.clone());
                let embedding = Embedding::new(index, text.len(), output, model, flag, reply);
                let task = Task::Embed(Box::new(embedding));
                self.send(&registry, Sequence::new(text, task))?;
            }
            registry.embeds.insert(id, Arc::clone(&cancelled));
        }
        drop(reply);
        let vectors = collect(&answers, count, model.values(output));
        // What is left of a failed request is of no use.
        cancelled.store(true, Ordering::Release);
        self.shared.registry.lock().embeds.remove(&id);
        vectors
    }
}

/// Puts answers in the order of their texts.
fn collect(answers: &Receiver<Reply>, count: usize, width: usize) -> Result<Vec<f32>> {
    let mut vectors = vec![0.0; count * width];
    for _ in 0..count {
        let (index, vector) = answers.recv().map_err(|_| Error::Closed)?;
        let places = vectors.get_mut(index * width..(index + 1) * width);
        places.unwrap_or_default().copy_from_slice(&vector?);
    }
    Ok(vectors)
}

fn softmax(logits: &mut [f32]) {
    let total = log_sum_exp(logits);
    for logit in logits {
        *logit = (f64::from(*logit) - total).exp() as f32;
    }
}
