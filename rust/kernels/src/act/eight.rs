//! Quantizing a whole group: the bits of [`super::quantize`], eight rows at once.
//!
//! A lane is a row: largest values and sums of all rows come out of one tree, and codes go to their
//! places as whole vectors.

use super::quantize::{INFINITE, Place, SMALLEST, block32, block256, halves};
use super::{ActKind, GROUP};
use crate::Level;
use crate::isa::levels;
use crate::simd::{Simd, interleave, max_each, sum_each};

/// Lanes of the vectors at every level.
const LANES: usize = 16;

/// Values of each row whose codes fill a vector.
const CHUNK: usize = 4 * LANES;

/// Eight rows, and where their codes go.
#[derive(Clone, Copy)]
pub(super) struct Group {
    /// Values of the first row; the next one's follow.
    pub x: *const f32,
    /// Values of a row.
    pub inputs: usize,
    pub place: Place,
    /// Bytes from one row's own codes to the next one's.
    pub code_stride: usize,
}

impl Group {
    /// Vector `v` of row `t`.
    ///
    /// # Safety
    /// The row has it.
    #[inline(always)]
    unsafe fn load<S: Simd>(&self, s: S, t: usize, v: usize) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { s.load(self.x.add(t * self.inputs + v * LANES)) }
    }

    /// Quantizes the values from `range.start` on of each row alone.
    ///
    /// # Safety
    /// `block` quantizes so many values, which the rows have.
    #[inline(always)]
    unsafe fn each_row(&self, from: usize, block: impl Fn(*const f32, Place)) {
        for t in 0..GROUP {
            let place = Place {
                rows: self.place.rows.skip(t),
                codes: self.codes(t),
            };
            block(self.x.wrapping_add(t * self.inputs + from), place);
        }
    }

    /// A row's own codes, if there are such.
    #[inline(always)]
    fn codes(&self, t: usize) -> *mut u8 {
        match self.place.codes.is_null() {
            true => self.place.codes,
            false => self.place.codes.wrapping_add(t * self.code_stride),
        }
    }
}

/// Quantizes a group of eight rows.
///
/// # Safety
/// The rows have `inputs` values, whole blocks of `kind`; the place is for them, and this thread's.
pub(super) unsafe fn group(level: Level, kind: ActKind, group: Group) {
    match kind {
        ActKind::Bytes32 => bytes32(level, group),
        ActKind::Bytes256 => bytes256(level, group),
        _ => unreachable!("only bytes are quantized"),
    }
}

levels! {
    fn bytes32[s](group: Group) = {
        let blocks = group.inputs / 32;
        // SAFETY: `group`'s caller promises the memory; the blocks exist.
        unsafe {
            for pair in 0..blocks / 2 {
                two_blocks32(s, &group, pair);
            }
            if blocks % 2 == 1 {
                let last = blocks - 1;
                group.each_row(32 * last, |x, place| block32(s, &*x.cast(), last, place));
            }
        }
    }
}

levels! {
    fn bytes256[s](group: Group) = {
        for b in 0..group.inputs / 256 {
            // SAFETY: `group`'s caller promises the memory; the block exists.
            unsafe { eight_blocks256(s, &group, b) };
        }
    }
}

/// How codes are made: what one counts, and the inverse, one for each row and block.
struct Scales<S: Simd> {
    scales: S::F,
    inverses: [f32; LANES],
}

impl<S: Simd> Scales<S> {
    /// From the bits of the largest magnitudes; nothing if one of them needs a special case.
    #[inline(always)]
    fn new(s: S, peaks: S::I, used: usize) -> Option<Self> {
        let (peaks, mut values) = (s.cast_f(peaks), [0f32; LANES]);
        // SAFETY: an array of a vector's length.
        unsafe { s.store(values.as_mut_ptr(), peaks) };
        let is_normal = |value: &f32| (SMALLEST..INFINITE).contains(&(value.to_bits() as i32));
        if !values[..used].iter().all(is_normal) {
            return None;
        }
        let (most, mut inverses) = (s.splat(127.0), [0f32; LANES]);
        // SAFETY: an array of a vector's length.
        unsafe { s.store(inverses.as_mut_ptr(), s.div(most, peaks)) };
        Some(Self {
            scales: s.div(peaks, most),
            inverses,
        })
    }
}

/// Magnitudes, as bits, of the larger of two.
#[inline(always)]
fn larger<S: Simd>(s: S, largest: S::I, x: S::F) -> S::I {
    s.max_i(largest, s.and(s.cast_i(x), s.splat_i(i32::MAX)))
}

/// Codes of a chunk of each row: four vectors a row.
type Chunk<I> = [[I; 4]; GROUP];

/// Makes the codes of chunk `chunk` of all rows and stores them; `inverses` are those of the first
/// and of the second half of each row's chunk.
///
/// # Safety
/// The rows have the chunk.
#[inline(always)]
unsafe fn chunk<S: Simd>(s: S, group: &Group, chunk: usize, inverses: [&[f32]; 2]) -> Chunk<S::I> {
    let (mut codes, mut packed) = ([[s.splat_i(0); 4]; GROUP], [s.splat(0.0); GROUP]);
    for t in 0..GROUP {
        let inverses = [s.splat(inverses[0][t]), s.splat(inverses[1][t])];
        for (v, codes) in codes[t].iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            let x = unsafe { group.load(s, t, 4 * chunk + v) };
            *codes = s.round(s.mul(x, inverses[v / 2]));
        }
        packed[t] = s.cast_f(s.pack_i8(codes[t]));
        let own = group.codes(t);
        if !own.is_null() {
            // SAFETY: the row's own codes of the chunk.
            unsafe { s.store(own.add(CHUNK * chunk).cast(), packed[t]) };
        }
    }
    let quads = group.place.rows.quads.wrapping_add(chunk * LANES * GROUP);
    for (i, quads_of_all) in interleave(s, packed).into_iter().enumerate() {
        // SAFETY: two quads of all rows.
        unsafe { s.store(quads.add(i * LANES).cast(), quads_of_all) };
    }
    codes
}

/// Blocks `2 * pair` and the next one of each row.
///
/// # Safety
/// The rows have them.
#[inline(always)]
unsafe fn two_blocks32<S: Simd>(s: S, group: &Group, pair: usize) {
    let mut peaks = [s.splat_i(0); LANES];
    for (i, peak) in peaks.iter_mut().enumerate() {
        for v in 0..2 {
            // SAFETY: the caller's promise.
            let x = unsafe { group.load(s, i % GROUP, 4 * pair + 2 * (i / GROUP) + v) };
            *peak = larger(s, *peak, x);
        }
    }
    // SAFETY: the rows have the blocks; so has the place.
    unsafe {
        let Some(scales) = Scales::new(s, max_each(s, &peaks), LANES) else {
            for block in [2 * pair, 2 * pair + 1] {
                group.each_row(32 * block, |x, place| block32(s, &*x.cast(), block, place));
            }
            return;
        };
        let [first, second] = [&scales.inverses[..GROUP], &scales.inverses[GROUP..]];
        let codes = chunk(s, group, pair, [first, second]);
        let mut sums = [s.splat_i(0); LANES];
        for (i, sum) in sums.iter_mut().enumerate() {
            let (row, first) = (&codes[i % GROUP], 2 * (i / GROUP));
            *sum = s.add_i(row[first], row[first + 1]);
        }
        let (sums, out) = (s.to_f(sum_each(s, &sums)), group.place.rows);
        let minus = s.round(s.sub(s.splat(0.0), sums));
        let at = pair * LANES;
        s.store(out.scales.add(at), scales.scales);
        s.store(out.sums.add(at).cast(), s.cast_f(minus));
        s.store(out.scaled.add(at), s.mul(scales.scales, sums));
    }
}

/// Block `b` of each row.
///
/// # Safety
/// The rows have it.
#[inline(always)]
unsafe fn eight_blocks256<S: Simd>(s: S, group: &Group, b: usize) {
    let mut peaks = [s.splat_i(0); LANES];
    for (t, peak) in peaks[..GROUP].iter_mut().enumerate() {
        for v in 0..LANES {
            // SAFETY: the caller's promise.
            *peak = larger(s, *peak, unsafe { group.load(s, t, b * LANES + v) });
        }
    }
    // SAFETY: the rows have the block; so has the place.
    unsafe {
        let Some(scales) = Scales::new(s, max_each(s, &peaks), GROUP) else {
            group.each_row(256 * b, |x, place| block256(s, &*x.cast(), b, place));
            return;
        };
        let (inverses, out) = (&scales.inverses[..GROUP], group.place.rows);
        s.store_part(out.scales.add(b * GROUP), scales.scales, GROUP);
        for c in 4 * b..4 * b + 4 {
            let codes = chunk(s, group, c, [inverses; 2]);
            store_sums(s, group, c, &codes);
        }
    }
}

/// Sums of each 16 and of each 32 codes of chunk `c`.
///
/// # Safety
/// As [`eight_blocks256`].
#[inline(always)]
unsafe fn store_sums<S: Simd>(s: S, group: &Group, c: usize, codes: &Chunk<S::I>) {
    let mut parts = [[s.splat_i(0); LANES]; 2];
    for (first, part) in parts.iter_mut().enumerate() {
        for (i, vector) in part.iter_mut().enumerate() {
            *vector = codes[i % GROUP][first + 2 * (i / GROUP)];
        }
    }
    let (even, odd, out) = (
        sum_each(s, &parts[0]),
        sum_each(s, &parts[1]),
        group.place.rows,
    );
    let both = s.add_i(s.and(even, s.splat_i(0xffff)), s.shl(odd, 16));
    let mut sums32 = [0i32; LANES];
    // SAFETY: the chunk's places.
    unsafe {
        s.store(out.sums.add(c * LANES).cast(), s.cast_f(both));
        let all = s.cast_f(s.add_i(even, odd));
        s.store(sums32.as_mut_ptr().cast(), all);
        for t in 0..GROUP {
            *out.sums32.add(c * GROUP + t) = halves(sums32[t], sums32[GROUP + t]);
        }
    }
}
