//! The handle, the thread and the events, over a model whose text depends on all it has read.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{EOG, N_VOCAB, Reader, alphabet, config, greedy, noise, run, seeded, start};
use ollamars_engine::Error;
use ollamars_engine::engine::Engine;
use ollamars_engine::event::Done;
use ollamars_engine::generation::RequestOptions;
use ollamars_engine::kv::blocks_for;
use ollamars_engine::outbox::MOST_UNDELIVERED;
use ollamars_engine::sample::{Rng, SamplingOptions, log_sum_exp};

fn request(engine: &Engine, id: u64, prompt: &[u32], options: &RequestOptions) {
    engine
        .submit(id, prompt.to_vec(), options.clone())
        .expect("submitted");
}

/// Waits for what the thread will do on its own.
fn eventually(what: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < end, "it never happened");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_request_says_the_alphabet() {
    let engine = alphabet(256, 1);
    let reader = run(&engine, vec![5, 0], greedy(5));
    assert_eq!(
        (reader.text(1).as_str(), reader.done(1)),
        ("bcdef", "length")
    );
    assert_eq!(reader.tokens(1), [1, 2, 3, 4, 5]);
    let last = reader.last(1);
    assert_eq!((last.prompt_tokens, last.eval_tokens), (2, 5));
    assert!(last.prompt_ns > 0 && last.eval_ns > 0 && last.error().is_none());
    assert_eq!(
        (engine.active(), engine.free_blocks()),
        (0, blocks_for(256))
    );
}

#[test]
fn the_end_token_is_counted_and_not_said() {
    let engine = alphabet(256, 1);
    let reader = run(&engine, vec![60], greedy(-1));
    assert_eq!((reader.text(1).as_str(), reader.done(1)), ("9", "stop"));
    assert_eq!(reader.tokens(1), [61, 62, EOG]);
    let endless = RequestOptions {
        ignore_eog: true,
        ..greedy(9)
    };
    let reader = run(&engine, vec![60], endless);
    assert_eq!((reader.tokens(1).len(), reader.done(1)), (9, "length"));
    assert!(!reader.tokens(1).contains(&EOG));
}

#[test]
fn a_stop_string_ends_the_text() {
    let engine = alphabet(256, 1);
    let stop = |stops: &[&str], most| RequestOptions {
        stop: stops.iter().map(|s| (*s).to_string()).collect(),
        ..greedy(most)
    };
    let reader = run(&engine, vec![0], stop(&["ef", "zz"], -1));
    assert_eq!((reader.text(1).as_str(), reader.done(1)), ("bcd", "stop"));
    assert_eq!(reader.last(1).eval_tokens, 5);
    let reader = run(&engine, vec![0], stop(&["efX"], 5));
    assert_eq!(
        (reader.text(1).as_str(), reader.done(1)),
        ("bcdef", "length")
    );
    assert_eq!(reader.last(1).text, "ef");
    let reader = run(&engine, vec![0], stop(&["f"], 5));
    assert_eq!((reader.text(1).as_str(), reader.done(1)), ("bcde", "stop"));
    let reader = run(&engine, vec![0], stop(&[""], -1));
    assert_eq!(
        (reader.text(1).as_str(), reader.last(1).eval_tokens),
        ("", 1)
    );
}

#[test]
fn a_prompt_that_cannot_run_is_an_error_event() {
    let engine = alphabet(64, 1);
    let error = |prompt: Vec<u32>| {
        let reader = run(&engine, prompt, greedy(1));
        assert_eq!((reader.done(1), engine.active()), ("error", 0));
        reader.last(1).error().unwrap_or_default().to_string()
    };
    let long = "request (64 tokens) exceeds the available context size (64 tokens), \
                try increasing it";
    assert_eq!(error(vec![1; 64]), long);
    assert_eq!(error(Vec::new()), "the prompt has no token");
    assert_eq!(
        error(vec![3, 64]),
        "token 64 is outside the vocabulary of 64 tokens"
    );
    assert_eq!(run(&engine, vec![1; 63], greedy(1)).done(1), "length");
}

#[test]
fn what_makes_no_sense_is_refused_at_once() {
    let engine = alphabet(64, 1);
    let bad = RequestOptions {
        sampling: SamplingOptions {
            temperature: f32::NAN,
            ..SamplingOptions::default()
        },
        ..RequestOptions::default()
    };
    assert!(matches!(
        engine.submit(1, vec![1], bad),
        Err(Error::Request(_))
    ));
    request(&engine, 7, &[1], &greedy(300));
    let again = engine
        .submit(7, vec![1], greedy(1))
        .map_err(|e| e.to_string());
    // The first may be over by now; then the id is free.
    assert!(again.is_ok() || again == Err("request 7 is already running".to_string()));
    engine.cancel(99);
}

#[test]
fn without_shift_a_full_context_ends_the_text() {
    let engine = alphabet(128, 1);
    let options = RequestOptions {
        shift: false,
        ignore_eog: true,
        ..greedy(-1)
    };
    let reader = run(&engine, vec![0; 100], options);
    assert_eq!((reader.last(1).eval_tokens, reader.done(1)), (28, "length"));
}

/// What the model says if every full context loses the older half of what need not be kept.
fn shifted(prompt: &[u32], keep: usize, num_ctx: usize, n: usize) -> Vec<u32> {
    let (mut tokens, mut said) = (prompt.to_vec(), Vec::new());
    while said.len() < n {
        let logits = common::logits_after(&tokens, false);
        let best = (0..N_VOCAB).filter(|&id| id as u32 != EOG).rev();
        let next = best
            .max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
            .expect("a token") as u32;
        tokens.push(next);
        said.push(next);
        if tokens.len() >= num_ctx {
            let discard = (num_ctx - 1 - keep) / 2;
            tokens.drain(keep..keep + discard);
        }
    }
    said
}

#[test]
fn with_shift_the_older_half_is_forgotten_and_the_rest_computed_anew() {
    let prompt: Vec<u32> = (0..150).map(|i| i * 7 % 60).collect();
    for (num_ctx, num_keep, keep) in [(160, 4, 4), (160, 0, 0), (160, -1, 150), (160, 999, 156)] {
        let engine = noise(num_ctx, 2);
        let options = RequestOptions {
            num_keep,
            ignore_eog: true,
            ..greedy(300)
        };
        let reader = run(&engine, prompt.clone(), options);
        assert_eq!(
            reader.tokens(1),
            shifted(&prompt, keep, num_ctx, 300),
            "num_keep {num_keep}"
        );
        assert_eq!(engine.free_blocks(), 2 * blocks_for(num_ctx));
    }
    // The smallest contexts shift with every token or two.
    for num_ctx in [2, 4, 5] {
        let engine = noise(num_ctx, 1);
        let options = RequestOptions {
            ignore_eog: true,
            ..greedy(-1)
        };
        let reader = run(&engine, vec![3], options);
        assert_eq!(reader.tokens(1).len(), 10 * num_ctx);
    }
}

#[test]
fn no_limit_means_ten_contexts() {
    let engine = noise(40, 1);
    for num_predict in [-1, 0, -2, 401, i64::MAX] {
        let options = RequestOptions {
            ignore_eog: true,
            ..greedy(num_predict)
        };
        assert_eq!(run(&engine, vec![3], options).tokens(1).len(), 400);
    }
}

#[test]
fn log_probabilities_come_with_the_events() {
    let engine = noise(64, 1);
    let mut options = greedy(3);
    options.sampling.logprobs = Some(4);
    let reader = run(&engine, vec![3, 4], options);
    let mut tokens = vec![3, 4];
    for event in &reader.events[&1] {
        let token = event.token.expect("a token");
        let logits = common::logits_after(&tokens, false);
        let expected = f64::from(logits[token as usize]) - log_sum_exp(&logits);
        assert!((f64::from(event.logprob.expect("a logprob")) - expected).abs() < 1e-5);
        assert_eq!((event.top.len(), event.top[0].0), (4, token));
        tokens.push(token);
    }
}

#[test]
fn a_pass_gives_every_positions_logits() {
    let engine = noise(300, 1);
    let tokens: Vec<u32> = (0..300).map(|i| i * i % 61).collect();
    let logits = engine.logits(&tokens).expect("logits");
    let log_probs = engine.log_probs(&tokens).expect("log-probabilities");
    assert_eq!((logits.len(), log_probs.len()), (300 * N_VOCAB, 299));
    for (i, row) in logits.chunks(N_VOCAB).enumerate() {
        let expected = common::logits_after(&tokens[..=i], false);
        assert_eq!(row, expected);
        if let Some(&next) = tokens.get(i + 1) {
            let natural = f64::from(row[next as usize]) - log_sum_exp(row);
            assert!((f64::from(log_probs[i]) - natural).abs() < 1e-5);
        }
    }
    assert!(matches!(engine.logits(&[]), Err(Error::Request(_))));
    assert!(matches!(engine.logits(&[64]), Err(Error::Request(_))));
    assert!(matches!(engine.logits(&[0; 301]), Err(Error::Request(_))));
    assert_eq!(engine.free_blocks(), blocks_for(300));
}

/// A prompt, its options and when to cancel it, if at all.
fn random_request(rng: &mut Rng) -> (Vec<u32>, RequestOptions, bool) {
    let mut below = |n: u64| rng.next_u64() % n;
    let len = [1, 5, 33, 127, 128, 129, 200, 300][below(8) as usize];
    let prompt = (0..len).map(|_| below(62) as u32).collect();
    let mut options = match below(2) {
        0 => greedy(below(60) as i64),
        _ => seeded(below(60) as i64, below(1000) as i64),
    };
    options.shift = below(4) > 0;
    options.stop = ["ab", "x", "q9", "0"]
        .iter()
        .take(below(3) as usize)
        .map(|s| (*s).to_string())
        .collect();
    options.sampling.repeat_penalty = if below(3) == 0 { 1.2 } else { 1.0 };
    options.sampling.mirostat = [0, 0, 1, 2][below(4) as usize];
    (prompt, options, below(4) == 0)
}

#[test]
fn among_others_every_text_is_the_one_it_gives_alone() {
    let mut rng = Rng::new(20);
    let requests: Vec<_> = (0..120).map(|_| random_request(&mut rng)).collect();
    let alone = noise(320, 1);
    let mut single = Vec::new();
    for (prompt, options, _) in &requests {
        let reader = run(&alone, prompt.clone(), options.clone());
        single.push((reader.tokens(1), reader.text(1), reader.done(1)));
    }
    let together = noise(320, 5);
    let mut reader = Reader::default();
    for (id, (prompt, options, _)) in (0..).zip(&requests) {
        request(&together, id, prompt, options);
        if rng.next_u64().is_multiple_of(3) {
            reader.read(&together);
        }
        let victim = rng.next_u64() % (id + 1);
        if requests[victim as usize].2 {
            together.cancel(victim);
        }
    }
    let ids: Vec<u64> = (0..requests.len() as u64).collect();
    reader.until_done(&together, &ids);
    for (id, (tokens, text, done)) in ids.iter().zip(&single) {
        if reader.done(*id) == "cancelled" {
            assert!(tokens.starts_with(&reader.tokens(*id)), "request {id}");
            assert!(text.starts_with(&reader.text(*id)), "request {id}");
            continue;
        }
        assert_eq!(reader.tokens(*id), *tokens, "request {id}");
        assert_eq!(
            (&reader.text(*id), reader.done(*id)),
            (text, *done),
            "request {id}"
        );
    }
    assert!(ids.iter().any(|id| reader.done(*id) == "cancelled"));
    for events in reader.events.values() {
        let done = events.iter().filter(|event| event.done.is_some()).count();
        assert_eq!(done, 1);
    }
    assert_eq!(
        (together.active(), together.free_blocks()),
        (0, 5 * blocks_for(320))
    );
}

/// An engine whose steps wait until the test lets them run, and count themselves.
fn gated(parallel: usize) -> (Engine, crossbeam_channel::Sender<()>, Arc<AtomicUsize>) {
    let (gate, steps) = crossbeam_channel::unbounded::<()>();
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let hook = Box::new(move |_: &_| {
        // A closed gate stays open.
        let _ = steps.recv();
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    (start(config(512, parallel), true, hook), gate, ran)
}

#[test]
fn cancel_takes_effect_within_the_running_step() {
    let (engine, gate, ran) = gated(2);
    let total = engine.free_blocks();
    let long = vec![0; 500];
    request(&engine, 1, &long, &greedy(-1));
    request(&engine, 2, &[5], &greedy(-1));
    request(&engine, 3, &[5], &greedy(-1));
    gate.send(()).expect("open");
    eventually(|| ran.load(Ordering::SeqCst) == 1 && engine.free_blocks() < total);
    assert_eq!(engine.active(), 3);
    // One runs its prompt, one decodes, one waits; the second step is on its way.
    for id in [1, 2, 3] {
        engine.cancel(id);
        engine.cancel(id);
    }
    gate.send(()).expect("open");
    let mut reader = Reader::default();
    reader.until_done(&engine, &[1, 2, 3]);
    assert_eq!(ran.load(Ordering::SeqCst), 2);
    assert_eq!([1, 2, 3].map(|id| reader.done(id)), ["cancelled"; 3]);
    assert_eq!((engine.active(), engine.free_blocks()), (0, total));
    drop(gate);
    assert_eq!(run(&engine, vec![0], greedy(2)).text(1), "bc");
}

#[test]
fn close_tells_everyone_and_takes_nothing_more() {
    let (engine, gate, _) = gated(1);
    request(&engine, 1, &[0], &greedy(-1));
    request(&engine, 2, &[0], &greedy(-1));
    let closer = thread::spawn(move || {
        engine.close();
        engine.close();
        engine
    });
    thread::sleep(Duration::from_millis(30));
    drop(gate);
    let engine = closer.join().expect("closed");
    let mut reader = Reader::default();
    reader.until_done(&engine, &[1, 2]);
    assert_eq!([1, 2].map(|id| reader.done(id)), ["cancelled"; 2]);
    assert_eq!(
        (engine.active(), engine.free_blocks()),
        (0, blocks_for(512))
    );
    assert!(matches!(
        engine.submit(3, vec![0], greedy(1)),
        Err(Error::Closed)
    ));
    assert!(matches!(engine.logits(&[0]), Err(Error::Closed)));
    engine.cancel(1);
}

#[test]
fn a_panic_ends_the_engine_and_not_the_process() {
    let mut steps = 0;
    let hook = Box::new(move |_: &_| {
        steps += 1;
        assert!(steps < 3, "broken on purpose");
        Ok(())
    });
    let engine = start(config(64, 2), true, hook);
    for id in 1..5 {
        request(&engine, id, &[0], &greedy(-1));
    }
    let mut reader = Reader::default();
    reader.until_done(&engine, &[1, 2, 3, 4]);
    for id in 1..5 {
        let error = reader.last(id).error();
        assert_eq!(error, Some("the engine failed: broken on purpose"));
    }
    assert_eq!(engine.active(), 0);
    assert!(matches!(
        engine.submit(5, vec![0], greedy(1)),
        Err(Error::Closed)
    ));
    assert!(matches!(engine.logits(&[0]), Err(Error::Closed)));
}

#[test]
fn a_failed_step_fails_its_requests_only() {
    let failing = Arc::new(AtomicBool::new(true));
    let flag = Arc::clone(&failing);
    let hook = Box::new(move |_: &_| match flag.swap(false, Ordering::SeqCst) {
        true => Err(Error::Exec {
            exec: "scripted".to_string(),
            why: "no power".to_string(),
        }),
        false => Ok(()),
    });
    let engine = start(config(64, 1), true, hook);
    request(&engine, 1, &[0], &greedy(2));
    request(&engine, 2, &[0], &greedy(2));
    let mut reader = Reader::default();
    reader.until_done(&engine, &[1, 2]);
    assert_eq!(reader.last(1).error(), Some("executor scripted: no power"));
    assert_eq!((reader.text(2).as_str(), reader.done(2)), ("bc", "length"));
    failing.store(true, Ordering::SeqCst);
    let failed = engine.logits(&[0]).map_err(|error| error.to_string());
    assert_eq!(failed, Err("executor scripted: no power".to_string()));
    assert_eq!(engine.free_blocks(), blocks_for(64));
}

#[test]
fn a_request_that_nobody_reads_ends() {
    let engine = noise(1024, 2);
    let endless = RequestOptions {
        ignore_eog: true,
        ..greedy(-1)
    };
    request(&engine, 1, &[0], &endless);
    eventually(|| engine.active() == 0);
    let events = engine.drain();
    assert_eq!(events.len(), MOST_UNDELIVERED + 1);
    let why = "4096 events of the request were not read".to_string();
    assert_eq!(
        events.last().and_then(|e| e.done.clone()),
        Some(Done::Error(why))
    );
    assert_eq!(engine.free_blocks(), 2 * blocks_for(1024));
}

#[test]
fn no_wake_up_is_lost_between_many_threads() {
    let engine = Arc::new(alphabet(64, 8));
    let (threads, each) = (4_u64, 200_u64);
    let submitters: Vec<_> = (0..threads)
        .map(|t| {
            let engine = Arc::clone(&engine);
            thread::spawn(move || {
                for i in 0..each {
                    let id = t * each + i;
                    request(&engine, id, &[(i % 50) as u32], &greedy(1 + (i % 9) as i64));
                    if i % 5 == 0 {
                        engine.cancel(id);
                    }
                    if i % 50 == 7 {
                        assert!(engine.logits(&[1, 2, 3]).is_ok());
                    }
                }
            })
        })
        .collect();
    // Blocks on the descriptor alone: a lost wake-up would run into the time limit.
    let mut reader = Reader::default();
    let ids: Vec<u64> = (0..threads * each).collect();
    reader.until_done(&engine, &ids);
    submitters
        .into_iter()
        .for_each(|t| t.join().expect("submitted"));
    for id in ids {
        let i = id % each;
        if reader.done(id) != "cancelled" {
            assert_eq!(reader.tokens(id).len() as u64, 1 + i % 9);
        }
    }
    assert_eq!(
        (engine.active(), engine.free_blocks()),
        (0, 8 * blocks_for(64))
    );
}
