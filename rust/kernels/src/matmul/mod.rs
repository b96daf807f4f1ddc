//! Products of packed weights with rows of activations.
//!
//! Each output element is one chain: integer dot products of a block are exact, and the `f32` steps
//! follow in ascending order of the inputs. So a row's bits do not depend on the number of rows, on
//! threads or on how panels are divided, and all levels agree.

#[cfg(any(all(target_arch = "x86_64", target_os = "linux"), test))]
mod amx;
mod block256;
mod block32;
mod codes;
mod pairs;
mod plain;
mod tile;

#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
pub(crate) use amx::usable as amx_usable;

use std::ops::Range;

use ollamars_quants::BlockType;

use crate::Level;
use crate::act::ActsView;
use crate::number;
use crate::pack::{self, Packed};
use crate::shared::Shared;
use tile::{Job, run};

/// `out = x · weightsᵀ`: `out` is `[rows, outputs]`, on this thread.
///
/// # Panics
/// If the activations are not what the weights need, or `out` has another shape.
pub fn matmul(weights: &Packed, x: &ActsView<'_>, out: &mut [f32]) {
    // SAFETY: `out` is borrowed by this call alone.
    unsafe { matmul_panels(weights, x, Shared::new(out), 0..weights.panels()) }
}

/// The columns of [`matmul`]'s `out` that belong to some panels, 16 columns each.
///
/// # Panics
/// As [`matmul`]; if there are no such panels.
///
/// # Safety
/// Until the next barrier no other thread reads or writes these columns, nor writes to `x`.
pub unsafe fn matmul_panels(
    weights: &Packed,
    x: &ActsView<'_>,
    out: Shared<'_, f32>,
    panels: Range<usize>,
) {
    assert!(
        x.kind == weights.act_kind() && x.inputs == weights.inputs(),
        "{:?} of {} values for {weights:?}",
        x.kind,
        x.inputs
    );
    assert_eq!(
        out.len(),
        x.rows * weights.outputs(),
        "{} rows of {weights:?}",
        x.rows
    );
    assert!(panels.end <= weights.panels(), "{panels:?} of {weights:?}");
    let job = Job {
        weights,
        x,
        out,
        panels,
    };
    // SAFETY: the shapes were checked, the caller keeps threads apart.
    unsafe {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if amx::multiply(&job) {
            return;
        }
        kernel(weights.ty())(weights.level(), &job);
    }
}

type Kernel = unsafe fn(Level, &Job<'_>);

/// The table of kernels. Other types are not packed.
fn kernel(ty: BlockType) -> Kernel {
    macro_rules! table {
        ($($tile:ident[$($name:ident)*])*) => {
            match ty {
                $($(BlockType::$name => run::<$tile<pack::$name>>,)*)*
                BlockType::F32 => run::<Plain<number::F32>>,
                BlockType::F16 => run::<Plain<number::F16>>,
                BlockType::BF16 => pairs::run_pairs,
                _ => unreachable!("{ty} is not packed"),
            }
        };
    }
    use block32::Block32;
    use block256::Block256;
    use plain::Plain;
    table! {
        Block32[Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 IQ4_NL MXFP4]
        Block256[Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_XS]
    }
}
