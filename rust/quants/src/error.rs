//! What can be wrong with a call.

use crate::BlockType;

/// Why blocks cannot be expanded or made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that are no whole number of blocks.
    #[error("{got} bytes are no whole number of {ty} blocks of {block} bytes")]
    PartialBlock {
        /// The type.
        ty: BlockType,
        /// Bytes given.
        got: usize,
        /// Bytes of a block.
        block: usize,
    },
    /// A buffer that does not have the size of the weights in the other one.
    #[error("{expected} {what} of {ty} expected, the buffer has {got}")]
    Size {
        /// The type.
        ty: BlockType,
        /// `weights` or `bytes`.
        what: &'static str,
        /// Size by the other buffer.
        expected: usize,
        /// Size given.
        got: usize,
    },
    /// Weights that are no whole number of blocks.
    #[error("{got} weights are no whole number of {ty} blocks of {block} weights")]
    PartialWeights {
        /// The type.
        ty: BlockType,
        /// Weights given.
        got: usize,
        /// Weights in a block.
        block: usize,
    },
    /// A type that this crate expands but does not make.
    #[error("quantizing to {0} is not supported")]
    NoQuantizer(BlockType),
}
