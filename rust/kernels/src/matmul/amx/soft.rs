//! What tile instructions do, in plain Rust: the reference that the processor is held against, and
//! the only tiles of tests on processors that have none.
//!
//! Written after the pseudocode in Intel's Instruction Set Extensions Programming Reference
//! (LDTILECFG, TILELOADD, TILESTORED, TILEZERO, TDPBSSD, TILERELEASE). What would raise an exception
//! there panics here.

use super::tiles::{LINE, ROWS, Shape, Shapes, Tiles};

/// One register: rows and columns outside of the shape are zero.
type Tile = [[u8; LINE]; ROWS];

const ZERO: Tile = [[0; LINE]; ROWS];

/// Eight registers.
#[derive(Debug)]
pub(super) struct Soft {
    shapes: Shapes,
    tiles: [Tile; 8],
}

impl Default for Soft {
    fn default() -> Self {
        Self {
            shapes: Shapes::default(),
            tiles: [ZERO; 8],
        }
    }
}

impl Soft {
    fn shape(&self, tile: usize) -> (usize, usize) {
        let Shape { rows, bytes } = self.shapes[tile];
        assert!(rows > 0, "tmm{tile} has no shape");
        (rows.into(), bytes.into())
    }
}

impl Tiles for Soft {
    unsafe fn configure(&mut self, shapes: &Shapes) {
        for (tile, &Shape { rows, bytes }) in shapes.iter().enumerate() {
            let fits = usize::from(rows) <= ROWS && usize::from(bytes) <= LINE;
            let used = (rows == 0) == (bytes == 0);
            assert!(fits && used, "tmm{tile} of {rows} rows of {bytes} bytes");
        }
        *self = Self {
            shapes: *shapes,
            ..Self::default()
        };
    }

    unsafe fn zero<const T: usize>(&mut self) {
        self.shape(T);
        self.tiles[T] = ZERO;
    }

    unsafe fn load<const T: usize>(&mut self, from: *const u8, stride: usize) {
        let (rows, bytes) = self.shape(T);
        self.tiles[T] = ZERO;
        for (i, row) in self.tiles[T].iter_mut().enumerate().take(rows) {
            let row = &mut row[..bytes];
            // SAFETY: the caller promises the rows.
            unsafe { from.add(i * stride).copy_to(row.as_mut_ptr(), row.len()) }
        }
    }

    unsafe fn store<const T: usize>(&mut self, to: *mut u8, stride: usize) {
        let (rows, bytes) = self.shape(T);
        for (i, row) in self.tiles[T].iter().enumerate().take(rows) {
            // SAFETY: the caller promises the rows.
            unsafe { to.add(i * stride).copy_from(row.as_ptr(), bytes) }
        }
    }

    unsafe fn dot<const C: usize, const A: usize, const B: usize>(&mut self) {
        let ((c_rows, c_bytes), (a_rows, a_bytes), (b_rows, b_bytes)) =
            (self.shape(C), self.shape(A), self.shape(B));
        assert!(C != A && A != B && B != C, "tmm{C}, tmm{A}, tmm{B}");
        assert!(
            c_bytes % 4 == 0 && a_bytes % 4 == 0,
            "tmm{C} of {c_bytes} bytes, tmm{A} of {a_bytes}"
        );
        assert_eq!(
            (c_rows, c_bytes, a_bytes / 4),
            (a_rows, b_bytes, b_rows),
            "tmm{C} += tmm{A} · tmm{B}"
        );
        for m in 0..c_rows {
            for n in (0..c_bytes).step_by(4) {
                let mut sum = i32::from_le_bytes([0, 1, 2, 3].map(|i| self.tiles[C][m][n + i]));
                for k in 0..a_bytes {
                    let (a, b) = (self.tiles[A][m][k], self.tiles[B][k / 4][n + k % 4]);
                    sum = sum.wrapping_add(i32::from(a as i8) * i32::from(b as i8));
                }
                self.tiles[C][m][n..n + 4].copy_from_slice(&sum.to_le_bytes());
            }
        }
    }

    unsafe fn release(&mut self) {
        *self = Self::default();
    }
}
