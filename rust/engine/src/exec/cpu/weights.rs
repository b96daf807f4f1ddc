//! The weights: each part of a tensor once, in its own type where there are kernels for it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ollamars_gguf::Gguf;
use ollamars_kernels::{ActKind, Level, Packed, Part, Pool};
use ollamars_quants::BlockType;

use super::failed;
use crate::exec::machine::available_memory;
use crate::exec::source::Source;
use crate::program::{Op, Program, Weight};
use crate::{Error, Result};

/// All parts that a program names.
#[derive(Debug)]
pub struct Weights {
    stored: Vec<Stored>,
    bytes: usize,
    /// As many as the longest vector has values.
    zeros: Vec<f32>,
}

/// One part.
#[derive(Debug, Default)]
struct Stored {
    /// A matrix, or one for each expert.
    matrices: Vec<Packed>,
    /// A vector.
    values: Vec<f32>,
}

impl Weights {
    /// Packs all parts for the kernels of `level`, on all threads of `pool`.
    pub fn load(program: &Program, gguf: &Gguf, level: Level, pool: &Pool) -> Result<Self> {
        let sources: Vec<Source> = program
            .weights
            .iter()
            .map(|part| Source::new(part, gguf))
            .collect::<Result<_>>()?;
        let is_matrix = matrices(program);
        let mut stored = Vec::with_capacity(sources.len());
        let mut available = available_memory();
        for ((part, source), is_matrix) in program.weights.iter().zip(&sources).zip(is_matrix) {
            stored.push(match (is_matrix, part.shape.as_slice()) {
                (false, _) => Stored::vector(source)?,
                (true, &[count, rows, _]) => {
                    Stored::zeroed(source, count, rows, level, &mut available)?
                }
                (true, _) => Stored::zeroed(source, 1, source.rows(), level, &mut available)?,
            });
        }
        fill(&mut stored, &sources, gguf, pool)?;
        let bytes = stored.iter().map(Stored::bytes).sum();
        let longest = stored.iter().map(|stored| stored.values.len()).max();
        Ok(Self {
            stored,
            bytes,
            zeros: vec![0.0; longest.unwrap_or(0)],
        })
    }

    /// Bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A vector.
    pub fn vector(&self, weight: Weight) -> &[f32] {
        &self.stored[weight.0].values
    }

    /// A vector, or as many zeros as `like` has values.
    pub fn vector_or_zeros(&self, weight: Option<Weight>, like: Weight) -> &[f32] {
        match weight {
            Some(weight) => self.vector(weight),
            None => &self.zeros[..self.vector(like).len()],
        }
    }

    /// A matrix.
    pub fn matrix(&self, weight: Weight) -> &Packed {
        self.expert(weight, 0)
    }

    /// The matrix of an expert.
    pub fn expert(&self, weight: Weight, expert: usize) -> &Packed {
        &self.stored[weight.0].matrices[expert]
    }

    /// Number of matrices.
    pub fn count(&self, weight: Weight) -> usize {
        self.stored[weight.0].matrices.len()
    }

    /// Rows of a matrix.
    pub fn outputs(&self, weight: Weight) -> usize {
        self.matrix(weight).outputs()
    }

    /// Panels of a matrix.
    pub fn panels(&self, weight: Weight) -> usize {
        self.matrix(weight).panels()
    }

    /// What a product with a matrix needs of the activations.
    pub fn act_kind(&self, weight: Weight) -> ActKind {
        self.matrix(weight).act_kind()
    }
}

/// Which parts are multiplied or looked up.
fn matrices(program: &Program) -> Vec<bool> {
    let mut is_matrix = vec![false; program.weights.len()];
    let tails = program.tails.iter().flat_map(|tail| &tail.ops);
    for op in program.ops.iter().chain(tails) {
        let weights = match *op {
            Op::Embed { table: weight, .. } | Op::Linear { weight, .. } => {
                [Some(weight), None, None]
            }
            Op::Moe { experts, .. } => [experts.gate, Some(experts.up), Some(experts.down)],
            _ => [None; 3],
        };
        for weight in weights.into_iter().flatten() {
            is_matrix[weight.0] = true;
        }
    }
    is_matrix
}

impl Stored {
    fn vector(source: &Source<'_>) -> Result<Self> {
        let mut values = vec![0.0; source.columns()];
        source.row(0, &mut values)?;
        Ok(Self {
            values,
            ..Self::default()
        })
    }

    /// `count` matrices of zeros in the type of the source, or as `f32`; takes its bytes from what
    /// is available, and refuses what would only be killed while it loads.
    fn zeroed(
        source: &Source<'_>,
        count: usize,
        rows: usize,
        level: Level,
        available: &mut Option<u64>,
    ) -> Result<Self> {
        let ty = stored_type(source.ty());
        let size = (source.columns() / ty.weights() * ty.bytes()) as u64 * (rows * count) as u64;
        if let Some(rest) = available {
            *rest = rest.checked_sub(size).ok_or_else(|| {
                failed(format!(
                    "no memory for the {size} bytes of tensor {}, {rest} are available",
                    source.name()
                ))
            })?;
        }
        let zeroed = |_| Packed::zeroed(level, ty, rows, source.columns());
        let matrices = (0..count).map(zeroed).collect::<Result<_, _>>();
        Ok(Self {
            matrices: matrices.map_err(|error| wrong(source, &error))?,
            ..Self::default()
        })
    }

    fn bytes(&self) -> usize {
        let packed: usize = self.matrices.iter().map(Packed::bytes).sum();
        packed + size_of_val(self.values.as_slice())
    }
}

/// The type in which weights are kept: their own, or `f32` where there are no kernels for it.
pub fn stored_type(ty: BlockType) -> BlockType {
    let known = Packed::zeroed(Level::SCALAR, ty, 0, 0).is_ok();
    if known { ty } else { BlockType::F32 }
}

/// A part of a matrix that one thread packs.
struct Job<'a> {
    part: Part<'a>,
    source: Source<'a>,
    ty: BlockType,
    /// Jobs of the same tensor that are not done.
    rest: &'a AtomicUsize,
    tensor: &'a [u8],
}

/// Packs all matrices, in parts that threads take one after the other, and gives back the file's
/// pages behind them.
fn fill(stored: &mut [Stored], sources: &[Source<'_>], gguf: &Gguf, pool: &Pool) -> Result<()> {
    let rests: Vec<AtomicUsize> = sources.iter().map(|_| AtomicUsize::new(0)).collect();
    let mut jobs = Vec::new();
    for ((stored, source), rest) in stored.iter_mut().zip(sources).zip(&rests) {
        for (index, matrix) in stored.matrices.iter_mut().enumerate() {
            let (ty, count, tensor) = (matrix.ty(), parts(matrix, pool), source.bytes());
            let source = source.part(index * matrix.outputs(), matrix.outputs())?;
            jobs.extend(matrix.parts(count).into_iter().map(|part| Job {
                part,
                source,
                ty,
                rest,
                tensor,
            }));
        }
    }
    for job in &jobs {
        job.rest.fetch_add(1, Ordering::Relaxed);
    }
    let jobs = Mutex::new(jobs.into_iter());
    let failed_job = Mutex::new(None);
    let next = || jobs.lock().ok().and_then(|mut jobs| jobs.next());
    let ran = pool.run(pool.threads(), |_| {
        while let Some(job) = next() {
            let (rest, tensor) = (job.rest, job.tensor);
            if let (Err(error), Ok(mut failed)) = (job.fill(), failed_job.lock()) {
                failed.get_or_insert(error);
            }
            if rest.fetch_sub(1, Ordering::AcqRel) == 1 {
                gguf.release(tensor);
            }
        }
    });
    ran.map_err(|panicked| failed(panicked.to_string()))?;
    match failed_job.into_inner() {
        Ok(Some(error)) => Err(error),
        _ => Ok(()),
    }
}

impl Job<'_> {
    fn fill(mut self) -> Result<()> {
        let expanded;
        let bytes = if self.ty == self.source.ty() {
            self.source.bytes()
        } else {
            expanded = expand(&self.source)?;
            &expanded
        };
        let filled = self.part.fill(bytes);
        filled.map_err(|error| wrong(&self.source, &error))
    }
}

/// Parts of some MiB, or one where all of the matrix must be expanded for each.
fn parts(matrix: &Packed, pool: &Pool) -> usize {
    const PART: usize = 4 << 20;
    match matrix.ty() {
        BlockType::F32 => 1,
        _ => matrix.bytes().div_ceil(PART).max(pool.threads()),
    }
}

/// All rows as the bytes of `f32`.
fn expand(source: &Source<'_>) -> Result<Vec<u8>> {
    let mut row = vec![0.0; source.columns()];
    let mut bytes = Vec::with_capacity(source.rows() * source.columns() * size_of::<f32>());
    for index in 0..source.rows() {
        source.row(index, &mut row)?;
        bytes.extend(row.iter().flat_map(|value| value.to_le_bytes()));
    }
    Ok(bytes)
}

fn wrong(source: &Source<'_>, error: &ollamars_kernels::Error) -> Error {
    Error::Tensor {
        name: source.name().to_string(),
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_without_kernels_becomes_floats() {
        assert_eq!(stored_type(BlockType::Q4_1), BlockType::Q4_1);
        assert_eq!(stored_type(BlockType::TQ1_0), BlockType::F32);
    }
}
