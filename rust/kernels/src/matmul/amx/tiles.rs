//! Tile registers: eight tables of up to 16 rows of 64 bytes.

/// Rows and bytes of a row of a tile register; none of both where it is not used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub rows: u8,
    pub bytes: u16,
}

/// The shapes of `tmm0` to `tmm7`.
pub(super) type Shapes = [Shape; 8];

/// Most rows of a tile.
pub(super) const ROWS: usize = 16;

/// Most bytes of a row.
pub(super) const LINE: usize = 64;

/// Bytes of a whole tile.
pub(super) const TILE: usize = ROWS * LINE;

/// What the shapes are in memory, for LDTILECFG (Intel, Software Developer's Manual, volume 1,
/// section 18.2).
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[repr(C, align(64))]
#[derive(Debug)]
pub(super) struct Config([u8; 64]);

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
impl Config {
    pub(super) fn new(shapes: &Shapes) -> Self {
        let mut bytes = [0; 64];
        // The palette of eight tiles of 1024 bytes.
        bytes[0] = 1;
        for (i, shape) in shapes.iter().enumerate() {
            bytes[16 + 2 * i..][..2].copy_from_slice(&shape.bytes.to_le_bytes());
            bytes[48 + i] = shape.rows;
        }
        Self(bytes)
    }
}

/// The instructions that the kernels use; `T`, `C`, `A` and `B` are numbers of registers.
///
/// [`super::soft::Soft`] says in plain Rust what each one does.
pub(super) trait Tiles {
    /// Gives the registers of this thread their shapes, and zeros them.
    /// # Safety
    /// Each shape is one that the processor takes.
    unsafe fn configure(&mut self, shapes: &Shapes);
    /// # Safety
    /// Register `T` has a shape.
    unsafe fn zero<const T: usize>(&mut self);
    /// Rows `stride` bytes apart.
    /// # Safety
    /// Register `T` has a shape; its rows are readable.
    unsafe fn load<const T: usize>(&mut self, from: *const u8, stride: usize);
    /// Rows `stride` bytes apart.
    /// # Safety
    /// Register `T` has a shape; its rows are writable.
    unsafe fn store<const T: usize>(&mut self, to: *mut u8, stride: usize);
    /// `c[m][n] += Σ a[m][4 q + i] · b[q][4 n + i]`: `c` of 32 bits, `a` and `b` signed bytes.
    /// # Safety
    /// The shapes fit: `a` and `c` have as many rows, `b` and `c` as many bytes, `b` has a row for
    /// every four bytes of `a`.
    unsafe fn dot<const C: usize, const A: usize, const B: usize>(&mut self);
    /// Takes the shapes away: the system need not save the registers of this thread any more.
    /// # Safety
    /// The processor has tiles.
    unsafe fn release(&mut self);
}
