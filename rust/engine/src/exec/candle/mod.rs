//! Every op in candle tensors, on any device that candle knows: the oracle of all tests, and the
//! executor of a machine that no other one serves.
//!
//! Weights are expanded to `f32` on load. On the CPU the products, the rotation and the attention go
//! through `cpu`, which is faster and keeps a row's bits; [`Route::Tensors`] does without, and
//! serves other devices.

mod angles;
mod attention;
mod cpu;
mod experts;
mod load;
mod memory;
mod ops;
mod route;
mod step;
mod weights;

use candle_core::{Device, Tensor};
use ollamars_gguf::Gguf;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::machine::threads;
use super::{Exec, Limits};
use crate::batch::Batch;
use crate::program::{Buf, Program};
use crate::{Error, Result};
use memory::Memory;
pub use route::Route;
use step::Step;
use weights::Weights;

/// The executor.
#[derive(Debug)]
pub struct CandleExec {
    name: String,
    device: Device,
    program: Program,
    /// For each op of the trunk the buffers that nothing reads after it.
    dead: Vec<Vec<Buf>>,
    weights: Weights,
    memory: Memory,
    route: Route,
    limits: Limits,
    pool: ThreadPool,
    output: Option<Tensor>,
}

impl CandleExec {
    /// Loads the weights of `program` from `gguf` to `device`.
    ///
    /// # Errors
    /// [`Error::Tensor`]: a type that cannot be read; [`Error::Exec`]: no memory, or the device
    /// failed.
    pub fn new(
        program: Program,
        gguf: &Gguf,
        device: &Device,
        route: Route,
        limits: Limits,
    ) -> Result<Self> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads(limits.threads))
            .thread_name(|index| format!("ollamars-candle-{index}"))
            .build()
            .map_err(|error| failed_text(error.to_string()))?;
        let route = if device.is_cpu() {
            route
        } else {
            Route::Tensors
        };
        let weights = pool.install(|| Weights::load(&program, gguf, device, route))?;
        let memory = Memory::new(&program, limits.kv_blocks, device)?;
        let name = match (device, route) {
            (Device::Cpu, Route::Cpu) => "candle/cpu",
            (Device::Cpu, Route::Tensors) => "candle-tensors/cpu",
            (Device::Cuda(_), _) => "candle/cuda",
            (Device::Metal(_), _) => "candle/metal",
        };
        Ok(Self {
            name: name.to_string(),
            device: device.clone(),
            dead: step::dead_after(&program),
            program,
            weights,
            memory,
            route,
            limits,
            pool,
            output: None,
        })
    }
}

impl Exec for CandleExec {
    fn name(&self) -> &str {
        &self.name
    }

    fn memory(&self) -> u64 {
        self.weights.memory() + self.memory.size()
    }

    fn run(&mut self, batch: &Batch) -> Result<()> {
        self.output = None;
        batch.check(&self.program, &self.limits)?;
        let tail = self.program.tail(batch.output);
        let tail = tail.ok_or_else(|| {
            Error::Request(format!(
                "this model has no output of the kind {:?}",
                batch.output
            ))
        })?;
        let step = Step {
            program: &self.program,
            dead: &self.dead,
            weights: &self.weights,
            memory: &self.memory,
            device: &self.device,
            route: self.route,
            batch,
        };
        self.output = Some(self.pool.install(|| step.run(tail)).map_err(failed)?);
        Ok(())
    }

    fn logits(&mut self, index: usize, out: &mut [f32]) -> Result<()> {
        let output = self.output.as_ref();
        let output = output.ok_or_else(|| failed_text("no step has run".to_string()))?;
        let row = output
            .get(index)
            .and_then(|row| row.to_vec1())
            .map_err(failed)?;
        if row.len() != out.len() {
            let why = format!("{} numbers for a buffer of {}", row.len(), out.len());
            return Err(failed_text(why));
        }
        out.copy_from_slice(&row);
        Ok(())
    }
}

fn failed(error: candle_core::Error) -> Error {
    failed_text(error.to_string())
}

fn failed_text(why: String) -> Error {
    Error::Exec {
        exec: "candle".to_string(),
        why,
    }
}
