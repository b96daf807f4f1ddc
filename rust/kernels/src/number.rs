//! Numbers in memory that become `f32` in registers.

use crate::simd::Simd;

/// How a number is stored.
pub(crate) trait Number {
    const BYTES: usize;

    /// # Safety
    /// As many readable numbers as the level has lanes; they need no alignment.
    unsafe fn load<S: Simd>(s: S, from: *const u8) -> S::F;
}

macro_rules! numbers {
    ($($name:ident: $bytes:literal, $load:ident;)*) => {
        $(pub(crate) struct $name;

        impl Number for $name {
            const BYTES: usize = $bytes;

            #[inline(always)]
            unsafe fn load<S: Simd>(s: S, from: *const u8) -> S::F {
                // SAFETY: the caller's promise.
                unsafe { s.$load(from.cast()) }
            }
        })*
    };
}

numbers! {
    F32: 4, load;
    F16: 2, load_f16;
}
