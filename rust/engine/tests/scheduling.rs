//! Properties of the plan alone, without a model.

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ollamars_engine::batch::Batch;
use ollamars_engine::exec::PREFILL_CHUNK;
use ollamars_engine::generation::{Generation, RequestOptions, Setting};
use ollamars_engine::kv::blocks_for;
use ollamars_engine::scheduler::{Grant, Scheduler};
use ollamars_engine::sequence::{Sequence, Task};
use proptest::prelude::*;

const NUM_CTX: usize = 1000;

fn sequence(id: u64, len: usize) -> Sequence {
    let setting = Setting {
        num_ctx: NUM_CTX,
        vocabulary: Arc::new(common::Letters { add_bos: false }),
        eog: Arc::new([]),
    };
    let tokens = vec![1; len];
    let flag = Arc::new(AtomicBool::new(false));
    let options = RequestOptions::default();
    let generation = Generation::new(id, &tokens, options, &setting, flag).expect("a request");
    Sequence::new(tokens, Task::Generate(Box::new(generation)))
}

fn id(sequence: &Sequence) -> u64 {
    match &sequence.task {
        Task::Generate(generation) => generation.id(),
        Task::Pass(_) | Task::Embed(_) => u64::MAX,
    }
}

/// One step of a model that never ends: every sequence whose prompt is read gets one more token.
fn step(scheduler: &mut Scheduler, batch: &mut Batch) -> Vec<Grant> {
    let mut grants = Vec::new();
    scheduler.plan(batch, &mut grants).expect("blocks");
    for grant in &grants {
        let sequence = &mut scheduler.running()[grant.index];
        sequence.computed += grant.rows;
        if !grant.heads.is_empty() {
            assert_eq!((grant.heads.len(), sequence.pending()), (1, 0));
            sequence.tokens.push(1);
        }
    }
    grants
}

proptest! {
    #[test]
    fn every_plan_keeps_its_promises(
        lens in prop::collection::vec(1_usize..700, 1..12),
        parallel in 1_usize..6, num_batch in 1_usize..700, output in 1_usize..20,
    ) {
        let kv_blocks = parallel * blocks_for(NUM_CTX);
        let mut scheduler = Scheduler::new(parallel, num_batch, kv_blocks, false);
        for (id, len) in lens.iter().enumerate() {
            scheduler.add(sequence(id as u64, *len));
        }
        let mut batch = Batch::default();
        let mut finished = Vec::new();
        let room = num_batch.max(PREFILL_CHUNK);
        for _ in 0..20_000 {
            let decoding: Vec<u64> = scheduler.running().iter()
                .filter(|s| s.pending() == 1).map(id).collect();
            let before: Vec<(u64, usize)> = scheduler.running().iter()
                .map(|s| (id(s), s.pending())).collect();
            let grants = step(&mut scheduler, &mut batch);
            prop_assert!(!grants.is_empty());
            prop_assert!(batch.rows() <= room + parallel);
            prop_assert!(scheduler.running().len() <= parallel);
            let running: Vec<u64> = scheduler.running().iter().map(id).collect();
            let granted: Vec<u64> = grants.iter().map(|g| running[g.index]).collect();
            // Nobody who decodes waits, and the oldest prompt always moves.
            prop_assert!(decoding.iter().all(|id| granted.contains(id)));
            let oldest = before.iter().find(|(_, pending)| *pending > 1);
            prop_assert!(oldest.is_none_or(|(id, _)| granted.contains(id)));
            if !decoding.is_empty() {
                prop_assert!(batch.rows() <= PREFILL_CHUNK + parallel);
            }
            for span in &batch.spans {
                let (first, last) = (span.start, span.kv_len() - 1);
                prop_assert_eq!(first / PREFILL_CHUNK, last / PREFILL_CHUNK);
                prop_assert_eq!(span.blocks.len(), blocks_for(span.kv_len()));
            }
            let mut owned: Vec<u32> = batch.blocks.clone();
            owned.sort_unstable();
            owned.dedup();
            prop_assert_eq!(owned.len(), batch.blocks.len());
            let ended = |s: &Sequence| s.tokens.len() >= lens[id(s) as usize] + output;
            finished.extend(scheduler.remove(ended).iter().map(id));
            if scheduler.is_idle() {
                break;
            }
        }
        prop_assert_eq!(finished.len(), lens.len());
        prop_assert_eq!(scheduler.free_blocks(), kv_blocks);
        // First come, first served: whoever starts later than `parallel` others was admitted after
        // one of them had ended.
        for (place, id) in finished.iter().enumerate() {
            prop_assert!((*id as usize) < place + parallel);
        }
    }
}

#[test]
fn a_prompt_uses_the_whole_budget_only_while_nobody_reads() {
    let mut scheduler = Scheduler::new(4, 512, 4 * blocks_for(NUM_CTX), false);
    let mut batch = Batch::default();
    (0..4).for_each(|id| scheduler.add(sequence(id, 600)));
    step(&mut scheduler, &mut batch);
    assert_eq!(batch.rows(), 4 * PREFILL_CHUNK);
    let mut scheduler = Scheduler::new(4, 512, 4 * blocks_for(NUM_CTX), false);
    scheduler.add(sequence(0, 3));
    step(&mut scheduler, &mut batch);
    (1..4).for_each(|id| scheduler.add(sequence(id, 600)));
    step(&mut scheduler, &mut batch);
    assert_eq!(batch.rows(), PREFILL_CHUNK + 1);
}

#[test]
fn a_short_pool_names_the_sequence() {
    let mut scheduler = Scheduler::new(2, 512, 2, false);
    scheduler.add(sequence(0, 64));
    scheduler.add(sequence(1, 8));
    let (mut batch, mut grants) = (Batch::default(), Vec::new());
    let (index, error) = scheduler
        .plan(&mut batch, &mut grants)
        .expect_err("no block is left");
    assert_eq!(index, 1);
    assert_eq!(
        error.to_string(),
        "KV memory is short: 1 blocks wanted, 0 of 2 free"
    );
    assert_eq!(scheduler.remove(|s| id(s) == 1).len(), 1);
    assert!(scheduler.plan(&mut batch, &mut grants).is_ok());
}
