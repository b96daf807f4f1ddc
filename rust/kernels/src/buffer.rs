//! Memory for vectors.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Types of which any bytes are a value.
///
/// # Safety
/// All bytes, zeros too, are a value, and nothing needs to be dropped.
pub unsafe trait Plain: Copy + Send + Sync + 'static {}

// SAFETY: numbers.
unsafe impl Plain for u8 {}
// SAFETY: numbers.
unsafe impl Plain for u16 {}
// SAFETY: numbers.
unsafe impl Plain for i32 {}
// SAFETY: numbers.
unsafe impl Plain for f32 {}

/// A slice on the heap that begins at a cache line and was zeroed when it was made.
///
/// Large ones ask the system for huge pages: a step reads all weights once, and with pages of 4 KiB
/// the hardware prefetchers stop at every page.
#[derive(Debug)]
pub struct Aligned<T: Plain> {
    start: NonNull<T>,
    len: usize,
}

// SAFETY: owns its memory, like a boxed slice.
unsafe impl<T: Plain> Send for Aligned<T> {}
// SAFETY: owns its memory, like a boxed slice.
unsafe impl<T: Plain> Sync for Aligned<T> {}

/// Bytes of a cache line and of the widest vector.
const LINE: usize = 64;

/// Smallest buffer that gets pages of its own.
const LARGE: usize = 4 << 20;

impl<T: Plain> Aligned<T> {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        let layout = Self::layout(len);
        let Some(start) = NonNull::new(allocate(layout).cast()) else {
            handle_alloc_error(layout)
        };
        Self { start, len }
    }

    /// At least one line, so that there is always something to allocate.
    fn layout(len: usize) -> Layout {
        let bytes = len.checked_mul(size_of::<T>()).map(|bytes| bytes.max(LINE));
        match bytes.map(|bytes| Layout::from_size_align(bytes, LINE)) {
            Some(Ok(layout)) => layout,
            _ => panic!("a buffer of {len} values is larger than the address space"),
        }
    }
}

impl<T: Plain> Drop for Aligned<T> {
    fn drop(&mut self) {
        // SAFETY: allocated by `zeroed` with the same layout.
        unsafe { free(self.start.as_ptr().cast(), Self::layout(self.len)) }
    }
}

impl<T: Plain> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `len` initialized values; any bytes are values.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

/// Zeroed memory of a layout, or null.
fn allocate(layout: Layout) -> *mut u8 {
    #[cfg(all(target_os = "linux", not(miri)))]
    if layout.size() >= LARGE {
        return map(layout.size());
    }
    // SAFETY: the layout has a size.
    unsafe { alloc_zeroed(layout) }
}

/// Gives back what [`allocate`] gave.
///
/// # Safety
/// `memory` is from [`allocate`] with this layout, and is given back once.
unsafe fn free(memory: *mut u8, layout: Layout) {
    #[cfg(all(target_os = "linux", not(miri)))]
    if layout.size() >= LARGE {
        // SAFETY: a mapping of this size.
        unsafe { libc::munmap(memory.cast(), layout.size()) };
        return;
    }
    // SAFETY: allocated with this layout.
    unsafe { dealloc(memory, layout) }
}

/// Pages of their own, huge ones where the system has them.
#[cfg(all(target_os = "linux", not(miri)))]
fn map(bytes: usize) -> *mut u8 {
    let (access, kind) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    // SAFETY: a new mapping of no file; whether the advice is taken changes no result.
    unsafe {
        let memory = libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0);
        if memory == libc::MAP_FAILED {
            return std::ptr::null_mut();
        }
        libc::madvise(memory, bytes, libc::MADV_HUGEPAGE);
        memory.cast()
    }
}
