//! GGUF blocks of 256 weights, taken apart and put together (llama.cpp b10488, ggml-common.h).

use super::layout::Block;
use super::split32::{join_nibbles, part, split_nibbles};

/// Two bytes from one place of a block to another.
fn copy2(from: &[u8], to: &mut [u8; 2]) {
    to.copy_from_slice(&from[..2]);
}

/// Eight six-bit factors of scales and of minimums in 12 bytes.
fn split_factors(packed: &[u8], out: &mut Block) {
    for j in 0..4 {
        let (scale, min, rest) = (packed[j], packed[j + 4], packed[j + 8]);
        (out.factors[j], out.mins[j]) = (scale & 63, min & 63);
        out.factors[j + 4] = rest & 15 | scale >> 6 << 4;
        out.mins[j + 4] = rest >> 4 | min >> 6 << 4;
    }
}

fn join_factors(from: &Block, packed: &mut [u8]) {
    for j in 0..4 {
        let (scale, min) = (from.factors[j + 4], from.mins[j + 4]);
        packed[j] = from.factors[j] & 63 | scale >> 4 << 6;
        packed[j + 4] = from.mins[j] & 63 | min >> 4 << 6;
        packed[j + 8] = scale & 15 | min << 4;
    }
}

/// `N` bytes hold the codes of `N` weights in their low nibbles, of the next `N` in their high ones.
#[inline(always)]
fn split_runs<const N: usize>(nibbles: &[u8; 128], codes: &mut [u8; 256]) {
    let nibbles = nibbles.as_chunks::<N>().0;
    for (nibbles, codes) in nibbles.iter().zip(codes.chunks_exact_mut(2 * N)) {
        split_nibbles(nibbles, codes);
    }
}

fn join_runs<const N: usize>(codes: &[u8; 256], nibbles: &mut [u8]) {
    for (nibbles, codes) in nibbles.chunks_exact_mut(N).zip(codes.chunks_exact(2 * N)) {
        join_nibbles(codes, nibbles);
    }
}

/// Adds fields of `BITS` bits, above the `ABOVE` low ones: byte `i` of each 32 has those of weights
/// `i`, `i + 32`, `i + 64`, … of its run.
#[inline(always)]
fn split_fields<const BITS: usize, const ABOVE: usize>(fields: &[u8], codes: &mut [u8; 256]) {
    let mask = (1u8 << BITS) - 1;
    let fields = fields.as_chunks::<32>().0;
    for (fields, run) in fields.iter().zip(codes.chunks_exact_mut(256 / BITS)) {
        for (j, codes) in run.chunks_exact_mut(32).enumerate() {
            for (code, &field) in codes.iter_mut().zip(fields) {
                *code |= (field >> (j * BITS) & mask) << ABOVE;
            }
        }
    }
}

fn join_fields<const BITS: usize, const ABOVE: usize>(codes: &[u8], fields: &mut [u8]) {
    let mask = (1u8 << BITS) - 1;
    for (fields, run) in fields
        .chunks_exact_mut(32)
        .zip(codes.chunks_exact(256 / BITS))
    {
        fields.fill(0);
        for (j, codes) in run.chunks_exact(32).enumerate() {
            for (&code, field) in codes.iter().zip(fields.iter_mut()) {
                *field |= (code >> ABOVE & mask) << (j * BITS);
            }
        }
    }
}

#[inline(always)]
pub(super) fn q4_k(block: &[u8], out: &mut Block) {
    copy2(block, &mut out.scale);
    copy2(&block[2..], &mut out.min);
    split_factors(&block[4..16], out);
    split_runs::<32>(part(block, 16), &mut out.codes);
}

pub(super) fn join_q4_k(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    block[2..4].copy_from_slice(&from.min);
    join_factors(from, &mut block[4..16]);
    join_runs::<32>(&from.codes, &mut block[16..144]);
}

#[inline(always)]
pub(super) fn q5_k(block: &[u8], out: &mut Block) {
    copy2(block, &mut out.scale);
    copy2(&block[2..], &mut out.min);
    split_factors(&block[4..16], out);
    split_runs::<32>(part(block, 48), &mut out.codes);
    split_fields::<1, 4>(part::<32>(block, 16), &mut out.codes);
}

pub(super) fn join_q5_k(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    block[2..4].copy_from_slice(&from.min);
    join_factors(from, &mut block[4..16]);
    join_fields::<1, 4>(&from.codes, &mut block[16..48]);
    join_runs::<32>(&from.codes, &mut block[48..176]);
}

/// 128 weights: 64 bytes of nibbles, low ones first, and 32 of pairs of bits.
#[inline(always)]
pub(super) fn q6_k(block: &[u8], out: &mut Block) {
    copy2(&block[208..], &mut out.scale);
    out.factors.copy_from_slice(&block[192..208]);
    split_runs::<64>(part(block, 0), &mut out.codes);
    split_fields::<2, 4>(part::<64>(block, 128), &mut out.codes);
}

pub(super) fn join_q6_k(from: &Block, block: &mut [u8]) {
    block[208..210].copy_from_slice(&from.scale);
    block[192..208].copy_from_slice(&from.factors);
    join_runs::<64>(&from.codes, &mut block[..128]);
    join_fields::<2, 4>(&from.codes, &mut block[128..192]);
}

#[inline(always)]
pub(super) fn q2_k(block: &[u8], out: &mut Block) {
    copy2(&block[80..], &mut out.scale);
    copy2(&block[82..], &mut out.min);
    out.factors.copy_from_slice(&block[..16]);
    out.codes.fill(0);
    split_fields::<2, 0>(part::<64>(block, 16), &mut out.codes);
}

pub(super) fn join_q2_k(from: &Block, block: &mut [u8]) {
    block[80..82].copy_from_slice(&from.scale);
    block[82..84].copy_from_slice(&from.min);
    block[..16].copy_from_slice(&from.factors);
    join_fields::<2, 0>(&from.codes, &mut block[16..80]);
}

/// Sixteen six-bit factors: low nibbles in eight bytes, high pairs in four; 32 more than the value.
#[inline(always)]
pub(super) fn q3_k(block: &[u8], out: &mut Block) {
    copy2(&block[108..], &mut out.scale);
    let packed = &block[96..108];
    for (j, factor) in out.factors.iter_mut().enumerate() {
        let low = packed[j % 8] >> (j / 8 * 4) & 15;
        let high = packed[8 + j % 4] >> (j / 4 * 2) & 3;
        *factor = (low | high << 4).wrapping_sub(32);
    }
    out.codes.fill(0);
    split_fields::<2, 0>(part::<64>(block, 32), &mut out.codes);
    split_fields::<1, 2>(part::<32>(block, 0), &mut out.codes);
}

pub(super) fn join_q3_k(from: &Block, block: &mut [u8]) {
    block[108..110].copy_from_slice(&from.scale);
    let packed = &mut block[96..108];
    packed.fill(0);
    for (j, factor) in from.factors.iter().enumerate() {
        let factor = factor.wrapping_add(32);
        packed[j % 8] |= (factor & 15) << (j / 8 * 4);
        packed[8 + j % 4] |= (factor >> 4) << (j / 4 * 2);
    }
    join_fields::<2, 0>(&from.codes, &mut block[32..96]);
    join_fields::<1, 2>(&from.codes, &mut block[..32]);
}

/// Eight six-bit factors: low nibbles in four bytes, high pairs in two; 32 more than the value.
#[inline(always)]
pub(super) fn iq4_xs(block: &[u8], out: &mut Block) {
    copy2(block, &mut out.scale);
    for j in 0..8 {
        let low = block[4 + j / 2] >> (j % 2 * 4) & 15;
        let high = block[2 + j / 4] >> (j % 4 * 2) & 3;
        out.factors[j] = (low | high << 4).wrapping_sub(32);
    }
    split_runs::<16>(part(block, 8), &mut out.codes);
}

pub(super) fn join_iq4_xs(from: &Block, block: &mut [u8]) {
    block[..2].copy_from_slice(&from.scale);
    block[2..8].fill(0);
    for (j, factor) in from.factors[..8].iter().enumerate() {
        let factor = factor.wrapping_add(32);
        block[4 + j / 2] |= (factor & 15) << (j % 2 * 4);
        block[2 + j / 4] |= (factor >> 4) << (j % 4 * 2);
    }
    join_runs::<16>(&from.codes, &mut block[8..136]);
}
