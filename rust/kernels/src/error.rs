//! What can be wrong with a call.

use ollamars_quants::BlockType;

/// Why weights cannot be packed, or a level not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that is no level's.
    #[error(
        "unknown CPU level {0:?}: it is one of scalar, avx2, avxvnni, avx512, vnni, amx, neon, dotprod, \
             i8mm"
    )]
    UnknownLevel(String),
    /// A level that cannot be used here, and why.
    #[error("the CPU level {0} cannot be used here: {1}")]
    UnavailableLevel(&'static str, &'static str),
    /// A type without kernels.
    #[error("there are no kernels for weights of type {0}")]
    UnsupportedType(BlockType),
    /// Rows that are no whole number of blocks.
    #[error("a row of {inputs} weights is no whole number of {ty} blocks of {block}")]
    PartialBlock {
        /// The type.
        ty: BlockType,
        /// Weights of a row.
        inputs: usize,
        /// Weights of a block.
        block: usize,
    },
    /// Bytes that are not those of the matrix.
    #[error("{ty} weights of {outputs} x {inputs} have {expected} bytes, not {got}")]
    Size {
        /// The type.
        ty: BlockType,
        /// Rows of the matrix.
        outputs: usize,
        /// Columns of the matrix.
        inputs: usize,
        /// Bytes by type and shape.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// A matrix with more bytes than the address space.
    #[error("a matrix of {outputs} x {inputs} is too large")]
    TooLarge {
        /// Rows of the matrix.
        outputs: usize,
        /// Columns of the matrix.
        inputs: usize,
    },
}
