//! The processor's tile registers.
//!
//! The compiler neither knows nor touches them, so they keep their contents from one `asm!` to the
//! next; all these are volatile and stay in order.

use std::arch::asm;

use super::tiles::{Config, Shapes, Tiles};

/// Proof that this process may use AMX-TILE and AMX-INT8.
#[derive(Debug)]
pub(super) struct Hardware(());

impl Hardware {
    /// # Safety
    /// The processor has AMX-TILE and AMX-INT8, and the system lets this process use them.
    pub(super) unsafe fn new() -> Self {
        Self(())
    }
}

impl Tiles for Hardware {
    #[inline(always)]
    unsafe fn configure(&mut self, shapes: &Shapes) {
        let config = Config::new(shapes);
        // SAFETY: the token proves the instructions; the configuration is 64 readable bytes.
        unsafe {
            asm!("ldtilecfg [{config}]", config = in(reg) &config,
                options(readonly, nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn zero<const T: usize>(&mut self) {
        // SAFETY: the token and the caller's promise.
        unsafe { asm!("tilezero tmm{t}", t = const T, options(nomem, nostack, preserves_flags)) }
    }

    #[inline(always)]
    unsafe fn load<const T: usize>(&mut self, from: *const u8, stride: usize) {
        // SAFETY: the token and the caller's promise.
        unsafe {
            asm!("tileloadd tmm{t}, [{from} + {stride}]", t = const T, from = in(reg) from,
                stride = in(reg) stride, options(readonly, nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn store<const T: usize>(&mut self, to: *mut u8, stride: usize) {
        // SAFETY: the token and the caller's promise.
        unsafe {
            asm!("tilestored [{to} + {stride}], tmm{t}", t = const T, to = in(reg) to,
                stride = in(reg) stride, options(nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn dot<const C: usize, const A: usize, const B: usize>(&mut self) {
        // SAFETY: the token and the caller's promise.
        unsafe {
            asm!("tdpbssd tmm{c}, tmm{a}, tmm{b}", c = const C, a = const A, b = const B,
                options(nomem, nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn release(&mut self) {
        // SAFETY: the token.
        unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) }
    }
}
