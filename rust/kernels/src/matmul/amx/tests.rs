//! The kernels over emulated tiles against the other levels, to the bit.

#[path = "../../../tests/common/mod.rs"]
mod common;

use common::{Rng, activations, bits, weights};
use ollamars_quants::BlockType;
use proptest::prelude::*;

use super::kernels;
use super::soft::Soft;
use super::walk::{Scratch, TileKernel, walk};
use crate::matmul::matmul;
use crate::matmul::tile::Job;
use crate::simd::{Pair, Scalar};
use crate::{Acts, Level, Packed, Shared};

const TYPES: [BlockType; 13] = [
    BlockType::Q4_0,
    BlockType::Q4_1,
    BlockType::Q5_0,
    BlockType::Q5_1,
    BlockType::Q8_0,
    BlockType::IQ4_NL,
    BlockType::MXFP4,
    BlockType::Q2_K,
    BlockType::Q3_K,
    BlockType::Q4_K,
    BlockType::Q5_K,
    BlockType::Q6_K,
    BlockType::IQ4_XS,
];

type Run = fn(&Job<'_>, &mut Scratch);

/// With the vectors of level `scalar`.
fn scalar<K: TileKernel>(job: &Job<'_>, scratch: &mut Scratch) {
    let s = Pair(Pair(Scalar));
    // SAFETY: the job's shapes fit, one thread.
    unsafe { walk::<_, K, _>(s, &mut Soft::default(), job, scratch) }
}

/// With the vectors that level `amx` has.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn vectors<K: TileKernel>(job: &Job<'_>, scratch: &mut Scratch) {
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn run<K: TileKernel>(job: &Job<'_>, scratch: &mut Scratch) {
        // SAFETY: this function's features; the job's shapes fit, one thread.
        unsafe {
            let s = crate::simd::Avx512::<true>::new();
            walk::<_, K, _>(s, &mut Soft::default(), job, scratch);
        }
    }
    // SAFETY: asked for where the level is available.
    unsafe { run::<K>(job, scratch) }
}

/// How tests run a kernel on this processor.
fn runs(ty: BlockType) -> Vec<Run> {
    macro_rules! scalar_run {
        ($kernel:ty) => {
            scalar::<$kernel> as Run
        };
    }
    let scalar = kernels!(ty, scalar_run);
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if Level::choose(Some("vnni")).is_ok() {
        macro_rules! vector_run {
            ($kernel:ty) => {
                vectors::<$kernel> as Run
            };
        }
        return scalar.into_iter().chain(kernels!(ty, vector_run)).collect();
    }
    scalar.into_iter().collect()
}

/// The products of two parts of the panels, and of a part of the rows, against the best level's.
fn check(ty: BlockType, w: &[u8], outputs: usize, inputs: usize, x: &[f32], cut: usize) {
    let rows = x.len() / inputs;
    let level = Level::available().rfind(|level| level.name() != "amx");
    let packed = Packed::new(level.expect("scalar"), ty, w, outputs, inputs).expect("packs");
    let mut acts = Acts::with_codes(packed.act_kind(), inputs, rows.max(24), true);
    let view = acts.view(rows.max(24)).part(0, rows);
    // SAFETY: one thread.
    unsafe { view.quantize(packed.level(), x, 0..view.groups()) };
    let x = view;
    let mut want = vec![0.0; rows * outputs];
    matmul(&packed, &x, &mut want);
    for run in runs(ty) {
        let (mut got, mut scratch) = (vec![f32::NAN; rows * outputs], Scratch::new());
        let cut = cut % (packed.panels() + 1);
        for panels in [cut..packed.panels(), 0..cut] {
            let job = Job {
                weights: &packed,
                x: &x,
                out: Shared::new(&mut got),
                panels,
            };
            run(&job, &mut scratch);
        }
        assert_eq!(
            bits(&got),
            bits(&want),
            "{ty} {outputs} x {inputs}, {rows} rows"
        );
    }
}

#[test]
fn every_type_with_odd_rows_and_outputs() {
    // Miri follows every product of the emulation.
    let (types, counts, outputs): (&[BlockType], &[usize], usize) = match cfg!(miri) {
        true => (&[BlockType::Q4_1, BlockType::Q6_K], &[2], 1),
        false => (&TYPES, &[1, 8, 16, 17, 24, 31, 32, 33, 49, 65], 53),
    };
    for &ty in types {
        for &rows in counts {
            let rng = &mut Rng::new(rows as u64);
            let inputs = if cfg!(miri) { 1 } else { 3 } * ty.weights();
            let w = weights(ty, outputs, inputs, rng);
            check(ty, &w, outputs, inputs, &activations(rows * inputs, rng), 1);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn many_inputs_and_panels() {
    let rng = &mut Rng::new(3);
    for (ty, outputs, inputs) in [
        (BlockType::Q4_K, 16 * 18 + 3, 2304),
        (BlockType::Q6_K, 5, 5120),
        (BlockType::Q8_0, 16 * 18 + 3, 1056),
        (BlockType::Q4_1, 40, 2048 + 96),
    ] {
        let w = weights(ty, outputs, inputs, rng);
        check(ty, &w, outputs, inputs, &activations(35 * inputs, rng), 3);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn any_shape(
        ty in proptest::sample::select(TYPES.as_slice()), outputs in 1usize..100,
        blocks in 1usize..6, rows in 1usize..70, cut: usize, seed: u64,
    ) {
        let (inputs, rng) = (blocks * ty.weights(), &mut Rng::new(seed));
        let w = weights(ty, outputs, inputs, rng);
        check(ty, &w, outputs, inputs, &activations(rows * inputs, rng), cut);
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn any_bytes(
        ty in proptest::sample::select(TYPES.as_slice()), outputs in 1usize..40, rows in 1usize..40,
        seed: u64,
    ) {
        let (inputs, rng) = (512, &mut Rng::new(seed));
        let size = outputs * inputs / ty.weights() * ty.bytes();
        let w: Vec<u8> = (0..size).map(|_| rng.bits() as u8).collect();
        let mut x = activations(rows * inputs, rng);
        x[seed as usize % (rows * inputs)] = [f32::NAN, f32::INFINITY, 1e-40, 0.0][seed as usize % 4];
        check(ty, &w, outputs, inputs, &x, 0);
    }
}

/// A processor that has tiles offers the level, and nothing else hides it.
#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
fn the_level_is_offered_where_the_processor_has_tiles() {
    let reason = Level::choose(Some("amx"))
        .err()
        .map(|error| error.to_string());
    let usable = super::usable();
    match (usable, reason) {
        (Ok(()), reason) => assert_eq!(reason, None),
        (Err(why), reason) => {
            let reason = reason.expect("an error");
            assert!(
                reason.contains(why) || reason.contains("AVX-512"),
                "{reason}: {why}"
            );
        }
    }
}
