//! The tensor types of GGML: numbers, names, block sizes.

use std::fmt;

/// The type of a tensor: GGML's number. A number that is not in the table is kept, not refused:
/// a file with such a tensor can be read, only that tensor's data cannot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GgmlType(u32);

/// How a type stores weights: blocks of `weights` values in `bytes` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Weights in a block.
    pub weights: u64,
    /// Bytes of a block.
    pub bytes: u64,
}

macro_rules! types {
    ($($name:ident = $id:literal: $weights:literal in $bytes:literal;)*) => {
        #[allow(missing_docs, non_upper_case_globals)]
        impl GgmlType {
            $(pub const $name: Self = Self($id);)*

            /// Every type whose layout is known, by number.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }

        fn entry(id: u32) -> Option<(&'static str, Block)> {
            match id {
                $($id => Some((stringify!($name), Block { weights: $weights, bytes: $bytes })),)*
                _ => None,
            }
        }
    };
}

// llama.cpp b10488, ggml.h and ggml-common.h. 4, 5, 31 to 33 and 36 to 38 are retired numbers.
types! {
    F32 = 0: 1 in 4;
    F16 = 1: 1 in 2;
    Q4_0 = 2: 32 in 18;
    Q4_1 = 3: 32 in 20;
    Q5_0 = 6: 32 in 22;
    Q5_1 = 7: 32 in 24;
    Q8_0 = 8: 32 in 34;
    Q8_1 = 9: 32 in 36;
    Q2_K = 10: 256 in 84;
    Q3_K = 11: 256 in 110;
    Q4_K = 12: 256 in 144;
    Q5_K = 13: 256 in 176;
    Q6_K = 14: 256 in 210;
    Q8_K = 15: 256 in 292;
    IQ2_XXS = 16: 256 in 66;
    IQ2_XS = 17: 256 in 74;
    IQ3_XXS = 18: 256 in 98;
    IQ1_S = 19: 256 in 50;
    IQ4_NL = 20: 32 in 18;
    IQ3_S = 21: 256 in 110;
    IQ2_S = 22: 256 in 82;
    IQ4_XS = 23: 256 in 136;
    I8 = 24: 1 in 1;
    I16 = 25: 1 in 2;
    I32 = 26: 1 in 4;
    I64 = 27: 1 in 8;
    F64 = 28: 1 in 8;
    IQ1_M = 29: 256 in 56;
    BF16 = 30: 1 in 2;
    TQ1_0 = 34: 256 in 54;
    TQ2_0 = 35: 256 in 66;
    MXFP4 = 39: 32 in 17;
    NVFP4 = 40: 64 in 36;
    Q1_0 = 41: 128 in 18;
    Q2_0 = 42: 64 in 18;
}

impl GgmlType {
    /// The type with this number, known or not.
    pub fn from_id(id: u32) -> Self {
        Self(id)
    }

    /// GGML's number, as in the file.
    pub fn id(self) -> u32 {
        self.0
    }

    /// GGML's name, such as `Q4_K`, if the type is known.
    pub fn name(self) -> Option<&'static str> {
        entry(self.0).map(|(name, _)| name)
    }

    /// The type with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|ty| ty.name() == Some(name))
    }

    /// The layout, if the type is known.
    pub fn block(self) -> Option<Block> {
        entry(self.0).map(|(_, block)| block)
    }

    /// Bytes of `weights` weights; `None` if the type is unknown, the last block would be partly
    /// filled, or the result does not fit.
    pub fn size(self, weights: u64) -> Option<u64> {
        let block = self.block()?;
        if !weights.is_multiple_of(block.weights) {
            return None;
        }
        (weights / block.weights).checked_mul(block.bytes)
    }
}

impl fmt::Display for GgmlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "unknown type {}", self.0),
        }
    }
}

impl fmt::Debug for GgmlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
