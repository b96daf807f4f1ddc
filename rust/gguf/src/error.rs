//! What can be wrong with a GGUF file.

use std::path::PathBuf;

/// Why a file cannot be read, a value cannot be had, or a file cannot be written.
///
/// Offsets are bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened or mapped.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Writing failed.
    #[error("writing GGUF: {0}")]
    Write(#[from] std::io::Error),
    /// The file does not start with the magic bytes (Ollama's text).
    #[error("supplied file was not in GGUF format")]
    NotGguf,
    /// The file's numbers are big-endian.
    #[error("big-endian GGUF files are not supported")]
    BigEndian,
    /// A version other than 2 and 3.
    #[error("GGUF version {version} is not supported (only 2 and 3)")]
    Version {
        /// The version at byte 4.
        version: u32,
    },
    /// The file ends inside its header, metadata or tensor table.
    #[error(
        "unexpected EOF: {what} at byte {offset} needs {needed} bytes, file has {file_size} bytes"
    )]
    UnexpectedEof {
        /// What was being read.
        what: String,
        /// Where it starts.
        offset: u64,
        /// Bytes it needs, at least.
        needed: u64,
        /// Size of the file.
        file_size: u64,
    },
    /// A key or a tensor name that is not UTF-8.
    #[error("{what} at byte {offset} is not UTF-8")]
    NotUtf8 {
        /// What was being read.
        what: String,
        /// Where it starts.
        offset: u64,
    },
    /// A type number of a value or array element that GGUF does not define.
    #[error("{what} at byte {offset}: unknown value type {id}")]
    UnknownValueType {
        /// What was being read.
        what: String,
        /// Where the number stands.
        offset: u64,
        /// The number.
        id: u32,
    },
    /// Arrays nested deeper than any real file needs.
    #[error("{what} at byte {offset}: arrays nested more than {limit} deep")]
    NestedTooDeep {
        /// The key.
        what: String,
        /// Where the array starts.
        offset: u64,
        /// The deepest nesting that is read.
        limit: usize,
    },
    /// A key that occurs twice.
    #[error("key {key:?} at byte {offset} occurs twice")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it occurs again (0 in a list to be written).
        offset: u64,
    },
    /// A tensor name that occurs twice.
    #[error("tensor {name:?} at byte {offset} occurs twice")]
    DuplicateTensor {
        /// The name.
        name: String,
        /// Where it occurs again (0 in a list to be written).
        offset: u64,
    },
    /// `general.alignment` is no power of two, or larger than any real one.
    #[error("general.alignment is {alignment}, not a power of two up to {max}", max = crate::MAX_ALIGNMENT)]
    Alignment {
        /// The value.
        alignment: u64,
    },
    /// A tensor with no dimension or too many.
    #[error("tensor {name:?} at byte {offset} has {count} dimensions, not 1 to {max}", max = crate::MAX_DIMS)]
    DimensionCount {
        /// The tensor.
        name: String,
        /// Where the count stands.
        offset: u64,
        /// The count.
        count: u32,
    },
    /// A dimension of zero, or dimensions whose product does not fit.
    #[error("tensor {name:?} at byte {offset}: dimensions {dims:?} {problem}")]
    Dimensions {
        /// The tensor.
        name: String,
        /// Where its description stands.
        offset: u64,
        /// The dimensions, row length first.
        dims: Vec<u64>,
        /// What is wrong with them.
        problem: &'static str,
    },
    /// A row that is no whole number of blocks.
    #[error(
        "tensor {name:?}: row length {row} is not a multiple of the {block} weights of a {ty} block"
    )]
    RowLength {
        /// The tensor.
        name: String,
        /// Its first dimension.
        row: u64,
        /// Weights in a block.
        block: u64,
        /// Name of the type.
        ty: String,
    },
    /// Tensor data that starts between two aligned places.
    #[error("tensor {name:?}: offset {offset} is not a multiple of the alignment {alignment}")]
    TensorOffset {
        /// The tensor.
        name: String,
        /// Its offset, counted from the start of the tensor data.
        offset: u64,
        /// Alignment of the file.
        alignment: u64,
    },
    /// Tensor data that ends past the end of the file (Ollama's text).
    #[error("tensor {name:?} offset+size ({end}) exceeds file size ({file_size})")]
    TensorPastEnd {
        /// The tensor.
        name: String,
        /// Where its data would end.
        end: u128,
        /// Size of the file.
        file_size: u64,
    },
    /// Tensors that share bytes.
    #[error("tensor {name:?} starts at byte {offset}, inside the data of tensor {other:?}")]
    TensorOverlap {
        /// The tensor that starts later.
        name: String,
        /// Where it starts.
        offset: u64,
        /// The tensor that has not ended there.
        other: String,
    },
    /// The data of a tensor whose type is not known has no known size.
    #[error("tensor {name:?} has the unknown type {id}")]
    UnknownTensorType {
        /// The tensor.
        name: String,
        /// Number of the type.
        id: u32,
    },
    /// A key that must be there is not.
    #[error("missing key {key:?}")]
    MissingKey {
        /// The key.
        key: String,
    },
    /// A value of another type than wanted, or one that does not fit into it.
    #[error("key {key:?} holds {found}, not {wanted}")]
    WrongType {
        /// The key.
        key: String,
        /// What the caller wants.
        wanted: &'static str,
        /// What is there: the type, with the value where it is a number.
        found: String,
    },
    /// The writer was given other bytes than its tensor table announced.
    #[error("tensor {name:?} has {expected} bytes, {got} were given")]
    TensorSize {
        /// The tensor.
        name: String,
        /// Bytes by its type and dimensions.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// The writer was finished before all tensors were there, or given one too many.
    #[error("{written} tensors written, the table has {expected}")]
    TensorCount {
        /// Tensors in the table.
        expected: usize,
        /// Tensors given.
        written: usize,
    },
}
