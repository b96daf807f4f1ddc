//! Vectors of texts through the engine: their order, other work beside them, and their end.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use common::{N_VOCAB, Reader, config, greedy, logits_after, start};
use ollamars_engine::embedding::TextModel;
use ollamars_engine::engine::{Engine, EngineConfig};
use ollamars_engine::program::Output;
use ollamars_engine::spec::Scale;

/// The scripted model's vectors are what its logits would be.
fn texts_of(num_ctx: usize, parallel: usize, labels: usize) -> EngineConfig {
    EngineConfig {
        texts: TextModel {
            width: N_VOCAB,
            labels,
            ..TextModel::default()
        },
        ..config(num_ctx, parallel)
    }
}

fn text(number: usize) -> Vec<u32> {
    (0..number % 40 + 1)
        .map(|at| ((at * 7 + number) % 60) as u32)
        .collect()
}

fn engine() -> Engine {
    start(texts_of(128, 4, 0), false, Box::new(|_| Ok(())))
}

#[test]
fn vectors_are_in_the_order_of_the_texts() {
    let engine = engine();
    let texts: Vec<_> = (0..100).map(text).collect();
    let vectors = engine.embed(1, texts.clone()).expect("vectors");
    let wanted: Vec<f32> = texts
        .iter()
        .flat_map(|text| logits_after(text, false))
        .collect();
    assert_eq!(vectors, wanted);
    assert!(engine.embed(1, Vec::new()).expect("none").is_empty());
    assert_eq!(engine.free_blocks(), engine.config().limits(0).kv_blocks);
}

#[test]
fn kinds_of_output_take_turns() {
    let seen = Arc::new(AtomicUsize::new(0));
    let steps = Arc::clone(&seen);
    let hook = move |batch: &ollamars_engine::batch::Batch| {
        let bit = if batch.output == Output::Logits {
            1
        } else {
            1 << 32
        };
        steps.fetch_add(bit, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(1));
        Ok(())
    };
    let engine = start(texts_of(128, 4, 0), true, Box::new(hook));
    engine.submit(9, vec![1, 2], greedy(40)).expect("submitted");
    let vectors = engine
        .embed(1, (0..20).map(text).collect())
        .expect("vectors");
    let wanted: Vec<f32> = (0..20).flat_map(|n| logits_after(&text(n), true)).collect();
    assert_eq!(vectors, wanted);
    let mut reader = Reader::default();
    reader.until_done(&engine, &[9]);
    assert_eq!(reader.tokens(9).len(), 40);
    let steps = seen.load(Ordering::Relaxed);
    assert!(steps >> 32 >= 5 && steps & 0xFFFF_FFFF >= 40, "{steps:x}");
}

#[test]
fn who_leaves_ends_the_work() {
    let slow = |_: &ollamars_engine::batch::Batch| {
        thread::sleep(Duration::from_millis(5));
        Ok(())
    };
    let engine = Arc::new(start(texts_of(128, 1, 0), false, Box::new(slow)));
    let other = Arc::clone(&engine);
    let work = thread::spawn(move || other.embed(7, (0..1000).map(text).collect()));
    thread::sleep(Duration::from_millis(50));
    engine.cancel(7);
    assert!(work.join().expect("no panic").is_err());
    assert_eq!(
        engine.embed(7, vec![text(3)]).expect("a vector"),
        logits_after(&text(3), false)
    );
}

#[test]
fn what_cannot_be_embedded() {
    let engine = engine();
    let error = |texts| engine.embed(1, texts).map_err(|error| error.to_string());
    assert_eq!(
        error(vec![vec![]]),
        Err("the prompt has no token".to_string())
    );
    assert!(error(vec![vec![1; 129]]).is_err_and(|why| why.contains("129 tokens")));
    assert!(error(vec![vec![64]]).is_err_and(|why| why.contains("token 64")));
    let scores = engine
        .scores(1, vec![vec![1]])
        .map_err(|error| error.to_string());
    let why = "this model does not give scores: it has no reranker's head";
    assert_eq!(scores, Err(why.to_string()));
}

#[test]
fn relevance_is_a_probability() {
    let relevance = |scale, relevant| {
        let mut config = texts_of(128, 2, N_VOCAB);
        config.texts.scale = scale;
        config.texts.relevant = relevant;
        let engine = start(config, false, Box::new(|_| Ok(())));
        engine.relevances(1, vec![text(5), text(6)]).expect("two")
    };
    let logits = logits_after(&text(6), false);
    assert_eq!(relevance(Scale::Bounded, 3)[1], logits[3]);
    let sigmoid = 1.0 / (1.0 + (-logits[2]).exp());
    assert!((relevance(Scale::Logits, 2)[1] - sigmoid).abs() < 1e-6);
    let total: f32 = logits.iter().map(|logit| logit.exp()).sum();
    let share = logits[4].exp() / total;
    assert!((relevance(Scale::Classes, 4)[1] - share).abs() < 1e-6);
}

#[test]
fn an_encoder_has_memory_for_a_step() {
    let mut config = texts_of(1000, 8, 0);
    config.num_batch = 64;
    config.texts.encoder = true;
    let limits = config.limits(1);
    assert_eq!((limits.max_rows, limits.kv_blocks), (1000, 32 + 8));
}
