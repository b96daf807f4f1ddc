//! Products of many rows in the tile registers of AMX: level `amx`.
//!
//! A panel's vectors are rows of a tile: 16 of them, four weights of each of 16 rows, are the second
//! operand of TDPBSSD; 16 rows of codes, 64 inputs each, are the first. Weights are unpacked once for
//! all rows. The integers are those of the other levels and the same `f32` steps follow, so the bits
//! are the same.
//!
//! All but six instructions are plain code, generic over [`tiles::Tiles`]: the tests run it over
//! [`soft::Soft`], which does in Rust what the instructions do. Before the level is offered, the
//! processor's own are held against it ([`usable`]).

mod block256;
mod block32;
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
mod check;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod hardware;
mod soft;
#[cfg(test)]
mod tests;
mod tiles;
mod walk;

#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
pub(crate) use check::usable;

/// The table of kernels: a function that the macro `$run` names for a type of weights.
macro_rules! kernels {
    ($ty:expr, $run:ident) => {{
        use $crate::matmul::amx::{block32::Tiles32, block256::Tiles256};
        kernels!(@ $ty, $run,
            Tiles32[Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 IQ4_NL MXFP4]
            Tiles256[Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_XS])
    }};
    (@ $ty:expr, $run:ident, $($tile:ident[$($name:ident)*])*) => {
        match $ty {
            $($(ollamars_quants::BlockType::$name => Some($run!($tile<crate::pack::$name>)),)*)*
            _ => None,
        }
    };
}
#[cfg(test)]
use kernels;

/// Multiplies if the weights' level has tiles and there are rows enough; else returns false.
///
/// # Safety
/// The job's shapes fit together; the columns are this thread's.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) unsafe fn multiply(job: &super::tile::Job<'_>) -> bool {
    let has_tiles = job.weights.level().kind() == crate::isa::Kind::Amx;
    if !has_tiles || job.x.rows() < crate::act::TILE_ROWS || !job.x.has_codes() {
        return false;
    }
    macro_rules! on_hardware {
        ($kernel:ty) => {
            processor::run::<$kernel> as processor::Run
        };
    }
    let Some(run) = kernels!(job.weights.ty(), on_hardware) else {
        return false;
    };
    // SAFETY: a level exists only where the processor has its features; the rest is the caller's
    // promise.
    processor::with_scratch(|scratch| unsafe { run(job, scratch) });
    true
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod processor {
    use std::cell::RefCell;

    use super::hardware::Hardware;
    use super::walk::{Scratch, TileKernel, walk};
    use crate::matmul::tile::Job;
    use crate::simd::Avx512;

    /// # Safety
    /// The features of level `amx`; as [`walk`].
    pub(super) type Run = unsafe fn(&Job<'_>, &mut Scratch);

    thread_local! {
        static SCRATCH: RefCell<Option<Scratch>> = const { RefCell::new(None) };
    }

    /// With this thread's memory, which is taken at its first product of many rows.
    pub(super) fn with_scratch(run: impl FnOnce(&mut Scratch)) {
        SCRATCH.with_borrow_mut(|scratch| run(scratch.get_or_insert_with(Scratch::new)));
    }

    /// # Safety
    /// As [`Run`].
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    pub(super) unsafe fn run<K: TileKernel>(job: &Job<'_>, scratch: &mut Scratch) {
        // SAFETY: the caller's promise.
        unsafe {
            let (s, mut tiles) = (Avx512::<true>::new(), Hardware::new());
            walk::<_, K, _>(s, &mut tiles, job, scratch);
        }
    }
}
