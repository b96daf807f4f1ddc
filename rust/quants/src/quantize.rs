//! Making blocks: the scalar reference, with llama.cpp's choice of every code.
//!
//! Types whose scales are found by a search (K-quants, IQ) are not made here.

use half::f16;

use crate::{BlockType, Error};

/// Makes whole blocks; the buffers' sizes were checked.
type Quantize = fn(&[f32], &mut [u8]);

/// The types that are made here.
const QUANTIZERS: [(BlockType, Quantize); 8] = [
    (BlockType::F32, f32),
    (BlockType::F16, f16),
    (BlockType::BF16, bf16),
    (BlockType::Q4_0, q4_0),
    (BlockType::Q4_1, q4_1),
    (BlockType::Q5_0, q5_0),
    (BlockType::Q5_1, q5_1),
    (BlockType::Q8_0, q8_0),
];

impl BlockType {
    /// Makes blocks of `source`, any number of whole blocks of weights, in `target`.
    ///
    /// # Errors
    /// [`Error::NoQuantizer`] if the type is not F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1 or Q8_0;
    /// [`Error::PartialWeights`] and [`Error::Size`] if the buffers do not fit together.
    pub fn quantize(self, source: &[f32], target: &mut [u8]) -> Result<(), Error> {
        let Some((_, quantize)) = QUANTIZERS.iter().find(|(ty, _)| *ty == self) else {
            return Err(Error::NoQuantizer(self));
        };
        if !source.len().is_multiple_of(self.weights()) {
            return Err(Error::PartialWeights {
                ty: self,
                got: source.len(),
                block: self.weights(),
            });
        }
        let expected = (source.len() / self.weights()).saturating_mul(self.bytes());
        if target.len() != expected {
            return Err(Error::Size {
                ty: self,
                what: "bytes",
                expected,
                got: target.len(),
            });
        }
        quantize(source, target);
        Ok(())
    }
}

/// Encodes each block of weights.
fn each_block<const WEIGHTS: usize, const BYTES: usize>(
    source: &[f32],
    target: &mut [u8],
    encode: impl Fn(&[f32; WEIGHTS]) -> [u8; BYTES],
) {
    let weights = source.as_chunks::<WEIGHTS>().0;
    let blocks = target.as_chunks_mut::<BYTES>().0;
    for (block, weights) in blocks.iter_mut().zip(weights) {
        *block = encode(weights);
    }
}

fn f32(source: &[f32], target: &mut [u8]) {
    each_block(source, target, |&[weight]| weight.to_le_bytes());
}

fn f16(source: &[f32], target: &mut [u8]) {
    each_block(source, target, |&[weight]| {
        f16::from_f32(weight).to_le_bytes()
    });
}

/// To the nearest, ties to even; a NaN stays one.
fn bf16(source: &[f32], target: &mut [u8]) {
    each_block(source, target, |&[weight]| {
        let bits = weight.to_bits();
        let rounded = if weight.is_nan() {
            bits >> 16 | 0x40
        } else {
            (bits + 0x7fff + (bits >> 16 & 1)) >> 16
        };
        (rounded as u16).to_le_bytes()
    });
}

/// One over the scale, zero for an empty block.
fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

/// The weight farthest from zero, of several the first.
fn farthest(weights: &[f32; 32]) -> f32 {
    let mut farthest = 0.0f32;
    for &weight in weights {
        if weight.abs() > farthest.abs() {
            farthest = weight;
        }
    }
    farthest
}

fn range(weights: &[f32; 32]) -> (f32, f32) {
    let mut range = (f32::MAX, -f32::MAX);
    for &weight in weights {
        if weight < range.0 {
            range.0 = weight;
        }
        if weight > range.1 {
            range.1 = weight;
        }
    }
    range
}

/// Codes of `weight * inverse + shift`, cut off below the point, up to `limit`.
fn codes(weights: &[f32; 32], inverse: f32, min: f32, shift: f32, limit: u8) -> [u8; 32] {
    weights.map(|weight| (((weight - min) * inverse + shift) as u8).min(limit))
}

/// Scales and codes as one block: halves, the word of fifth bits if there is one, nibbles.
fn assemble<const BYTES: usize>(halves: &[f32], codes: &[u8; 32], five_bits: bool) -> [u8; BYTES] {
    let mut block = [0; BYTES];
    let mut bytes = block.iter_mut();
    let mut put = |byte: u8| {
        if let Some(place) = bytes.next() {
            *place = byte;
        }
    };
    for &half in halves {
        f16::from_f32(half)
            .to_le_bytes()
            .into_iter()
            .for_each(&mut put);
    }
    if five_bits {
        let fifth = |word, (j, &code): (usize, &u8)| word | u32::from(code >> 4 & 1) << j;
        let word = codes.iter().enumerate().fold(0, fifth);
        word.to_le_bytes().into_iter().for_each(&mut put);
    }
    let (low, high) = codes.split_at(16);
    for (low, high) in low.iter().zip(high) {
        put(low & 15 | (high & 15) << 4);
    }
    block
}

fn q4_0(source: &[f32], target: &mut [u8]) {
    each_block(source, target, |weights| -> [u8; 18] {
        let scale = farthest(weights) / -8.0;
        let codes = codes(weights, inverse(scale), 0.0, 8.5, 15);
        assemble(&[scale], &codes, false)
    });
}

fn q4_1(source: &[f32], target: &mut [u8]) {
    each_block(source, target, |weights| -> [u8; 20] {
        let (min, max) = range(weights);
        let scale = (max - min) / 15.0;
        let codes = codes(weights, inverse(scale), min, 0.5, 15);
        assemble(&[scale, min], &codes, false)
    });
}

fn q5_0(source: &[f32], target: &mut [u8]) {
    each_block(source, target, |weights| -> [u8; 22] {
        let scale = farthest(weights) / -16.0;
        let codes = codes(weights, inverse(scale), 0.0, 16.5, 31);
        assemble(&[scale], &codes, true)
    });
}

fn q5_1(source: &[f32], target: &mut [u8]) {
    each_block(source, target, |weights| -> [u8; 24] {
        let (min, max) = range(weights);
        let scale = (max - min) / 31.0;
        let codes = codes(weights, inverse(scale), min, 0.5, 31);
        assemble(&[scale, min], &codes, true)
    });
}

fn q8_0(source: &[f32], target: &mut [u8]) {
    each_block(source, target, |weights| -> [u8; 34] {
        let scale = farthest(weights).abs() / 127.0;
        let inverse = inverse(scale);
        let mut block = [0; 34];
        let (half, codes) = block.split_at_mut(2);
        half.copy_from_slice(&f16::from_f32(scale).to_le_bytes());
        for (code, weight) in codes.iter_mut().zip(weights) {
            *code = (weight * inverse).round() as i8 as u8;
        }
        block
    });
}
