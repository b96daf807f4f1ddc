//! Products of packed weights against what they mean, at every level.

mod common;

use common::{Rng, activations, bits, quantized, weights};
use ollamars_kernels::{Acts, Level, Packed, Shared, matmul, matmul_panels};
use ollamars_quants::BlockType;
use proptest::prelude::*;

const TYPES: [BlockType; 16] = [
    BlockType::Q4_1,
    BlockType::Q8_0,
    BlockType::Q4_K,
    BlockType::Q6_K,
    BlockType::Q4_0,
    BlockType::Q5_0,
    BlockType::Q5_1,
    BlockType::Q5_K,
    BlockType::F32,
    BlockType::F16,
    BlockType::BF16,
    BlockType::Q2_K,
    BlockType::Q3_K,
    BlockType::IQ4_NL,
    BlockType::IQ4_XS,
    BlockType::MXFP4,
];

fn product(
    level: Level,
    ty: BlockType,
    w: &[u8],
    outputs: usize,
    inputs: usize,
    x: &[f32],
) -> Vec<f32> {
    let packed = Packed::new(level, ty, w, outputs, inputs).expect("packs");
    let rows = x.len() / inputs;
    let mut acts = Acts::new(packed.act_kind(), inputs, rows);
    let mut out = vec![0.0; rows * outputs];
    matmul(&packed, &acts.quantize(level, x), &mut out);
    out
}

/// Sums in `f64` of dequantized weights times quantized activations, and of the magnitudes.
fn expected(ty: BlockType, w: &[u8], outputs: usize, inputs: usize, x: &[f32]) -> Vec<(f64, f64)> {
    let mut dequantized = vec![0.0; outputs * inputs];
    ty.dequantize(w, &mut dequantized).expect("whole blocks");
    let x = quantized(ty, x);
    let mut out = Vec::new();
    for x in x.chunks_exact(inputs) {
        for w in dequantized.chunks_exact(inputs) {
            let products = w.iter().zip(x).map(|(&w, &x)| f64::from(w) * x);
            out.push(products.fold((0.0, 0.0), |(sum, size), p| (sum + p, size + p.abs())));
        }
    }
    out
}

fn check(ty: BlockType, outputs: usize, inputs: usize, rows: usize, seed: u64) {
    let mut rng = Rng::new(seed);
    let w = weights(ty, outputs, inputs, &mut rng);
    let x = activations(rows * inputs, &mut rng);
    let reference = product(Level::SCALAR, ty, &w, outputs, inputs, &x);
    for (i, (&got, (sum, size))) in reference
        .iter()
        .zip(expected(ty, &w, outputs, inputs, &x))
        .enumerate()
    {
        let error = (f64::from(got) - sum).abs();
        assert!(
            error <= 3e-6 * size + 1e-30,
            "{ty} {outputs}x{inputs}, {rows} rows: element {i} is {got}, not {sum} (of {size})"
        );
    }
    for level in Level::available() {
        let got = product(level, ty, &w, outputs, inputs, &x);
        assert_eq!(
            bits(&got),
            bits(&reference),
            "{ty} {outputs}x{inputs}, {rows} rows at {level}"
        );
    }
}

#[test]
fn every_type_level_and_count_of_rows() {
    // Miri follows the scalar level, which has one size of tile.
    let all: &[usize] = &[1, 2, 3, 7, 8, 16, 33];
    let (counts, outputs, units) = if cfg!(miri) {
        (&all[1..2], 17, 1)
    } else {
        (all, 33, 3)
    };
    for ty in TYPES {
        for &rows in counts {
            let blocks = if ty.weights() == 1 { 15 * units } else { units };
            check(ty, outputs, blocks * ty.weights(), rows, rows as u64);
        }
        check(ty, 1, ty.weights(), 1, 5);
    }
}

/// Any bytes are weights: codes, scales that are subnormal, infinite or not a number.
fn any_bytes(ty: BlockType, outputs: usize, inputs: usize, rng: &mut Rng) -> Vec<u8> {
    let bytes = outputs * inputs / ty.weights() * ty.bytes();
    (0..bytes).map(|_| rng.bits() as u8).collect()
}

fn any_type() -> impl Strategy<Value = BlockType> {
    proptest::sample::select(TYPES.as_slice())
}

/// Values that arithmetic may stumble over.
fn any_value() -> impl Strategy<Value = f32> {
    let special = [
        0.0,
        -0.0,
        1e-40,
        -1e-45,
        1e-31,
        3e38,
        -3e38,
        f32::INFINITY,
        f32::NAN,
    ];
    prop_oneof![4 => -3.0f32..3.0, 1 => proptest::sample::select(special.to_vec())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn any_shape(
        ty in any_type(), outputs in 1usize..70, blocks in 1usize..4, rows in 1usize..20,
        seed: u64,
    ) {
        let inputs = if ty.weights() == 1 { 20 * blocks + seed as usize % 20 } else { blocks * ty.weights() };
        check(ty, outputs, inputs, rows, seed);
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn a_row_is_the_same_alone_and_among_others_and_in_any_division(
        ty in any_type(), outputs in 1usize..100, rows in 1usize..20, at: prop::sample::Index,
        cut: prop::sample::Index, seed: u64,
    ) {
        let inputs = 2 * ty.weights().max(24);
        let rng = &mut Rng::new(seed);
        let w = weights(ty, outputs, inputs, rng);
        let x = activations(rows * inputs, rng);
        let row = at.index(rows);
        for level in Level::available() {
            let all = product(level, ty, &w, outputs, inputs, &x);
            let alone = product(level, ty, &w, outputs, inputs, &x[row * inputs..][..inputs]);
            prop_assert_eq!(bits(&all[row * outputs..][..outputs]), bits(&alone));

            let packed = Packed::new(level, ty, &w, outputs, inputs).expect("packs");
            let mut acts = Acts::new(packed.act_kind(), inputs, rows);
            let acts = acts.quantize(level, &x);
            let mut divided = vec![f32::NAN; rows * outputs];
            let cut = cut.index(packed.panels() + 1);
            for panels in [cut..packed.panels(), 0..cut] {
                // SAFETY: one thread.
                unsafe { matmul_panels(&packed, &acts, Shared::new(&mut divided), panels) };
            }
            prop_assert_eq!(bits(&divided), bits(&all));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn levels_agree_on_any_bytes_and_values(
        ty in any_type(), outputs in 1usize..20, rows in 1usize..6,
        x in proptest::collection::vec(any_value(), 6 * 512), seed: u64,
    ) {
        let inputs = if ty.weights() == 1 { 37 } else { 512 };
        let w = any_bytes(ty, outputs, inputs, &mut Rng::new(seed));
        let x = &x[..rows * inputs];
        let reference = product(Level::SCALAR, ty, &w, outputs, inputs, x);
        for level in Level::available() {
            let got = product(level, ty, &w, outputs, inputs, x);
            prop_assert_eq!(bits(&got), bits(&reference), "{} at {}", ty, level);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn rows_come_back_as_they_were(ty in any_type(), outputs in 1usize..40, seed: u64, parts in 1usize..5) {
        let inputs = if ty.weights() == 1 { 19 } else { 2 * ty.weights() };
        let w = any_bytes(ty, outputs, inputs, &mut Rng::new(seed));
        let mut packed = Packed::zeroed(Level::SCALAR, ty, outputs, inputs).expect("packs");
        for mut part in packed.parts(parts) {
            part.fill(&w).expect("all of it");
        }
        let mut want = vec![0.0; outputs * inputs];
        ty.dequantize(&w, &mut want).expect("whole blocks");
        if ty == BlockType::BF16 {
            let flushed = |w: &mut f32| if w.abs() < 2f32.powi(-52) { *w = 0.0 };
            want.iter_mut().for_each(flushed);
        }
        let mut got = vec![0.0; inputs];
        for (row, want) in want.chunks(inputs).enumerate() {
            packed.dequantize_row(row, &mut got);
            prop_assert_eq!(bits(&got), bits(want), "row {} of {}", row, ty);
        }
    }
}

#[test]
fn a_value_that_is_not_finite_spoils_its_row_only() {
    let rng = &mut Rng::new(9);
    for ty in [
        BlockType::Q8_0,
        BlockType::Q4_1,
        BlockType::Q6_K,
        BlockType::F16,
    ] {
        let w = weights(ty, 5, 256, rng);
        for bad in [f32::NAN, f32::INFINITY] {
            let mut x = activations(3 * 256, rng);
            x[256 + 77] = bad;
            for level in Level::available() {
                let out = product(level, ty, &w, 5, 256, &x);
                let spoiled = |row: usize| out[row * 5..][..5].iter().all(|x| !x.is_finite());
                assert!(
                    spoiled(1) && !spoiled(0) && !spoiled(2),
                    "{ty} at {level}: {out:?}"
                );
            }
        }
    }
}

#[test]
fn one_copy_as_large_as_the_file() {
    for ty in TYPES {
        let packed = Packed::zeroed(Level::SCALAR, ty, 64, 1024).expect("packs");
        let file = 64 * 1024 / ty.weights() * ty.bytes();
        let ratio = packed.bytes() as f64 / file as f64;
        assert!(
            (1.0..1.04).contains(&ratio),
            "{ty} has {ratio} times its size"
        );
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let error = |ty, bytes: usize, outputs, inputs| {
        let packed = Packed::new(Level::SCALAR, ty, &vec![0; bytes], outputs, inputs);
        packed.expect_err("an error").to_string()
    };
    assert_eq!(
        error(BlockType::Q4_K, 144, 1, 100),
        "a row of 100 weights is no whole number of Q4_K blocks of 256"
    );
    assert_eq!(
        error(BlockType::Q8_0, 33, 2, 32),
        "Q8_0 weights of 2 x 32 have 68 bytes, not 33"
    );
    assert_eq!(
        error(BlockType::IQ1_S, 0, 1, 256),
        "there are no kernels for weights of type IQ1_S"
    );
    assert_eq!(
        error(BlockType::F32, 0, usize::MAX / 2, 64),
        format!("a matrix of {} x 64 is too large", usize::MAX / 2)
    );
    let unknown = Level::choose(Some("mmx"))
        .expect_err("an error")
        .to_string();
    assert!(
        unknown.starts_with("unknown CPU level \"mmx\""),
        "{unknown}"
    );
    assert_eq!(Level::choose(None), Ok(Level::best()));
    assert_eq!(Level::choose(Some("scalar")), Ok(Level::SCALAR));
}

#[test]
fn nothing_is_nothing() {
    for ty in [BlockType::Q4_K, BlockType::F32] {
        assert!(product(Level::best(), ty, &[], 0, 256, &[0.0; 256]).is_empty());
        let w = weights(ty, 3, 256, &mut Rng::new(1));
        assert!(product(Level::best(), ty, &w, 3, 256, &[]).is_empty());
    }
}
