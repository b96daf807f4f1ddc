//! How a type's weights lie in memory: the table of formats.
//!
//! A panel is 16 rows. A vector of 64 bytes holds four consecutive weights of each row, row by row:
//! the operand of VPDPBUSD, or two of the 256-bit form. The panel is a sequence of units, each as
//! many weights of the 16 rows as a GGUF block has:
//!
//! | field | bytes |
//! |---|---|
//! | scales | 16 x 2 (`f16`), or 16 x 1 (E8M0) |
//! | minimums, in types that have them | 16 x 2 |
//! | factors of groups, in types that have them | groups x 16 |
//! | factors of the minimums, in types that have them | groups x 16 |
//! | per 32 weights: planes of low bits, planes of high bits | 64 for each 8 bits of a code and quad |
//!
//! Quad `q` of 32 weights (weights `4q..4q+4`) lies in plane vector `q · bits / 8` from bit
//! `q · bits % 8` of each byte on. Codes are unsigned, as VPDPBUSD wants them; what is to be
//! subtracted is a power of two.

use ollamars_quants::BlockType;

use super::{panel, split32, split256};

/// Rows of a panel.
pub const PANEL: usize = 16;

/// One block in parts; what a type lacks stays as it is.
pub(crate) struct Block {
    pub scale: [u8; 2],
    pub min: [u8; 2],
    pub factors: [u8; 16],
    pub mins: [u8; 16],
    pub codes: [u8; 256],
}

/// How scales are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    F16,
    /// A power of two, halved.
    HalfE8m0,
}

/// The factors of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factors {
    None,
    /// Unsigned bytes for groups of 32, and as many for the minimums.
    WithMins,
    /// Four bits for the scale, four for the minimum of each group of 16.
    Nibbles,
    /// Signed bytes for groups of so many weights.
    Signed(usize),
}

/// A format: how its blocks are packed and what its codes mean.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    pub ty: BlockType,
    /// Weights of a block and of a unit's row.
    pub weights: usize,
    pub scale: Scale,
    pub min: bool,
    pub factors: Factors,
    /// Bits of a code in the low planes.
    pub low: usize,
    /// Bits of a code in the high planes.
    pub high: usize,
    /// What is subtracted from each code: two to the power of this.
    pub offset: Option<u32>,
    /// What a code means, before the offset.
    pub levels: Option<[u8; 16]>,
    /// Bits that the codes, or the levels, have.
    pub bits: usize,
    pub split: fn(&[u8], &mut Block),
    pub join: fn(&Block, &mut [u8]),
}

impl Layout {
    /// Weights that share a factor.
    pub const fn group(&self) -> usize {
        match self.factors {
            Factors::None | Factors::WithMins => 32,
            Factors::Nibbles => 16,
            Factors::Signed(group) => group,
        }
    }

    /// Offset of the minimums in a unit.
    pub const fn min_at(&self) -> usize {
        match self.scale {
            Scale::F16 => 2 * PANEL,
            Scale::HalfE8m0 => PANEL,
        }
    }

    /// Offset of the factors in a unit.
    pub const fn factors_at(&self) -> usize {
        self.min_at() + if self.min { 2 * PANEL } else { 0 }
    }

    /// Factors of a row of a unit.
    pub const fn groups(&self) -> usize {
        match self.factors {
            Factors::None => 0,
            _ => self.weights / self.group(),
        }
    }

    /// Offset of the minimums' factors in a unit.
    pub const fn mins_at(&self) -> usize {
        self.factors_at() + self.groups() * PANEL
    }

    /// Offset of the planes in a unit.
    pub const fn codes_at(&self) -> usize {
        match self.factors {
            Factors::WithMins => self.mins_at() + self.groups() * PANEL,
            _ => self.mins_at(),
        }
    }

    /// Bytes of the low planes of 32 weights.
    pub const fn low_bytes(&self) -> usize {
        64 * self.low
    }

    /// Bytes of all planes of 32 weights.
    pub const fn chunk_bytes(&self) -> usize {
        64 * (self.low + self.high)
    }

    /// Bytes of a unit.
    pub const fn unit_bytes(&self) -> usize {
        self.codes_at() + self.weights / 32 * self.chunk_bytes()
    }
}

/// A format's functions.
#[derive(Clone, Copy)]
pub(super) struct Packing {
    pub unit_bytes: usize,
    /// From rows, whose bytes are given, to a panel.
    pub pack: fn(&[u8], usize, &mut [u8]),
    /// From a unit the block of one row.
    pub unpack: fn(&[u8], usize, &mut [u8]),
}

/// A format known at compile time.
pub(crate) trait Format {
    const LAYOUT: Layout;
}

/// What most formats of four bits in blocks of 32 have in common.
const FOUR_BITS: Layout = Layout {
    ty: BlockType::Q4_0,
    weights: 32,
    scale: Scale::F16,
    min: false,
    factors: Factors::None,
    low: 4,
    high: 0,
    offset: Some(3),
    levels: None,
    bits: 4,
    split: split32::q4_0,
    join: split32::join_q4_0,
};

/// What most formats of four bits in blocks of 256 have in common.
const FOUR_BITS_256: Layout = Layout {
    ty: BlockType::Q4_K,
    weights: 256,
    min: true,
    factors: Factors::WithMins,
    offset: None,
    split: split256::q4_k,
    join: split256::join_q4_k,
    ..FOUR_BITS
};

/// The levels of IQ4_NL and IQ4_XS (llama.cpp b10488, ggml-common.h), plus 128.
const IQ4_LEVELS: [u8; 16] = [
    1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241,
];

/// Twice the values of E2M1, plus 16.
const E2M1_LEVELS: [u8; 16] = [16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4];

macro_rules! formats {
    ($($name:ident { $($field:ident: $value:expr),* } ..$base:ident;)*) => {
        $(#[allow(non_camel_case_types)]
        pub(crate) struct $name;

        impl Format for $name {
            const LAYOUT: Layout = Layout { ty: BlockType::$name, $($field: $value,)* ..$base };
        })*

        /// How a type is packed, if it is one of codes.
        pub(super) fn packing(ty: BlockType) -> Option<Packing> {
            match ty {
                $(BlockType::$name => Some(Packing {
                    unit_bytes: $name::LAYOUT.unit_bytes(),
                    pack: panel::pack::<$name>,
                    unpack: panel::unpack::<$name>,
                }),)*
                _ => None,
            }
        }
    };
}

formats! {
    Q4_0 {} ..FOUR_BITS;
    Q4_1 { min: true, offset: None, split: split32::q4_1, join: split32::join_q4_1 } ..FOUR_BITS;
    Q5_0 { high: 1, offset: Some(4), bits: 5, split: split32::q5_0, join: split32::join_q5_0 }
        ..FOUR_BITS;
    Q5_1 {
        min: true, offset: None, high: 1, bits: 5, split: split32::q5_1, join: split32::join_q5_1
    } ..FOUR_BITS;
    Q8_0 { low: 8, offset: Some(7), bits: 8, split: split32::q8_0, join: split32::join_q8_0 }
        ..FOUR_BITS;
    IQ4_NL { levels: Some(IQ4_LEVELS), offset: Some(7), bits: 8 } ..FOUR_BITS;
    MXFP4 {
        scale: Scale::HalfE8m0, levels: Some(E2M1_LEVELS), offset: Some(4), bits: 5,
        split: split32::mxfp4, join: split32::join_mxfp4
    } ..FOUR_BITS;
    Q4_K {} ..FOUR_BITS_256;
    Q5_K { high: 1, bits: 5, split: split256::q5_k, join: split256::join_q5_k } ..FOUR_BITS_256;
    Q6_K {
        min: false, factors: Factors::Signed(16), high: 2, offset: Some(5), bits: 6,
        split: split256::q6_k, join: split256::join_q6_k
    } ..FOUR_BITS_256;
    Q2_K {
        factors: Factors::Nibbles, low: 2, bits: 2, split: split256::q2_k, join: split256::join_q2_k
    } ..FOUR_BITS_256;
    Q3_K {
        min: false, factors: Factors::Signed(16), low: 2, high: 1, offset: Some(2), bits: 3,
        split: split256::q3_k, join: split256::join_q3_k
    } ..FOUR_BITS_256;
    IQ4_XS {
        min: false, factors: Factors::Signed(32), levels: Some(IQ4_LEVELS), offset: Some(7),
        bits: 8, split: split256::iq4_xs, join: split256::join_iq4_xs
    } ..FOUR_BITS_256;
}
