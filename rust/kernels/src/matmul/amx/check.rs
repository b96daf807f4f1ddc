//! Whether this process may use tile registers, and whether they do what is expected of them.

use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use std::sync::OnceLock;

use super::hardware::Hardware;
use super::soft::Soft;
use super::tiles::{LINE, ROWS, Shape, Shapes, TILE, Tiles};

/// Asks once a process: the processor, the system, and then a small product.
///
/// # Errors
/// What is missing.
pub(crate) fn usable() -> Result<(), &'static str> {
    static USABLE: OnceLock<Result<(), &'static str>> = OnceLock::new();
    *USABLE.get_or_init(check)
}

/// What has to hold, and what it means if it does not.
type Condition = (fn() -> bool, &'static str);

fn check() -> Result<(), &'static str> {
    let conditions: [Condition; 5] = [
        (
            has_instructions,
            "the processor has no AMX-TILE and AMX-INT8",
        ),
        (has_palette, "the processor's tiles have another shape"),
        (is_enabled, "the system does not save the tile registers"),
        (is_permitted, "the system did not permit the tile registers"),
        (is_right, "its products differ from those of the reference"),
    ];
    match conditions.iter().find(|(holds, _)| !holds()) {
        Some((_, missing)) => Err(missing),
        None => Ok(()),
    }
}

/// AMX-TILE and AMX-INT8 (Intel, Software Developer's Manual, volume 2, CPUID, leaf 7).
fn has_instructions() -> bool {
    const AMX: u32 = 1 << 24 | 1 << 25;
    __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx & AMX == AMX
}

/// Palette 1 has eight tiles of 16 rows of 64 bytes (leaf 1DH).
fn has_palette() -> bool {
    if __cpuid(0).eax < 0x1d || __cpuid_count(0x1d, 0).eax < 1 {
        return false;
    }
    let palette = __cpuid_count(0x1d, 1);
    let (tile, line) = (palette.eax >> 16, palette.ebx & 0xffff);
    let (tiles, rows) = (palette.ebx >> 16, palette.ecx & 0xffff);
    (tile, line, tiles, rows) == (TILE as u32, LINE as u32, 8, ROWS as u32)
}

/// The system saves configuration and data of tiles (XCR0, bits 17 and 18).
fn is_enabled() -> bool {
    const OSXSAVE: u32 = 1 << 27;
    const TILES: u64 = 1 << 17 | 1 << 18;

    #[target_feature(enable = "xsave")]
    fn enabled() -> u64 {
        // SAFETY: the system has enabled the instruction.
        unsafe { _xgetbv(0) }
    }
    // SAFETY: the feature was just found.
    __cpuid(1).ecx & OSXSAVE != 0 && unsafe { enabled() } & TILES == TILES
}

/// Linux lends the registers' memory only to processes that ask (its documentation, x86/xstate:
/// Using XSTATE features in user space applications). The permission holds for all threads; each
/// gives its registers their shapes itself.
fn is_permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: takes two numbers and no memory.
    unsafe {
        libc::syscall(
            libc::SYS_arch_prctl,
            ARCH_REQ_XCOMP_PERM,
            XFEATURE_XTILEDATA,
        ) == 0
    }
}

fn is_right() -> bool {
    // SAFETY: the conditions before this one hold.
    let mut hardware = unsafe { Hardware::new() };
    [(16, 64), (16, 32), (5, 32), (3, 64)]
        .into_iter()
        .all(|(rows, bytes)| {
            product(&mut hardware, rows, bytes) == product(&mut Soft::default(), rows, bytes)
        })
}

/// Two sums of bytes of all magnitudes, with `rows` rows of `bytes` bytes.
fn product(tiles: &mut impl Tiles, rows: u8, bytes: u16) -> [u8; 2 * TILE] {
    let shape = |rows, bytes| Shape { rows, bytes };
    let (c, a, b) = (
        shape(rows, 64),
        shape(rows, bytes),
        shape(bytes as u8 / 4, 64),
    );
    let shapes: Shapes = [c, c, Shape::default(), Shape::default(), a, a, b, b];
    let bytes: [u8; TILE] = std::array::from_fn(|i| (i * i * 7 + i * 3 + 129) as u8);
    let mut out = [0; 2 * TILE];
    // SAFETY: shapes that fit together; each operand is a whole tile.
    unsafe {
        tiles.configure(&shapes);
        tiles.zero::<0>();
        tiles.load::<4>(bytes.as_ptr(), LINE);
        tiles.load::<6>(bytes.as_ptr(), LINE);
        tiles.dot::<0, 4, 6>();
        tiles.load::<1>(bytes.as_ptr(), LINE);
        tiles.load::<5>(bytes.as_ptr(), 48);
        tiles.load::<7>(bytes.as_ptr(), LINE);
        tiles.dot::<1, 5, 7>();
        tiles.dot::<1, 4, 7>();
        tiles.store::<0>(out.as_mut_ptr(), LINE);
        tiles.store::<1>(out.as_mut_ptr().add(TILE), LINE);
        tiles.release();
    }
    out
}
