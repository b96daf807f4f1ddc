//! Memory that several threads fill in parts.

use std::marker::PhantomData;
use std::ops::Range;

use crate::buffer::Plain;

/// A slice borrowed mutably, of which several threads take disjoint parts.
///
/// The borrow checker sees one borrow, by whoever made it; which thread touches what between two
/// barriers is the promise of each unsafe call.
#[derive(Debug)]
pub struct Shared<'a, T: Plain> {
    start: *mut T,
    len: usize,
    life: PhantomData<&'a mut [T]>,
}

impl<T: Plain> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Plain> Copy for Shared<'_, T> {}

// SAFETY: parts are taken by unsafe calls only, whose callers promise that they are disjoint.
unsafe impl<T: Plain> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Sync for Shared<'_, T> {}

impl<'a, T: Plain> Shared<'a, T> {
    /// All of `slice`.
    pub fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            life: PhantomData,
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Some of the values, to read.
    ///
    /// # Panics
    /// If the range is not inside.
    ///
    /// # Safety
    /// Until the next barrier no thread writes to this part.
    pub unsafe fn part(self, range: Range<usize>) -> &'a [T] {
        self.check(&range);
        // SAFETY: inside of the slice; the caller promises that nobody writes.
        unsafe { std::slice::from_raw_parts(self.start.add(range.start), range.len()) }
    }

    /// Some of the values, to write.
    ///
    /// # Panics
    /// If the range is not inside.
    ///
    /// # Safety
    /// Until the next barrier no other thread reads or writes this part, nor does this one through
    /// another call.
    #[allow(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    pub unsafe fn part_mut(self, range: Range<usize>) -> &'a mut [T] {
        self.check(&range);
        // SAFETY: inside of the slice; the caller promises that nobody else touches it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    /// Some of the values, still shared.
    ///
    /// # Panics
    /// If the range is not inside.
    pub fn range(self, range: Range<usize>) -> Self {
        self.check(&range);
        Self {
            start: self.start.wrapping_add(range.start),
            len: range.len(),
            life: PhantomData,
        }
    }

    pub(crate) fn as_mut_ptr(self) -> *mut T {
        self.start
    }

    fn check(&self, range: &Range<usize>) {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "{range:?} of {} shared values",
            self.len
        );
    }
}
