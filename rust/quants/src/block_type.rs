//! The table of block types.

use std::fmt;

use crate::{Error, fp4, iq1, iq2, iq3, iq4, k_quants, plain, simple, ternary};

/// Expands whole blocks; the buffers' sizes were checked.
type Dequantize = fn(&[u8], &mut [f32]);

macro_rules! types {
    ($($name:ident = $id:literal: $weights:literal in $bytes:literal, $dequantize:path;)*) => {
        /// A type in which GGML stores tensors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, non_camel_case_types)]
        pub enum BlockType {
            $($name = $id,)*
        }

        impl BlockType {
            /// Every type, by number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The type with GGML's number `id`, if there is one.
            pub fn from_id(id: u32) -> Option<Self> {
                match id {
                    $($id => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// GGML's name, such as `Q4_K`.
            pub fn name(self) -> &'static str {
                self.entry().0
            }

            fn entry(self) -> (&'static str, usize, usize, Dequantize) {
                match self {
                    $(Self::$name => (stringify!($name), $weights, $bytes, $dequantize),)*
                }
            }
        }
    };
}

// Number: weights in bytes of a block (llama.cpp b10488, ggml.h and ggml-common.h).
types! {
    F32 = 0: 1 in 4, plain::f32;
    F16 = 1: 1 in 2, plain::f16;
    Q4_0 = 2: 32 in 18, simple::q4_0;
    Q4_1 = 3: 32 in 20, simple::q4_1;
    Q5_0 = 6: 32 in 22, simple::q5_0;
    Q5_1 = 7: 32 in 24, simple::q5_1;
    Q8_0 = 8: 32 in 34, simple::q8_0;
    Q8_1 = 9: 32 in 36, simple::q8_1;
    Q2_K = 10: 256 in 84, k_quants::q2_k;
    Q3_K = 11: 256 in 110, k_quants::q3_k;
    Q4_K = 12: 256 in 144, k_quants::q4_k;
    Q5_K = 13: 256 in 176, k_quants::q5_k;
    Q6_K = 14: 256 in 210, k_quants::q6_k;
    Q8_K = 15: 256 in 292, k_quants::q8_k;
    IQ2_XXS = 16: 256 in 66, iq2::xxs;
    IQ2_XS = 17: 256 in 74, iq2::xs;
    IQ3_XXS = 18: 256 in 98, iq3::xxs;
    IQ1_S = 19: 256 in 50, iq1::s;
    IQ4_NL = 20: 32 in 18, iq4::nl;
    IQ3_S = 21: 256 in 110, iq3::s;
    IQ2_S = 22: 256 in 82, iq2::s;
    IQ4_XS = 23: 256 in 136, iq4::xs;
    I8 = 24: 1 in 1, plain::i8;
    I16 = 25: 1 in 2, plain::i16;
    I32 = 26: 1 in 4, plain::i32;
    I64 = 27: 1 in 8, plain::i64;
    F64 = 28: 1 in 8, plain::f64;
    IQ1_M = 29: 256 in 56, iq1::m;
    BF16 = 30: 1 in 2, plain::bf16;
    TQ1_0 = 34: 256 in 54, ternary::tq1_0;
    TQ2_0 = 35: 256 in 66, ternary::tq2_0;
    MXFP4 = 39: 32 in 17, fp4::mxfp4;
    NVFP4 = 40: 64 in 36, fp4::nvfp4;
    Q1_0 = 41: 128 in 18, ternary::q1_0;
    Q2_0 = 42: 64 in 18, ternary::q2_0;
}

impl BlockType {
    /// GGML's number, as in a GGUF file.
    pub fn id(self) -> u32 {
        self as u32
    }

    /// The type with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|ty| ty.name() == name)
    }

    /// Weights in a block.
    pub fn weights(self) -> usize {
        self.entry().1
    }

    /// Bytes of a block.
    pub fn bytes(self) -> usize {
        self.entry().2
    }

    /// Expands `source`, any number of whole blocks, into `target`, one value for each weight. The
    /// result is exact: products and sums are rounded one by one, as GGML's reference does.
    ///
    /// # Errors
    /// [`Error::PartialBlock`] and [`Error::Size`] if the buffers do not fit together.
    pub fn dequantize(self, source: &[u8], target: &mut [f32]) -> Result<(), Error> {
        let (_, weights, bytes, dequantize) = self.entry();
        if !source.len().is_multiple_of(bytes) {
            return Err(Error::PartialBlock {
                ty: self,
                got: source.len(),
                block: bytes,
            });
        }
        let expected = (source.len() / bytes).saturating_mul(weights);
        if target.len() != expected {
            return Err(Error::Size {
                ty: self,
                what: "weights",
                expected,
                got: target.len(),
            });
        }
        dequantize(source, target);
        Ok(())
    }
}

impl fmt::Display for BlockType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
