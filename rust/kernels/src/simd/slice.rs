//! Vectors from slices and to slices, also from less than a whole one.

use super::Simd;

/// Up to a vector; zeros after the end of `x`.
#[inline(always)]
pub(crate) fn load<S: Simd>(s: S, x: &[f32]) -> S::F {
    // SAFETY: as many values as the slice has.
    unsafe {
        match x.len() >= S::LANES {
            true => s.load(x.as_ptr()),
            false => s.load_part(x.as_ptr(), x.len()),
        }
    }
}

/// Up to a vector; the lanes after the end of `x` are left out.
#[inline(always)]
pub(crate) fn store<S: Simd>(s: S, x: &mut [f32], value: S::F) {
    // SAFETY: as many values as the slice has.
    unsafe {
        match x.len() >= S::LANES {
            true => s.store(x.as_mut_ptr(), value),
            false => s.store_part(x.as_mut_ptr(), value, x.len()),
        }
    }
}
