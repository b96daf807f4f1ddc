//! Matrices as `[panels, inner, 16]`: what one step of the inner dimension needs lies side by side.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result as Candle, Shape, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::tile::{Columns, WIDTH, multiply, pack};
use super::values;
use crate::Result;
use crate::exec::candle::load::no_memory;

/// `count` matrices `[rows, columns]`, each padded to whole panels of [`WIDTH`] rows.
#[derive(Debug)]
pub struct Panels {
    values: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl Panels {
    /// Makes `count` matrices; `fill` writes row `row` of matrix `index` to its last argument.
    ///
    /// # Errors
    /// The first error of `fill`; an error if there is no memory.
    pub fn new(
        [count, rows, columns]: [usize; 3],
        fill: impl Fn(usize, usize, &mut [f32]) -> Result<()> + Sync,
    ) -> Result<Self> {
        let panels = rows.div_ceil(WIDTH);
        let size = count.saturating_mul(panels).saturating_mul(columns * WIDTH);
        if Vec::<f32>::new().try_reserve_exact(size).is_err() {
            return Err(no_memory(size));
        }
        // Fresh pages of zeros: each is touched first by the thread that fills it.
        let mut values = vec![0.0; size];
        let chunks = values.par_chunks_mut((columns * WIDTH).max(1)).enumerate();
        chunks.try_for_each_init(
            || vec![0.0; columns],
            |row, (index, panel)| -> Result<()> {
                let (matrix, first) = (index / panels, index % panels * WIDTH);
                for lane in 0..WIDTH.min(rows - first) {
                    fill(matrix, first + lane, row)?;
                    let places = panel.get_mut(lane..).unwrap_or_default();
                    for (place, &value) in places.iter_mut().step_by(WIDTH).zip(row.iter()) {
                        *place = value;
                    }
                }
                Ok(())
            },
        )?;
        Ok(Self {
            values,
            rows,
            columns,
        })
    }

    /// Columns of a matrix.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes.
    pub fn memory(&self) -> u64 {
        size_of_val(self.values.as_slice()) as u64
    }

    /// Copies row `row` of the first matrix to `out`.
    pub fn copy_row(&self, row: usize, out: &mut [f32]) {
        let start = row / WIDTH * WIDTH * self.columns + row % WIDTH;
        let values = self.values.get(start..).unwrap_or_default();
        for (out, &value) in out.iter_mut().zip(values.iter().step_by(WIDTH)) {
            *out = value;
        }
    }

    /// Matrix `index` times each row of `x` (`[n, columns]`), plus `bias`: `[n, rows]`.
    fn multiply(&self, index: usize, x: &[f32], bias: &[f32]) -> Option<Vec<f32>> {
        let n = x.len() / self.columns;
        let size = self.rows.div_ceil(WIDTH) * self.columns * WIDTH;
        let matrix = self.values.get(index * size..(index + 1) * size)?;
        let packed = pack(x.chunks_exact(self.columns), self.columns);
        let mut sums = vec![[0.0; WIDTH]; self.rows.div_ceil(WIDTH) * n];
        let panels = matrix.chunks_exact(self.columns * WIDTH);
        let share = panels.len().div_ceil(rayon::current_num_threads()).max(1);
        let arch = Arch::new();
        sums.par_chunks_mut(share * n)
            .zip(matrix.par_chunks(share * self.columns * WIDTH))
            .for_each(|(sums, panels)| {
                arch.dispatch(Multiply {
                    packed: &packed,
                    panels,
                    columns: self.columns,
                    sums,
                });
            });
        Some(self.by_row(&sums, n, bias))
    }

    /// `[panels, n, WIDTH]` to `[n, rows]`.
    fn by_row(&self, sums: &[[f32; WIDTH]], n: usize, bias: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; n * self.rows];
        for (index, row) in out.chunks_exact_mut(self.rows).enumerate() {
            let own = sums.iter().skip(index).step_by(n);
            for (place, sums) in row.chunks_mut(WIDTH).zip(own) {
                place.copy_from_slice(&sums[..place.len()]);
            }
            for (place, bias) in row.iter_mut().zip(bias) {
                *place += bias;
            }
        }
        out
    }
}

struct Multiply<'a> {
    packed: &'a [f32],
    panels: &'a [f32],
    columns: usize,
    /// `[panels, n, WIDTH]`.
    sums: &'a mut [[f32; WIDTH]],
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n = self.packed.len() / self.columns;
        let panels = self.panels.chunks_exact(self.columns * WIDTH);
        for (sums, values) in self.sums.chunks_exact_mut(n).zip(panels) {
            let columns = Columns {
                values,
                stride: WIDTH,
                column: 0,
            };
            multiply(simd, self.packed, columns, sums);
        }
    }
}

/// `x [n, columns] -> [n, rows]` with one of the matrices; the second operand, where there is one,
/// is a bias `[rows]`.
#[derive(Debug, Clone, Copy)]
pub struct Product<'a> {
    /// The matrices.
    pub panels: &'a Panels,
    /// Which.
    pub index: usize,
}

impl Product<'_> {
    fn run(&self, x: &CpuStorage, layout: &Layout, bias: &[f32]) -> Candle<(CpuStorage, Shape)> {
        let (n, columns) = layout.shape().dims2()?;
        if columns != self.panels.columns {
            bail!("{columns} values for {} columns", self.panels.columns);
        }
        match self.panels.multiply(self.index, values(x, layout)?, bias) {
            Some(out) => Ok((CpuStorage::F32(out), (n, self.panels.rows).into())),
            None => bail!("no matrix {}", self.index),
        }
    }
}

impl CustomOp1 for Product<'_> {
    fn name(&self) -> &'static str {
        "product"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Candle<(CpuStorage, Shape)> {
        self.run(x, layout, &[])
    }
}

impl CustomOp2 for Product<'_> {
    fn name(&self) -> &'static str {
        "product-and-bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Candle<(CpuStorage, Shape)> {
        self.run(x, x_layout, values(bias, bias_layout)?)
    }
}
