//! Walking over blocks of a size known at compile time.

use half::f16;

/// Decodes `source`, whole blocks of `BYTES` bytes, into `target`, `WEIGHTS` weights for each.
pub(crate) fn each_block<const BYTES: usize, const WEIGHTS: usize>(
    source: &[u8],
    target: &mut [f32],
    decode: impl Fn(&[u8; BYTES], &mut [f32; WEIGHTS]),
) {
    let blocks = source.as_chunks::<BYTES>().0;
    let weights = target.as_chunks_mut::<WEIGHTS>().0;
    for (block, out) in blocks.iter().zip(weights) {
        decode(block, out);
    }
}

/// The parts of a block, by offset and length. A part outside of the block does not compile.
pub(crate) trait Parts {
    /// `LEN` bytes at `AT`.
    fn part<const AT: usize, const LEN: usize>(&self) -> &[u8; LEN];

    /// The `f16` at `AT`.
    fn half<const AT: usize>(&self) -> f32 {
        f16::from_le_bytes(*self.part::<AT, 2>()).to_f32()
    }

    /// The `u16` at `AT`.
    fn u16<const AT: usize>(&self) -> u16 {
        u16::from_le_bytes(*self.part::<AT, 2>())
    }
}

impl<const N: usize> Parts for [u8; N] {
    #[inline(always)]
    fn part<const AT: usize, const LEN: usize>(&self) -> &[u8; LEN] {
        const { assert!(AT + LEN <= N) };
        match self.get(AT..).and_then(|rest| rest.first_chunk()) {
            Some(part) => part,
            None => unreachable!("checked when compiled"),
        }
    }
}
