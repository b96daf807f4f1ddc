//! How a vector level defines its operations: a list of expressions of intrinsics.

/// Operations that are one expression of intrinsics.
macro_rules! ops {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $ret:ty = $body:expr;)*) => {
        $(#[inline(always)]
        #[allow(unused_unsafe, reason = "some intrinsics are safe where they are the baseline")]
        fn $name(self, $($arg: $ty),*) -> $ret {
            // SAFETY: the token proves the features; no memory is touched.
            unsafe { $body }
        })*
    };
}

/// Operations on memory.
macro_rules! memory_ops {
    ($($name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? = $body:expr;)*) => {
        $(#[inline(always)]
        unsafe fn $name(self, $($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the token proves the features, the caller the memory; no access needs
            // alignment.
            unsafe { $body }
        })*
    };
}

pub(super) use {memory_ops, ops};
