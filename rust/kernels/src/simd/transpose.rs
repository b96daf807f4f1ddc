//! Sixteen or eight vectors of sixteen lanes against each other, by interleaving halves.

use super::Simd;

/// Lane `i` of the result folds all lanes of vector `i`; the order in which `fold` meets them is
/// that of halves, as in the reductions of [`Simd`].
#[inline(always)]
pub(crate) fn fold_each<S: Simd>(
    s: S,
    mut vectors: [S::F; 16],
    fold: impl Fn(S::F, S::F) -> S::F,
) -> S::F {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            let (a, b) = (vectors[i], vectors[i + half]);
            vectors[i] = fold(s.zip_low(a, b), s.zip_high(a, b));
        }
    }
    vectors[0]
}

/// [`fold_each`] with the sums of integers.
#[inline(always)]
pub(crate) fn sum_each<S: Simd>(s: S, vectors: &[S::I; 16]) -> S::I {
    let add = |a, b| s.cast_f(s.add_i(s.cast_i(a), s.cast_i(b)));
    s.cast_i(fold_each(s, floats(s, vectors), add))
}

/// [`fold_each`] with the largest integers.
#[inline(always)]
pub(crate) fn max_each<S: Simd>(s: S, vectors: &[S::I; 16]) -> S::I {
    let max = |a, b| s.cast_f(s.max_i(s.cast_i(a), s.cast_i(b)));
    s.cast_i(fold_each(s, floats(s, vectors), max))
}

/// The bits as they are. A loop, because `map` of so many stays a call, compiled for the baseline.
#[inline(always)]
fn floats<S: Simd>(s: S, vectors: &[S::I; 16]) -> [S::F; 16] {
    let mut floats = [s.splat(0.0); 16];
    for (float, &vector) in floats.iter_mut().zip(vectors) {
        *float = s.cast_f(vector);
    }
    floats
}

/// Eight rows of sixteen columns as sixteen rows of eight, two in each vector.
#[inline(always)]
pub(crate) fn interleave<S: Simd>(s: S, mut rows: [S::F; 8]) -> [S::F; 8] {
    // After a step each vector has the columns of twice as many rows, for half of the columns.
    for half in [4, 2, 1] {
        let mut next = rows;
        let blocks = 4 / half;
        for i in 0..half {
            for block in 0..blocks {
                let (a, b) = (
                    rows[block * 2 * half + i],
                    rows[block * 2 * half + i + half],
                );
                next[2 * block * half + i] = s.zip_low(a, b);
                next[(2 * block + 1) * half + i] = s.zip_high(a, b);
            }
        }
        rows = next;
    }
    rows
}
