//! GGUF blocks of 32 weights, taken apart and put together (llama.cpp b10488, ggml-common.h).
//!
//! A byte of four-bit codes holds a weight of the first half of the block in its low nibble and one
//! of the second half in its high one; the fifth bits of a block are one word.

use super::layout::Block;

/// Codes of `nibbles.len() * 2` weights.
pub(super) fn split_nibbles(nibbles: &[u8], codes: &mut [u8]) {
    let (low, high) = codes.split_at_mut(nibbles.len());
    for ((low, high), &byte) in low.iter_mut().zip(high).zip(nibbles) {
        (*low, *high) = (byte & 15, byte >> 4);
    }
}

/// The other way round; what codes have above four bits is left out.
pub(super) fn join_nibbles(codes: &[u8], nibbles: &mut [u8]) {
    let (low, high) = codes.split_at(nibbles.len());
    for ((&low, &high), byte) in low.iter().zip(high).zip(nibbles) {
        *byte = low & 15 | high << 4;
    }
}

/// Adds the fifth bits in a word.
fn split_fifth_bits(word: &[u8], codes: &mut [u8]) {
    for (&byte, codes) in word.iter().zip(codes.chunks_exact_mut(8)) {
        for (i, code) in codes.iter_mut().enumerate() {
            *code |= (byte >> i & 1) << 4;
        }
    }
}

fn join_fifth_bits(codes: &[u8], word: &mut [u8]) {
    for (byte, codes) in word.iter_mut().zip(codes.chunks_exact(8)) {
        *byte = (0..8).fold(0, |byte, i| byte | (codes[i] >> 4 & 1) << i);
    }
}

pub(super) fn q4_0(block: &[u8], out: &mut Block) {
    out.scale.copy_from_slice(&block[..2]);
    split_nibbles(&block[2..18], &mut out.codes[..32]);
}

pub(super) fn join_q4_0(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    join_nibbles(&from.codes[..32], &mut block[2..18]);
}

pub(super) fn q4_1(block: &[u8], out: &mut Block) {
    out.scale.copy_from_slice(&block[..2]);
    out.min.copy_from_slice(&block[2..4]);
    split_nibbles(&block[4..20], &mut out.codes[..32]);
}

pub(super) fn join_q4_1(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    block[2..4].copy_from_slice(&from.min);
    join_nibbles(&from.codes[..32], &mut block[4..20]);
}

pub(super) fn q5_0(block: &[u8], out: &mut Block) {
    out.scale.copy_from_slice(&block[..2]);
    split_nibbles(&block[6..22], &mut out.codes[..32]);
    split_fifth_bits(&block[2..6], &mut out.codes[..32]);
}

pub(super) fn join_q5_0(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    join_fifth_bits(&from.codes[..32], &mut block[2..6]);
    join_nibbles(&from.codes[..32], &mut block[6..22]);
}

pub(super) fn q5_1(block: &[u8], out: &mut Block) {
    out.scale.copy_from_slice(&block[..2]);
    out.min.copy_from_slice(&block[2..4]);
    split_nibbles(&block[8..24], &mut out.codes[..32]);
    split_fifth_bits(&block[4..8], &mut out.codes[..32]);
}

pub(super) fn join_q5_1(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    block[2..4].copy_from_slice(&from.min);
    join_fifth_bits(&from.codes[..32], &mut block[4..8]);
    join_nibbles(&from.codes[..32], &mut block[8..24]);
}

/// Signed codes become unsigned: 128 more.
pub(super) fn q8_0(block: &[u8], out: &mut Block) {
    out.scale.copy_from_slice(&block[..2]);
    for (code, &byte) in out.codes.iter_mut().zip(&block[2..34]) {
        *code = byte ^ 0x80;
    }
}

pub(super) fn join_q8_0(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    for (&code, byte) in from.codes.iter().zip(&mut block[2..34]) {
        *byte = code ^ 0x80;
    }
}

pub(super) fn mxfp4(block: &[u8], out: &mut Block) {
    out.scale[0] = block[0];
    split_nibbles(&block[1..17], &mut out.codes[..32]);
}

pub(super) fn join_mxfp4(from: &Block, block: &mut [u8]) {
    block[0] = from.scale[0];
    join_nibbles(&from.codes[..32], &mut block[1..17]);
}
