//! GGUF blocks of 32 weights, taken apart and put together (llama.cpp b10488, ggml-common.h).
//!
//! A byte of four-bit codes holds a weight of the first half of the block in its low nibble and one
//! of the second half in its high one; the fifth bits of a block are one word.

use super::layout::Block;

/// `N` bytes of a block from `at` on.
#[inline(always)]
pub(super) fn part<const N: usize>(block: &[u8], at: usize) -> &[u8; N] {
    match block[at..].first_chunk() {
        Some(part) => part,
        None => panic!("a block of {} bytes has no {N} from {at} on", block.len()),
    }
}

/// Codes of `2 N` weights.
#[inline(always)]
pub(super) fn split_nibbles<const N: usize>(nibbles: &[u8; N], codes: &mut [u8]) {
    let (low, high) = codes.split_at_mut(N);
    for i in 0..N {
        (low[i], high[i]) = (nibbles[i] & 15, nibbles[i] >> 4);
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
#[inline(always)]
fn split_fifth_bits(word: &[u8; 4], codes: &mut [u8]) {
    let word = u32::from_le_bytes(*word);
    for (i, codes) in codes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        // Four bits to the lowest bits of four bytes: bit `j` meets its factor `2^7j`.
        let spread = (word >> (4 * i) & 15).wrapping_mul(0x0020_4081) & 0x0101_0101;
        *codes = (u32::from_le_bytes(*codes) | spread << 4).to_le_bytes();
    }
}

fn join_fifth_bits(codes: &[u8], word: &mut [u8]) {
    for (byte, codes) in word.iter_mut().zip(codes.chunks_exact(8)) {
        *byte = (0..8).fold(0, |byte, i| byte | (codes[i] >> 4 & 1) << i);
    }
}

#[inline(always)]
pub(super) fn q4_0(block: &[u8], out: &mut Block) {
    out.scale.copy_from_slice(&block[..2]);
    split_nibbles::<16>(part(block, 2), &mut out.codes[..32]);
}

pub(super) fn join_q4_0(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    join_nibbles(&from.codes[..32], &mut block[2..18]);
}

#[inline(always)]
pub(super) fn q4_1(block: &[u8], out: &mut Block) {
    out.scale.copy_from_slice(&block[..2]);
    out.min.copy_from_slice(&block[2..4]);
    split_nibbles::<16>(part(block, 4), &mut out.codes[..32]);
}

pub(super) fn join_q4_1(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    block[2..4].copy_from_slice(&from.min);
    join_nibbles(&from.codes[..32], &mut block[4..20]);
}

#[inline(always)]
pub(super) fn q5_0(block: &[u8], out: &mut Block) {
    out.scale.copy_from_slice(&block[..2]);
    split_nibbles::<16>(part(block, 6), &mut out.codes[..32]);
    split_fifth_bits(part(block, 2), &mut out.codes[..32]);
}

pub(super) fn join_q5_0(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    join_fifth_bits(&from.codes[..32], &mut block[2..6]);
    join_nibbles(&from.codes[..32], &mut block[6..22]);
}

#[inline(always)]
pub(super) fn q5_1(block: &[u8], out: &mut Block) {
    out.scale.copy_from_slice(&block[..2]);
    out.min.copy_from_slice(&block[2..4]);
    split_nibbles::<16>(part(block, 8), &mut out.codes[..32]);
    split_fifth_bits(part(block, 4), &mut out.codes[..32]);
}

pub(super) fn join_q5_1(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    block[2..4].copy_from_slice(&from.min);
    join_fifth_bits(&from.codes[..32], &mut block[4..8]);
    join_nibbles(&from.codes[..32], &mut block[8..24]);
}

/// Signed codes become unsigned: 128 more.
#[inline(always)]
pub(super) fn q8_0(block: &[u8], out: &mut Block) {
    out.scale.copy_from_slice(&block[..2]);
    for (code, &byte) in out.codes.iter_mut().zip(part::<32>(block, 2)) {
        *code = byte ^ 0x80;
    }
}

pub(super) fn join_q8_0(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    for (&code, byte) in from.codes.iter().zip(&mut block[2..34]) {
        *byte = code ^ 0x80;
    }
}

#[inline(always)]
pub(super) fn mxfp4(block: &[u8], out: &mut Block) {
    out.scale[0] = block[0];
    split_nibbles::<16>(part(block, 1), &mut out.codes[..32]);
}

pub(super) fn join_mxfp4(from: &Block, block: &mut [u8]) {
    block[0] = from.scale[0];
    join_nibbles(&from.codes[..32], &mut block[1..17]);
}
