//! The GGUF file format: read (memory-mapped, every number checked before use) and write.
//!
//! A GGUF file is a header, ordered key/value metadata, a table of tensors and their data. [`Gguf`]
//! opens versions 2 and 3, little-endian. Metadata is decoded once into compact owned values;
//! tensor data stays in the mapping and is handed out as `&[u8]` without a copy. Whatever a file
//! says, the reader answers with a value or an [`Error`] that names the thing and the byte where it
//! is wrong; it does not panic and allocates no more than a small multiple of the file's size.
//!
//! ```
//! use ollamars_gguf::{GgmlType, Gguf, TensorSpec, Value, Writer};
//!
//! let metadata = [("general.architecture".to_owned(), Value::from("llama"))];
//! let tensors = [TensorSpec::new("token_embd.weight", GgmlType::F32, &[2, 1])];
//! let mut writer = Writer::new(Vec::new(), &metadata, &tensors)?;
//! writer.write_tensor(&[0u8; 8])?;
//! let gguf = Gguf::from_bytes(writer.finish()?)?;
//!
//! assert_eq!(gguf.metadata().str("general.architecture")?, "llama");
//! let tensor = gguf.tensor("token_embd.weight").expect("written above");
//! assert_eq!(tensor.dims(), [2, 1]);
//! assert_eq!(gguf.tensor_data(tensor)?, [0u8; 8]);
//! # Ok::<(), ollamars_gguf::Error>(())
//! ```
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod array;
mod cursor;
mod error;
mod file;
mod from_value;
mod ggml_type;
mod metadata;
mod parse;
mod tensor;
mod value;
mod write;

pub use array::{Array, Strings};
pub use error::Error;
pub use file::Gguf;
pub use from_value::FromValue;
pub use ggml_type::{Block, GgmlType};
pub use metadata::Metadata;
pub use tensor::{MAX_DIMS, TensorInfo};
pub use value::{Value, ValueType};
pub use write::{TensorSpec, Writer};

/// The first four bytes of every GGUF file.
pub const MAGIC: [u8; 4] = *b"GGUF";

/// The version that [`Writer`] writes.
pub const VERSION: u32 = 3;

/// Alignment of tensor data in bytes where the key `general.alignment` is missing.
pub const DEFAULT_ALIGNMENT: u64 = 32;

/// The largest alignment that is read or written. Published files have 32; the bound keeps a tiny
/// file from asking for gigabytes of padding.
pub const MAX_ALIGNMENT: u64 = 1 << 20;
