//! The weights on the device, each part of a tensor once.

use candle_core::{Device, Result as Candle, Tensor};
use ollamars_gguf::Gguf;

use super::cpu::{Panels, Product};
use super::load;
use super::{Route, failed, failed_text};
use crate::Result;
use crate::exec::machine::available_memory;
use crate::exec::source::Source;
use crate::program::{Program, Weight};
use crate::spec::Part;

/// One part.
#[derive(Debug)]
enum Stored {
    /// In the file's order, outermost dimension first.
    Tensor(Tensor),
    /// A matrix, or one for each expert.
    Panels(Panels),
}

/// All parts that a program names.
#[derive(Debug)]
pub struct Weights {
    stored: Vec<Stored>,
    memory: u64,
}

impl Weights {
    /// Loads all parts, each in parallel.
    pub fn load(program: &Program, gguf: &Gguf, device: &Device, route: Route) -> Result<Self> {
        check_memory(program, device)?;
        let load = |part| Stored::load(part, gguf, device, route);
        let stored: Vec<Stored> = program.weights.iter().map(load).collect::<Result<_>>()?;
        let memory = stored.iter().map(Stored::memory).sum();
        Ok(Self { stored, memory })
    }

    /// Bytes.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// A vector.
    pub fn vector(&self, weight: Weight) -> Candle<&Tensor> {
        match self.get(weight)? {
            Stored::Tensor(tensor) => Ok(tensor),
            Stored::Panels(_) => candle_core::bail!("a vector expected"),
        }
    }

    /// `x [n, in] -> [n, out]`, plus a bias `[out]`.
    pub fn linear(&self, weight: Weight, x: &Tensor, bias: Option<&Tensor>) -> Candle<Tensor> {
        match (self.get(weight)?, bias) {
            (Stored::Panels(panels), _) => product(panels, 0, x, bias),
            (Stored::Tensor(matrix), Some(bias)) => x.matmul(&matrix.t()?)?.broadcast_add(bias),
            (Stored::Tensor(matrix), None) => x.matmul(&matrix.t()?),
        }
    }

    /// `x [n, in] -> [n, out]` with the matrix of one expert.
    pub fn expert(&self, weight: Weight, expert: usize, x: &Tensor) -> Candle<Tensor> {
        match self.get(weight)? {
            Stored::Panels(panels) => product(panels, expert, x, None),
            Stored::Tensor(matrices) => x.matmul(&matrices.get(expert)?.t()?),
        }
    }

    /// The rows of `tokens`.
    pub fn embed(&self, weight: Weight, tokens: &[u32], device: &Device) -> Candle<Tensor> {
        match self.get(weight)? {
            Stored::Tensor(table) => {
                table.index_select(&Tensor::from_slice(tokens, tokens.len(), device)?, 0)
            }
            Stored::Panels(table) => {
                let mut rows = vec![0.0; tokens.len() * table.columns()];
                for (&token, row) in tokens.iter().zip(rows.chunks_exact_mut(table.columns())) {
                    table.copy_row(token as usize, row);
                }
                Tensor::from_vec(rows, (tokens.len(), table.columns()), device)
            }
        }
    }

    fn get(&self, weight: Weight) -> Candle<&Stored> {
        match self.stored.get(weight.0) {
            Some(stored) => Ok(stored),
            None => candle_core::bail!("no weight {}", weight.0),
        }
    }
}

fn product(panels: &Panels, index: usize, x: &Tensor, bias: Option<&Tensor>) -> Candle<Tensor> {
    let x = x.contiguous()?;
    let Some(bias) = bias else {
        return x.apply_op1_no_bwd(&Product { panels, index });
    };
    x.apply_op2_no_bwd(bias, &Product { panels, index })
}

impl Stored {
    fn load(part: &Part, gguf: &Gguf, device: &Device, route: Route) -> Result<Self> {
        let source = Source::new(part, gguf)?;
        match (route, part.shape.as_slice()) {
            (Route::Cpu, &[rows, columns]) => panels(source, [1, rows, columns]),
            (Route::Cpu, &[count, rows, columns]) => panels(source, [count, rows, columns]),
            (_, shape) => {
                let values = load::values(&source)?;
                Tensor::from_vec(values, shape, device)
                    .map_err(failed)
                    .map(Self::Tensor)
            }
        }
    }

    fn memory(&self) -> u64 {
        match self {
            Self::Tensor(tensor) => tensor.elem_count() as u64 * size_of::<f32>() as u64,
            Self::Panels(panels) => panels.memory(),
        }
    }
}

/// A matrix, or one for each expert.
fn panels(source: Source<'_>, shape: [usize; 3]) -> Result<Stored> {
    let [_, rows, _] = shape;
    let fill = |matrix, row, out: &mut [f32]| source.row(matrix * rows + row, out);
    Panels::new(shape, fill).map(Stored::Panels)
}

/// Refuses a model that would only be killed while it loads.
fn check_memory(program: &Program, device: &Device) -> Result<()> {
    let sizes = program
        .weights
        .iter()
        .map(|part| part.shape.iter().product::<usize>() as u64);
    let needed = sizes.sum::<u64>().saturating_mul(size_of::<f32>() as u64);
    match available_memory().filter(|_| device.is_cpu()) {
        Some(available) if needed > available => Err(failed_text(format!(
            "the weights need {needed} bytes as f32, {available} bytes of memory are available"
        ))),
        _ => Ok(()),
    }
}
