//! From GGUF rows to panels, and one row back.

use super::layout::{Block, Format, Layout, PANEL};
use crate::bf16;

impl Block {
    pub(super) fn new() -> Self {
        Self {
            scale: [0; 2],
            min: [0; 2],
            factors: [0; 16],
            mins: [0; 16],
            codes: [0; 256],
        }
    }
}

/// Packs up to 16 `rows`, each as many blocks as `panel` has units; missing rows stay as they are.
///
/// One function for each format: with all sizes constant it is several times as fast.
pub(super) fn pack<T: Format>(rows: &[u8], row_bytes: usize, panel: &mut [u8]) {
    let layout = &const { T::LAYOUT };
    let bytes = layout.ty.bytes();
    let mut block = Block::new();
    let units = panel.chunks_exact_mut(layout.unit_bytes());
    for (u, unit) in units.enumerate() {
        for (r, row) in rows.chunks_exact(row_bytes).enumerate() {
            (layout.split)(&row[u * bytes..(u + 1) * bytes], &mut block);
            write_head(layout, &block, r, unit);
            let chunks = unit[layout.codes_at()..].chunks_exact_mut(layout.chunk_bytes());
            for (codes, chunk) in block.codes.as_chunks::<32>().0.iter().zip(chunks) {
                write_codes(layout, codes, r, chunk);
            }
        }
    }
}

/// The block of row `r` in a unit, as it was in the file.
pub(super) fn unpack<T: Format>(unit: &[u8], r: usize, out: &mut [u8]) {
    let layout = &const { T::LAYOUT };
    let mut block = Block::new();
    read_head(layout, unit, r, &mut block);
    let chunks = unit[layout.codes_at()..].chunks_exact(layout.chunk_bytes());
    for (codes, chunk) in block.codes.as_chunks_mut::<32>().0.iter_mut().zip(chunks) {
        read_codes(layout, chunk, r, codes);
    }
    (layout.join)(&block, out);
}

#[inline(always)]
fn write_head(layout: &Layout, block: &Block, r: usize, unit: &mut [u8]) {
    let scale = layout.min_at() / PANEL;
    unit[r * scale..][..scale].copy_from_slice(&block.scale[..scale]);
    if layout.min {
        unit[layout.min_at() + 2 * r..][..2].copy_from_slice(&block.min);
    }
    for (j, &factor) in block.factors[..layout.groups()].iter().enumerate() {
        unit[layout.factors_at() + PANEL * j + r] = factor;
    }
    if layout.mins_at() < layout.codes_at() {
        for (j, &min) in block.mins[..layout.groups()].iter().enumerate() {
            unit[layout.mins_at() + PANEL * j + r] = min;
        }
    }
}

#[inline(always)]
fn read_head(layout: &Layout, unit: &[u8], r: usize, block: &mut Block) {
    let scale = layout.min_at() / PANEL;
    block.scale[..scale].copy_from_slice(&unit[r * scale..][..scale]);
    if layout.min {
        block
            .min
            .copy_from_slice(&unit[layout.min_at() + 2 * r..][..2]);
    }
    for (j, factor) in block.factors[..layout.groups()].iter_mut().enumerate() {
        *factor = unit[layout.factors_at() + PANEL * j + r];
    }
    if layout.mins_at() < layout.codes_at() {
        for (j, min) in block.mins[..layout.groups()].iter_mut().enumerate() {
            *min = unit[layout.mins_at() + PANEL * j + r];
        }
    }
}

/// The planes of one field of the codes: `bits` bits from bit `from` on.
#[derive(Clone, Copy)]
struct Planes {
    from: usize,
    bits: usize,
}

impl Planes {
    /// In each of four bytes.
    fn mask(self) -> u32 {
        (0xff >> (8 - self.bits)) * 0x0101_0101
    }

    #[inline(always)]
    fn write(self, quads: &[u32; 8], r: usize, planes: &mut [u8]) {
        let per_vector = 8 / self.bits;
        let vectors = planes.as_chunks_mut::<64>().0;
        for (vector, quads) in vectors.iter_mut().zip(quads.chunks_exact(per_vector)) {
            let word = quads.iter().enumerate().fold(0, |word, (i, quad)| {
                word | (quad >> self.from & self.mask()) << (i * self.bits)
            });
            vector[4 * r..4 * r + 4].copy_from_slice(&word.to_le_bytes());
        }
    }

    #[inline(always)]
    fn read(self, planes: &[u8], r: usize, quads: &mut [u32; 8]) {
        let per_vector = 8 / self.bits;
        let vectors = planes.as_chunks::<64>().0;
        for (vector, quads) in vectors.iter().zip(quads.chunks_exact_mut(per_vector)) {
            let word = u32::from_le_bytes([0, 1, 2, 3].map(|i| vector[4 * r + i]));
            for (i, quad) in quads.iter_mut().enumerate() {
                *quad |= (word >> (i * self.bits) & self.mask()) << self.from;
            }
        }
    }
}

/// Constant sizes, so that the loops unroll.
macro_rules! for_planes {
    ($layout:ident, |$planes:ident, $low:ident| $body:expr) => {{
        let (low, high) = ($layout.low, $layout.high);
        let mut each = |$planes: Planes, $low: bool| $body;
        match low {
            2 => each(Planes { from: 0, bits: 2 }, true),
            4 => each(Planes { from: 0, bits: 4 }, true),
            _ => each(Planes { from: 0, bits: 8 }, true),
        }
        match (low, high) {
            (_, 0) => {}
            (2, _) => each(Planes { from: 2, bits: 1 }, false),
            (_, 1) => each(Planes { from: 4, bits: 1 }, false),
            _ => each(Planes { from: 4, bits: 2 }, false),
        }
    }};
}

#[inline(always)]
fn write_codes(layout: &Layout, codes: &[u8; 32], r: usize, chunk: &mut [u8]) {
    let quads = quads(codes);
    let (low, high) = chunk.split_at_mut(layout.low_bytes());
    for_planes!(layout, |planes, is_low| {
        planes.write(&quads, r, if is_low { &mut *low } else { &mut *high })
    });
}

#[inline(always)]
fn read_codes(layout: &Layout, chunk: &[u8], r: usize, codes: &mut [u8; 32]) {
    let mut quads = [0; 8];
    let (low, high) = chunk.split_at(layout.low_bytes());
    for_planes!(layout, |planes, is_low| {
        planes.read(if is_low { low } else { high }, r, &mut quads)
    });
    for (codes, quad) in codes.as_chunks_mut::<4>().0.iter_mut().zip(quads) {
        *codes = quad.to_le_bytes();
    }
}

#[inline(always)]
fn quads(codes: &[u8; 32]) -> [u32; 8] {
    let bytes = codes.as_chunks::<4>().0;
    std::array::from_fn(|i| u32::from_le_bytes(bytes[i]))
}

/// As [`pack`], for types of one number of `size` bytes a weight: weight by weight, all 16 rows.
pub(super) fn pack_plain(size: usize, rows: &[u8], row_bytes: usize, panel: &mut [u8]) {
    for (r, row) in rows.chunks_exact(row_bytes).enumerate() {
        match size {
            2 => scatter::<2>(row, r, panel),
            _ => scatter::<4>(row, r, panel),
        }
    }
}

fn scatter<const SIZE: usize>(row: &[u8], r: usize, panel: &mut [u8]) {
    let lanes = panel.chunks_exact_mut(PANEL * SIZE);
    for (value, lanes) in row.as_chunks::<SIZE>().0.iter().zip(lanes) {
        lanes[r * SIZE..][..SIZE].copy_from_slice(value);
    }
}

/// As [`pack`], for BF16: two weights of each row in a word, row by row.
pub(super) fn pack_pairs(rows: &[u8], row_bytes: usize, panel: &mut [u8]) {
    let half = |bytes: &[u8]| u32::from(bf16::flushed(u16::from_le_bytes([bytes[0], bytes[1]])));
    for (r, row) in rows.chunks_exact(row_bytes).enumerate() {
        let vectors = panel.as_chunks_mut::<64>().0;
        for (vector, pair) in vectors.iter_mut().zip(row.chunks(4)) {
            let odd = pair.get(2..4).map_or(0, half);
            let word = half(pair) | odd << 16;
            vector[4 * r..4 * r + 4].copy_from_slice(&word.to_le_bytes());
        }
    }
}

/// Row `r` of a panel of [`pack_pairs`].
pub(super) fn unpack_pairs(panel: &[u8], r: usize, out: &mut [f32]) {
    for (vector, out) in panel.as_chunks::<64>().0.iter().zip(out.chunks_mut(2)) {
        for (bytes, out) in vector[4 * r..].as_chunks::<2>().0.iter().zip(out) {
            *out = bf16::to_f32(u16::from_le_bytes(*bytes));
        }
    }
}
