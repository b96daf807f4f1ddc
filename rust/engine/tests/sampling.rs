//! The samplers keep their invariants and draw from the distributions that they should.

use std::collections::HashMap;

use ollamars_engine::sample::{
    Candidate, Candidates, Penalties, Sampler, SamplingOptions, log_sum_exp, min_p, temperature,
    top_p, typical,
};
use proptest::prelude::*;

fn filled(logits: &[f32]) -> Candidates {
    let mut candidates = Candidates::default();
    candidates.fill(logits);
    candidates
}

fn ids(candidates: &Candidates) -> Vec<u32> {
    candidates.items().iter().map(|c| c.id).collect()
}

/// Ids by descending logit, the lower one first among equals.
fn ranking(logits: &[f32]) -> Vec<u32> {
    let mut ids: Vec<u32> = (0..logits.len() as u32).collect();
    ids.sort_by(|&a, &b| {
        logits[b as usize]
            .total_cmp(&logits[a as usize])
            .then(a.cmp(&b))
    });
    ids
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let normalizer = log_sum_exp(logits);
    logits
        .iter()
        .map(|&l| (f64::from(l) - normalizer).exp())
        .collect()
}

fn draws(options: &SamplingOptions, logits: &[f32], n: usize) -> Vec<u32> {
    let mut sampler = Sampler::new(options, 4096, &[]).expect("a chain");
    let draw = |_| {
        sampler
            .sample(&mut logits.to_vec(), None)
            .expect("a token")
            .id
    };
    (0..n).map(draw).collect()
}

fn plain(seed: i64) -> SamplingOptions {
    SamplingOptions {
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
        seed,
        ..SamplingOptions::default()
    }
}

/// Logits with many ties.
fn any_logits(most: usize) -> impl Strategy<Value = Vec<f32>> {
    let steps = prop::collection::vec((-40_i32..40).prop_map(|i| i as f32 / 8.0), 1..most);
    let reals = prop::collection::vec(-20.0_f32..20.0, 1..most);
    prop_oneof![steps, reals]
}

proptest! {
    #[test]
    fn top_k_keeps_exactly_the_k_best(logits in any_logits(600), k in 1_usize..80) {
        let mut candidates = Candidates::default();
        candidates.fill_top_k(&logits, k);
        let mut expected = ranking(&logits);
        expected.truncate(k);
        prop_assert_eq!(ids(&candidates), expected);
    }

    #[test]
    fn top_p_keeps_the_fewest_best_that_reach_the_mass(
        logits in any_logits(700), p in 0.01_f32..0.999,
    ) {
        let mut candidates = filled(&logits);
        top_p(&mut candidates, p);
        let kept = ids(&candidates);
        prop_assert_eq!(&kept, &ranking(&logits)[..kept.len()]);
        let probabilities = softmax(&logits);
        let mass: f64 = kept.iter().map(|&id| probabilities[id as usize]).sum();
        let last = probabilities[kept[kept.len() - 1] as usize];
        prop_assert!(mass >= f64::from(p) - 1e-4 || kept.len() == logits.len());
        prop_assert!(mass - last < f64::from(p) + 1e-4);
    }

    #[test]
    fn min_p_keeps_what_is_probable_enough(logits in any_logits(300), p in 0.001_f32..1.0) {
        let mut candidates = filled(&logits);
        min_p(&mut candidates, p);
        let best = logits.iter().copied().fold(f32::MIN, f32::max);
        let mut expected: Vec<u32> = (0..logits.len() as u32).collect();
        expected.retain(|&id| logits[id as usize] >= best + p.ln());
        prop_assert_eq!(ids(&candidates), expected);
    }

    #[test]
    fn typical_keeps_what_surprises_as_expected(logits in any_logits(60), p in 0.05_f32..0.99) {
        let mut candidates = filled(&logits);
        typical(&mut candidates, p);
        let probabilities = softmax(&logits);
        let entropy: f64 = probabilities.iter().map(|p| -p * p.ln()).sum();
        let distance = |id: u32| (-probabilities[id as usize].ln() - entropy).abs();
        let kept = ids(&candidates);
        let farthest = kept.iter().map(|&id| distance(id)).fold(0.0, f64::max);
        for id in (0..logits.len() as u32).filter(|id| !kept.contains(id)) {
            prop_assert!(distance(id) >= farthest - 1e-3);
        }
        let mass: f64 = kept.iter().map(|&id| probabilities[id as usize]).sum();
        prop_assert!(mass > f64::from(p) - 1e-4 || kept.len() == logits.len());
    }

    #[test]
    fn a_filter_after_another_still_finds_the_best(
        logits in any_logits(300), k in 1_usize..40, p in 0.1_f32..0.99, least in 0.01_f32..0.9,
    ) {
        let mut candidates = Candidates::default();
        candidates.fill_top_k(&logits, k);
        typical(&mut candidates, p);
        let best = candidates.items().iter().map(|c| c.logit).fold(f32::MIN, f32::max);
        min_p(&mut candidates, least);
        top_p(&mut candidates, p);
        temperature(&mut candidates, 0.5);
        prop_assert!(!candidates.is_empty());
        let found = candidates.best().map(|c| logits[c.id as usize]);
        prop_assert_eq!(found, Some(best));
        candidates.softmax();
        let sum: f32 = candidates.items().iter().map(|c| c.p).sum();
        prop_assert!((sum - 1.0).abs() < 1e-4);
    }

    #[test]
    fn penalties_are_those_of_a_recount(
        tokens in prop::collection::vec(0_u32..8, 0..60), last_n in 0_i64..20,
        repeat in 0.5_f32..2.0, presence in -1.0_f32..1.0, frequency in -1.0_f32..1.0,
    ) {
        let options = SamplingOptions {
            repeat_penalty: repeat,
            presence_penalty: presence,
            frequency_penalty: frequency,
            repeat_last_n: last_n,
            ..SamplingOptions::default()
        };
        let logits: Vec<f32> = (0..8).map(|i| i as f32 - 3.5).collect();
        let mut lowered = logits.clone();
        if let Some(mut penalties) = Penalties::new(&options, 64) {
            tokens.iter().for_each(|&token| penalties.accept(token));
            penalties.apply(&mut lowered);
        }
        let window = &tokens[tokens.len().saturating_sub(last_n as usize)..];
        for (id, (&before, &after)) in logits.iter().zip(&lowered).enumerate() {
            let count = window.iter().filter(|&&token| token as usize == id).count();
            let scaled = if before <= 0.0 { before * repeat } else { before / repeat };
            let expected = match count {
                0 => before,
                n => scaled - n as f32 * frequency - presence,
            };
            prop_assert_eq!(after, expected);
        }
    }

    #[test]
    fn no_options_and_no_logits_make_it_panic(
        logits in prop::collection::vec(
            prop_oneof![
                8 => -30.0_f32..30.0,
                1 => Just(f32::NEG_INFINITY),
                1 => prop::sample::select(vec![f32::MAX, f32::MIN, 1e-40, -0.0]),
            ],
            0..50,
        ),
        floats in prop::array::uniform9(prop_oneof![
            3 => 0.0_f32..2.0,
            1 => any::<f32>(),
            1 => prop::sample::select(vec![0.0, 1.0, -1.0, 1e-40, f32::MAX]),
        ]),
        top_k in -2_i64..60, mirostat in 0_i64..3, last_n in -2_i64..9, top in 0_usize..70,
    ) {
        let options = SamplingOptions {
            temperature: floats[0],
            top_p: floats[1],
            min_p: floats[2],
            typical_p: floats[3],
            repeat_penalty: floats[4],
            presence_penalty: floats[5],
            frequency_penalty: floats[6],
            mirostat_tau: floats[7],
            mirostat_eta: floats[8],
            top_k,
            mirostat,
            repeat_last_n: last_n,
            logprobs: Some(top),
            seed: 3,
        };
        let Ok(mut sampler) = Sampler::new(&options, 16, &[1]) else {
            prop_assert!(floats.iter().any(|f| !f.is_finite()));
            return Ok(());
        };
        (0..logits.len() as u32).for_each(|token| sampler.accept(token));
        let drawable = logits.iter().enumerate().any(|(id, l)| id != 1 && *l > f32::NEG_INFINITY);
        for _ in 0..3 {
            match sampler.sample(&mut logits.clone(), None) {
                Ok(sampled) => {
                    prop_assert!(logits[sampled.id as usize] > f32::NEG_INFINITY);
                    prop_assert_ne!(sampled.id, 1);
                    prop_assert_eq!(sampled.top.len(), top.min(logits.len()));
                }
                Err(_) => prop_assert!(!drawable),
            }
        }
    }
}

/// Pearson's statistic of the draws, against its bound at about six standard deviations.
fn assert_distributed(drawn: &[u32], expected: &HashMap<u32, f64>) {
    let mut counts: HashMap<u32, f64> = HashMap::new();
    for id in drawn {
        *counts.entry(*id).or_default() += 1.0;
    }
    assert!(
        counts.keys().all(|id| expected.contains_key(id)),
        "{counts:?}"
    );
    let n = drawn.len() as f64;
    let statistic: f64 = expected
        .iter()
        .map(|(id, p)| (counts.get(id).unwrap_or(&0.0) - n * p).powi(2) / (n * p))
        .sum();
    let freedom = expected.len() as f64 - 1.0;
    let bound = freedom + 6.0 * (2.0 * freedom).sqrt() + 6.0;
    assert!(
        statistic < bound,
        "{statistic} is above {bound}: {counts:?}"
    );
}

fn over(ids: &[u32], weights: impl Fn(u32) -> f64) -> HashMap<u32, f64> {
    let total: f64 = ids.iter().map(|&id| weights(id)).sum();
    ids.iter().map(|&id| (id, weights(id) / total)).collect()
}

#[test]
fn draws_are_distributed_as_the_chain_says() {
    let logits = [2.0, 1.5, 1.0, 0.5, 0.0, -0.5, -1.0];
    let all: Vec<u32> = (0..7).collect();
    let at = |t: f64| move |id: u32| (f64::from(logits[id as usize]) / t).exp();
    let cases = [
        (plain(1), over(&all, at(1.0))),
        (
            SamplingOptions {
                temperature: 0.5,
                ..plain(2)
            },
            over(&all, at(0.5)),
        ),
        (
            SamplingOptions {
                temperature: 2.0,
                ..plain(3)
            },
            over(&all, at(2.0)),
        ),
        (
            SamplingOptions {
                top_k: 3,
                ..plain(4)
            },
            over(&[0, 1, 2], at(1.0)),
        ),
        // Cut before the temperature, by the probabilities at temperature 1.
        (
            SamplingOptions {
                top_p: 0.6,
                temperature: 3.0,
                ..plain(5)
            },
            over(&[0, 1], at(3.0)),
        ),
        (
            SamplingOptions {
                min_p: 0.3,
                ..plain(6)
            },
            over(&[0, 1, 2], at(1.0)),
        ),
        (
            SamplingOptions {
                top_k: 5,
                top_p: 0.9,
                min_p: 0.4,
                ..plain(7)
            },
            over(&[0, 1], at(1.0)),
        ),
    ];
    for (options, expected) in cases {
        assert_distributed(&draws(&options, &logits, 40_000), &expected);
    }
}

#[test]
fn every_seed_draws_its_own_numbers() {
    let logits: Vec<f32> = (0..50).map(|i| (i % 7) as f32 / 3.0).collect();
    let first = draws(&plain(42), &logits, 64);
    assert_eq!(first, draws(&plain(42), &logits, 64));
    assert_ne!(first, draws(&plain(43), &logits, 64));
    assert_ne!(
        draws(&plain(-1), &logits, 64),
        draws(&plain(-1), &logits, 64)
    );
    // Each seed gives one draw: together they are distributed as one seed's many draws.
    let spread: Vec<u32> = (0..20_000)
        .map(|seed| draws(&plain(seed), &logits[..6], 1)[0])
        .collect();
    let all: Vec<u32> = (0..6).collect();
    assert_distributed(
        &spread,
        &over(&all, |id| f64::from(logits[id as usize]).exp()),
    );
}

#[test]
fn greedy_takes_the_lowest_of_equal_ids() {
    let greedy = SamplingOptions {
        temperature: 0.0,
        ..SamplingOptions::default()
    };
    assert_eq!(draws(&greedy, &[1.0, 3.0, 3.0, 0.0], 2), [1, 1]);
    assert_eq!(draws(&greedy, &[-0.0, 0.0], 1), [0]);
    let penalised = SamplingOptions {
        repeat_penalty: 4.0,
        ..greedy.clone()
    };
    assert_eq!(draws(&penalised, &[1.0, 3.0, 2.0], 3), [1, 2, 0]);
    // A typical cut drops the best: its surprise is far from the entropy.
    let atypical = SamplingOptions {
        typical_p: 0.2,
        top_k: 0,
        top_p: 1.0,
        ..greedy
    };
    let logits: Vec<f32> = (0..65).map(|i| if i == 9 { 4.0 } else { 0.0 }).collect();
    assert_ne!(draws(&atypical, &logits, 1), [9]);
}

#[test]
fn a_banned_token_is_never_drawn() {
    for temperature in [0.0, 1.0] {
        let options = SamplingOptions {
            temperature,
            repeat_penalty: 1.3,
            ..plain(1)
        };
        let mut sampler = Sampler::new(&options, 64, &[2]).expect("a chain");
        sampler.accept(2);
        for _ in 0..200 {
            let drawn = sampler.sample(&mut [0.0, 0.1, 9.0], None).map(|s| s.id);
            assert!(drawn.is_ok_and(|id| id < 2));
        }
    }
}

#[test]
fn logits_that_are_no_numbers_are_an_error() {
    let mut sampler = Sampler::new(&plain(1), 64, &[]).expect("a chain");
    let mut error = |mut logits: Vec<f32>| match sampler.sample(&mut logits, None) {
        Ok(sampled) => format!("{sampled:?}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        error(vec![0.0, f32::NAN]),
        "the model computed NaN as the logit of token 1"
    );
    assert_eq!(
        error(vec![f32::INFINITY]),
        "the model computed inf as the logit of token 0"
    );
    let banned = "no token can be drawn: every logit is -inf";
    assert_eq!(error(vec![f32::NEG_INFINITY; 3]), banned);
    assert_eq!(error(Vec::new()), banned);
}

#[test]
fn options_that_are_no_numbers_are_refused() {
    let error = |options| {
        Sampler::new(&options, 64, &[])
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    let infinite = SamplingOptions {
        top_p: f32::INFINITY,
        ..plain(1)
    };
    let refused = "option top_p must be a finite number, not inf";
    assert_eq!(error(infinite), Err(refused.to_string()));
    let third = SamplingOptions {
        mirostat: 3,
        ..plain(1)
    };
    assert_eq!(
        error(third),
        Err("option mirostat must be 0, 1 or 2, not 3".to_string())
    );
}

#[test]
fn mirostat_holds_the_surprise_near_its_target() {
    // A Zipf vocabulary: the least surprising tokens give less than tau, all of them more.
    let logits: Vec<f32> = (1..5000).map(|rank| -(rank as f32).ln()).collect();
    let probabilities = softmax(&logits);
    for mirostat in [1, 2] {
        for tau in [3.0, 6.0] {
            let options = SamplingOptions {
                mirostat,
                mirostat_tau: tau,
                ..plain(5)
            };
            let drawn = draws(&options, &logits, 3000);
            // Surprise as mirostat sees it: among what it left, for which the mean is the target.
            let mean = drawn[1000..]
                .iter()
                .map(|&id| -probabilities[id as usize].log2())
                .sum::<f64>()
                / 2000.0;
            let off = (mean - f64::from(tau)).abs();
            assert!(off < 1.6, "mirostat {mirostat}, tau {tau}: {mean}");
        }
    }
}

#[test]
fn log_probabilities_are_of_the_raw_logits() {
    let logits = [1.0_f32, 3.0, 2.0, -1.0];
    let options = SamplingOptions {
        logprobs: Some(2),
        temperature: 0.0,
        repeat_penalty: 3.0,
        ..SamplingOptions::default()
    };
    let mut sampler = Sampler::new(&options, 64, &[]).expect("a chain");
    sampler.accept(1);
    let sampled = sampler.sample(&mut logits.clone(), None).expect("a token");
    let expected: Vec<f32> = softmax(&logits).iter().map(|p| p.ln() as f32).collect();
    let near = |a: f32, b: f32| (a - b).abs() < 1e-6;
    assert_eq!(sampled.id, 2);
    assert!(
        sampled
            .logprob
            .is_some_and(|logprob| near(logprob, expected[2]))
    );
    let top: Vec<u32> = sampled.top.iter().map(|(id, _)| *id).collect();
    assert_eq!(top, [1, 2]);
    assert!(
        sampled
            .top
            .iter()
            .all(|&(id, p)| near(p, expected[id as usize]))
    );
    let silent = SamplingOptions {
        logprobs: None,
        ..options
    };
    let mut sampler = Sampler::new(&silent, 64, &[]).expect("a chain");
    let sampled = sampler.sample(&mut logits.clone(), None).expect("a token");
    assert_eq!((sampled.logprob, sampled.top.len()), (None, 0));
}

#[test]
fn the_whole_distribution_can_be_walked() {
    let mut candidates = filled(&[0.0, 0.0]);
    candidates.softmax();
    let at = |point| candidates.at(point).map(|c: &Candidate| c.id);
    assert_eq!(
        [at(0.0), at(0.499), at(0.5), at(0.999_999_999)],
        [0, 0, 1, 1].map(Some)
    );
}
