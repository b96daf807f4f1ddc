//! The one loop of arithmetic: some rows times a matrix of [`WIDTH`] columns.

use pulp::Simd;

/// Columns of a tile.
pub const WIDTH: usize = 16;

/// Most rows of a tile: 12 sums, two vectors of weights and a broadcast fill AVX2's 16 registers.
pub const ROWS: usize = 6;

/// A matrix `[inner, stride]` of which the columns from `column` on are used.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// Row after row.
    pub values: &'a [f32],
    /// Length of a row.
    pub stride: usize,
    /// The first of [`WIDTH`] columns.
    pub column: usize,
}

/// Rows of a group, of `count` rows in groups of nearly the same size.
#[inline(always)]
fn group_size(count: usize) -> usize {
    count.div_ceil(count.div_ceil(ROWS).max(1)).max(1)
}

/// Packs `rows` (each of `inner` values) for [`multiply`]: groups of up to [`ROWS`] rows, in each of
/// which the values with the same inner index are neighbours.
pub fn pack<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]>, inner: usize) -> Vec<f32> {
    let count = rows.len();
    let full = group_size(count);
    let mut packed = vec![0.0; count * inner];
    for (index, row) in rows.enumerate() {
        let first = index / full * full;
        let size = full.min(count - first);
        let places = packed.get_mut(first * inner + index - first..);
        for (place, &value) in places.unwrap_or_default().iter_mut().step_by(size).zip(row) {
            *place = value;
        }
    }
    packed
}

/// Adds to each row of `sums` (`[rows, WIDTH]`) the product of a packed row with `columns`: one fused
/// multiply-add after the other over the inner dimension.
#[inline(always)]
pub fn multiply<S: Simd>(simd: S, packed: &[f32], columns: Columns<'_>, sums: &mut [[f32; WIDTH]]) {
    match WIDTH / S::F32_LANES {
        1 => groups::<S, 1>(simd, packed, columns, sums),
        2 => groups::<S, 2>(simd, packed, columns, sums),
        4 => groups::<S, 4>(simd, packed, columns, sums),
        8 => groups::<S, 8>(simd, packed, columns, sums),
        _ => groups::<S, 16>(simd, packed, columns, sums),
    }
}

#[inline(always)]
fn groups<S: Simd, const V: usize>(
    simd: S,
    packed: &[f32],
    columns: Columns<'_>,
    sums: &mut [[f32; WIDTH]],
) {
    let inner = packed.len() / sums.len().max(1);
    let size = group_size(sums.len());
    let groups = packed.chunks(size * inner.max(1));
    for (x, sums) in groups.zip(sums.chunks_mut(size)) {
        match sums.len() {
            1 => tile::<S, V, 1>(simd, x, columns, sums),
            2 => tile::<S, V, 2>(simd, x, columns, sums),
            3 => tile::<S, V, 3>(simd, x, columns, sums),
            4 => tile::<S, V, 4>(simd, x, columns, sums),
            5 => tile::<S, V, 5>(simd, x, columns, sums),
            _ => tile::<S, V, ROWS>(simd, x, columns, sums),
        }
    }
}

#[inline(always)]
fn tile<S: Simd, const V: usize, const R: usize>(
    simd: S,
    x: &[f32],
    columns: Columns<'_>,
    out: &mut [[f32; WIDTH]],
) {
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    for (sums, out) in sums.iter_mut().zip(out.iter()) {
        *sums = vectors::<S, V>(out);
    }
    let rows = columns.values.chunks_exact(columns.stride);
    for (x, row) in x.as_chunks::<R>().0.iter().zip(rows) {
        let Some(row) = row.get(columns.column..).and_then(|row| row.first_chunk()) else {
            return;
        };
        let row = vectors::<S, V>(row);
        for (sums, &x) in sums.iter_mut().zip(x) {
            let x = simd.splat_f32s(x);
            for (sum, row) in sums.iter_mut().zip(row) {
                *sum = simd.mul_add_e_f32s(x, row, *sum);
            }
        }
    }
    for (out, sums) in out.iter_mut().zip(&sums) {
        for (out, sum) in S::as_mut_simd_f32s(out).0.iter_mut().zip(sums) {
            *out = *sum;
        }
    }
}

#[inline(always)]
fn vectors<S: Simd, const V: usize>(values: &[f32; WIDTH]) -> [S::f32s; V] {
    let (vectors, _) = S::as_simd_f32s(values);
    std::array::from_fn(|index| vectors[index])
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar, WithSimd};

    use super::*;

    const INNER: usize = 37;

    struct Run<'a>(&'a [Vec<f32>], Columns<'a>);

    impl WithSimd for Run<'_> {
        type Output = Vec<[f32; WIDTH]>;

        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let packed = pack(self.0.iter().map(Vec::as_slice), INNER);
            let mut sums = vec![[0.5; WIDTH]; self.0.len()];
            multiply(simd, &packed, self.1, &mut sums);
            sums
        }
    }

    fn number(index: usize) -> f32 {
        (index * 7919 % 1000) as f32 / 500.0 - 1.0
    }

    #[test]
    fn a_row_does_not_see_its_neighbours() {
        let (stride, column) = (35, 11);
        let values: Vec<f32> = (0..INNER * stride).map(number).collect();
        let columns = Columns {
            values: &values,
            stride,
            column,
        };
        let rows: Vec<Vec<f32>> = (0..23)
            .map(|row| (0..INNER).map(|at| number(row * 31 + at * 3)).collect())
            .collect();
        let alone: Vec<_> = rows
            .iter()
            .flat_map(|row| Arch::new().dispatch(Run(std::slice::from_ref(row), columns)))
            .collect();
        for count in 1..=rows.len() {
            assert_eq!(
                Arch::new().dispatch(Run(&rows[..count], columns)),
                alone[..count]
            );
        }
        let scalar = Run(&rows, columns).with_simd(Scalar::new());
        for (row, (sums, scalar)) in rows.iter().zip(alone.iter().zip(&scalar)) {
            for lane in 0..WIDTH {
                let products = row
                    .iter()
                    .enumerate()
                    .map(|(at, x)| f64::from(*x) * f64::from(values[at * stride + column + lane]));
                let exact = products.sum::<f64>() + 0.5;
                assert!((f64::from(sums[lane]) - exact).abs() < 1e-5);
                assert!((f64::from(scalar[lane]) - exact).abs() < 1e-5);
            }
        }
    }
}
