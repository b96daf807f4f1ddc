//! Each block type on small cases that need no recordings.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

use half::f16;
use ollamars_quants::{BlockType, Error};
use proptest::prelude::*;

/// The weights of one block.
fn expand(ty: BlockType, block: &[u8]) -> Vec<f32> {
    let mut weights = vec![f32::NAN; ty.weights()];
    ty.dequantize(block, &mut weights).unwrap();
    weights
}

/// A block of zeros with `parts` (offset, bytes) put over it.
fn block(ty: BlockType, parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut block = vec![0; ty.bytes()];
    for (at, bytes) in parts {
        block[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    block
}

const HALF: [u8; 2] = [0x00, 0x38];
const ONE: [u8; 2] = [0x00, 0x3c];

/// For each type a block and the first and the last of its weights, worked out by hand.
fn cases() -> Vec<(BlockType, Vec<u8>, f32, f32)> {
    use BlockType::*;
    let of = |ty, parts: &[(usize, &[u8])], first, last| (ty, block(ty, parts), first, last);
    vec![
        of(F32, &[(0, &1.5f32.to_le_bytes())], 1.5, 1.5),
        of(F16, &[(0, &HALF)], 0.5, 0.5),
        of(BF16, &[(0, &[0x80, 0xbf])], -1.0, -1.0),
        of(F64, &[(0, &0.1f64.to_le_bytes())], 0.1, 0.1),
        of(I8, &[(0, &[0xff])], -1.0, -1.0),
        of(I16, &[(0, &[0x00, 0x80])], -32768.0, -32768.0),
        of(
            I32,
            &[(0, &16_777_217i32.to_le_bytes())],
            16_777_216.0,
            16_777_216.0,
        ),
        of(I64, &[(0, &(-5i64).to_le_bytes())], -5.0, -5.0),
        of(Q4_0, &[(0, &HALF), (2, &[0x0f]), (17, &[0x10])], 3.5, -3.5),
        of(
            Q4_1,
            &[(0, &HALF), (2, &ONE), (4, &[0x0f]), (19, &[0x20])],
            8.5,
            2.0,
        ),
        of(
            Q5_0,
            &[
                (0, &HALF),
                (2, &[1, 0, 0, 0x80]),
                (6, &[0x0f]),
                (21, &[0x10]),
            ],
            7.5,
            0.5,
        ),
        of(
            Q5_1,
            &[
                (0, &HALF),
                (2, &ONE),
                (4, &[1, 0, 0, 0x80]),
                (8, &[1]),
                (23, &[0]),
            ],
            9.5,
            9.0,
        ),
        of(Q8_0, &[(0, &HALF), (2, &[127]), (33, &[0x80])], 63.5, -64.0),
        of(
            Q8_1,
            &[(0, &HALF), (2, &ONE), (4, &[127]), (35, &[0x80])],
            63.5,
            -64.0,
        ),
        of(
            Q2_K,
            &[
                (0, &[0x12]),
                (15, &[0x21]),
                (16, &[3]),
                (79, &[0x40]),
                (80, &HALF),
                (82, &ONE),
            ],
            2.0,
            -1.5,
        ),
        of(
            Q3_K,
            &[
                (0, &[1]),
                (32, &[3]),
                (96, &[0x01]),
                (104, &[0x02]),
                (108, &HALF),
            ],
            1.5,
            64.0,
        ),
        of(
            Q4_K,
            &[
                (0, &HALF),
                (2, &ONE),
                (4, &[3]),
                (8, &[2]),
                (16, &[0x0f]),
                (15, &[0x21]),
                (143, &[0x70]),
            ],
            20.5,
            1.5,
        ),
        of(
            Q5_K,
            &[
                (0, &HALF),
                (2, &ONE),
                (4, &[3]),
                (8, &[2]),
                (48, &[0x0f]),
                (16, &[1]),
                (15, &[0x21]),
                (175, &[0x70]),
                (47, &[0x80]),
            ],
            44.5,
            9.5,
        ),
        of(
            Q6_K,
            &[
                (0, &[0x0f]),
                (128, &[3]),
                (192, &[2]),
                (207, &[0xff]),
                (208, &HALF),
            ],
            31.0,
            16.0,
        ),
        of(
            Q8_K,
            &[(0, &0.5f32.to_le_bytes()), (4, &[0x80]), (259, &[5])],
            -64.0,
            2.5,
        ),
        of(IQ2_XXS, &[(0, &ONE), (6, &[1, 0, 0, 0x20])], -5.0, 1.0),
        of(IQ2_XS, &[(0, &ONE), (2, &[0, 2]), (66, &[2])], -5.0, 1.0),
        of(IQ2_S, &[(0, &ONE), (34, &[1]), (74, &[2])], -5.0, 1.0),
        of(IQ3_XXS, &[(0, &ONE), (66, &[1, 0, 0, 0x20])], -5.0, 1.0),
        of(IQ3_S, &[(0, &ONE), (74, &[1]), (106, &[2])], -5.0, 1.0),
        of(IQ1_S, &[(0, &ONE), (34, &[0, 0x80])], -1.125, -0.875),
        of(
            IQ1_M,
            &[(32, &[8]), (48, &[1, 0, 0, 0, 0, 0xc0, 0, 0x30])],
            -3.375,
            -0.875,
        ),
        of(
            IQ4_NL,
            &[(0, &HALF), (2, &[0x0f]), (17, &[0xf0])],
            56.5,
            56.5,
        ),
        of(
            IQ4_XS,
            &[
                (0, &HALF),
                (2, &[2, 0]),
                (4, &[1]),
                (8, &[0x0f]),
                (135, &[0xf0]),
            ],
            56.5,
            -1808.0,
        ),
        of(TQ1_0, &[(0, &[0xff]), (51, &[0xff]), (52, &HALF)], 0.5, 0.5),
        of(TQ2_0, &[(0, &[2]), (63, &[0x80]), (64, &HALF)], 0.5, 0.5),
        of(
            MXFP4,
            &[(0, &[127]), (1, &[0x07]), (16, &[0xf0])],
            6.0,
            -6.0,
        ),
        of(
            NVFP4,
            &[(0, &[0x38, 0, 0, 0x40]), (4, &[0x07]), (35, &[0xf0])],
            6.0,
            -12.0,
        ),
        of(Q1_0, &[(0, &HALF), (2, &[1])], 0.5, -0.5),
        of(Q2_0, &[(0, &HALF), (2, &[3]), (17, &[0x80])], 1.0, 0.5),
    ]
}

#[test]
fn every_type_expands_a_block_made_by_hand() {
    let cases = cases();
    assert_eq!(cases.len(), BlockType::ALL.len());
    for (ty, block, first, last) in cases {
        let weights = expand(ty, &block);
        assert_eq!(weights.first(), Some(&first), "{ty}, first");
        assert_eq!(weights.last(), Some(&last), "{ty}, last");
    }
}

#[test]
fn names_and_numbers_are_found() {
    for &ty in BlockType::ALL {
        assert_eq!(BlockType::from_name(ty.name()), Some(ty));
        assert_eq!(BlockType::from_id(ty.id()), Some(ty));
    }
    assert_eq!(BlockType::from_id(4), None);
    assert_eq!(BlockType::from_name("Q4_2"), None);
}

#[test]
fn buffers_must_fit_together() {
    let text = |result: Result<(), Error>| result.unwrap_err().to_string();
    let ty = BlockType::Q4_0;
    assert_eq!(
        text(ty.dequantize(&[0; 19], &mut [0.0; 32])),
        "19 bytes are no whole number of Q4_0 blocks of 18 bytes"
    );
    assert_eq!(
        text(ty.dequantize(&[0; 36], &mut [0.0; 63])),
        "64 weights of Q4_0 expected, the buffer has 63"
    );
    assert_eq!(
        text(ty.quantize(&[0.0; 33], &mut [0; 18])),
        "33 weights are no whole number of Q4_0 blocks of 32 weights"
    );
    assert_eq!(
        text(ty.quantize(&[0.0; 32], &mut [0; 17])),
        "18 bytes of Q4_0 expected, the buffer has 17"
    );
    assert_eq!(
        text(BlockType::Q4_K.quantize(&[0.0; 256], &mut [0; 144])),
        "quantizing to Q4_K is not supported"
    );
    assert!(ty.dequantize(&[], &mut []).is_ok());
}

/// The types that can be made, with the largest error in parts of a block's largest weight.
const MADE: [(BlockType, f32); 8] = [
    (BlockType::F32, 0.0),
    (BlockType::F16, 1.0 / 2048.0),
    (BlockType::BF16, 1.0 / 256.0),
    (BlockType::Q4_0, 0.126),
    (BlockType::Q4_1, 0.068),
    (BlockType::Q5_0, 0.064),
    (BlockType::Q5_1, 0.034),
    (BlockType::Q8_0, 0.005),
];

proptest! {
    #[test]
    fn blocks_stand_for_the_weights_they_were_made_of(
        weights in proptest::array::uniform32(-4.0f32..4.0),
    ) {
        let largest = weights.iter().fold(0.0f32, |most, w| most.max(w.abs()));
        for (ty, tolerance) in MADE {
            let mut blocks = vec![0; 32 / ty.weights() * ty.bytes()];
            ty.quantize(&weights, &mut blocks).unwrap();
            let mut back = [0.0; 32];
            ty.dequantize(&blocks, &mut back).unwrap();
            for (weight, back) in weights.iter().zip(back) {
                let error = (weight - back).abs();
                // Half scales round too, and the smallest ones coarsely.
                prop_assert!(error <= tolerance * largest * 1.01 + 1e-4, "{}: {} {}", ty, weight, back);
            }
        }
    }

    #[test]
    fn any_block_of_any_type_expands(bytes in proptest::collection::vec(any::<u8>(), 292)) {
        for &ty in BlockType::ALL {
            prop_assert_eq!(expand(ty, &bytes[..ty.bytes()]).len(), ty.weights());
        }
    }

    #[test]
    fn halves_expand_exactly(bits in any::<u16>()) {
        let wanted = f16::from_bits(bits).to_f32();
        let got = expand(BlockType::F16, &bits.to_le_bytes())[0];
        prop_assert!(got.to_bits() == wanted.to_bits() || got.is_nan() && wanted.is_nan());
    }
}
