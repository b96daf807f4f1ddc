//! An open GGUF file.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::parse::{Parsed, parse};
use crate::{Error, Metadata, TensorInfo};

/// A GGUF file that was read and checked as a whole. `Send` and `Sync`; share it in an `Arc`.
#[derive(Debug)]
pub struct Gguf {
    bytes: Bytes,
    parsed: Parsed,
}

/// Where the bytes live.
#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Owned(Arc<[u8]>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Gguf {
    /// Maps and checks the file at `path`.
    ///
    /// The file must not be changed or cut while it is mapped: the store writes a blob under another
    /// name and never touches it after the rename. As with every mapping, cutting a mapped file
    /// makes a later read of the missing part a bus error.
    ///
    /// # Errors
    /// [`Error::Open`], or what is wrong with the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let failed = |source| Error::Open {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() == 0 {
            return Err(Error::NotGguf);
        }
        // SAFETY: the mapping is read-only and its bytes are read as `u8` only. That nobody changes
        // the file meanwhile is the store's rule (see above), not something the type can enforce.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        Self::new(Bytes::Mapped(map))
    }

    /// Checks a file that lies in memory. Tensor data has no particular alignment there.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Result<Self, Error> {
        Self::new(Bytes::Owned(bytes.into()))
    }

    fn new(bytes: Bytes) -> Result<Self, Error> {
        let parsed = parse(&bytes)?;
        Ok(Self { bytes, parsed })
    }

    /// Version of the format: 2 or 3.
    pub fn version(&self) -> u32 {
        self.parsed.version
    }

    /// Alignment of tensor data in bytes, a power of two.
    pub fn alignment(&self) -> u64 {
        self.parsed.alignment
    }

    /// Where tensor data starts, in bytes from the start of the file; past the end of the file if
    /// there is none.
    pub fn data_start(&self) -> u64 {
        self.parsed.data_start
    }

    /// Size of the file in bytes.
    pub fn file_size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The key/value pairs.
    pub fn metadata(&self) -> &Metadata {
        &self.parsed.metadata
    }

    /// The tensors in the order of the table.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.parsed.tensors
    }

    /// The tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        let &place = self.parsed.tensor_index.get(name)?;
        self.parsed.tensors.get(place)
    }

    /// The data of one of this file's tensors, in place. In a mapping its address is a multiple of
    /// the smaller of [`Gguf::alignment`] and the page size.
    ///
    /// # Errors
    /// [`Error::UnknownTensorType`]; [`Error::TensorPastEnd`] for a tensor of another file.
    pub fn tensor_data(&self, tensor: &TensorInfo) -> Result<&[u8], Error> {
        let Some(nbytes) = tensor.nbytes else {
            return Err(Error::UnknownTensorType {
                name: tensor.name.to_string(),
                id: tensor.ty.id(),
            });
        };
        let start = usize::try_from(tensor.offset).ok();
        let length = usize::try_from(nbytes).ok();
        start
            .zip(length)
            .and_then(|(start, length)| self.bytes.get(start..)?.get(..length))
            .ok_or_else(|| Error::TensorPastEnd {
                name: tensor.name.to_string(),
                end: u128::from(tensor.offset) + u128::from(nbytes),
                file_size: self.file_size(),
            })
    }
    /// Gives back the memory of a part of the file that was read and will hardly be read again, such
    /// as a tensor that was copied. Reading it again brings it back.
    pub fn release(&self, part: &[u8]) {
        #[cfg(unix)]
        if let Bytes::Mapped(map) = &self.bytes
            && let Some(offset) = part.as_ptr().addr().checked_sub(map.as_ptr().addr())
            && offset.saturating_add(part.len()) <= map.len()
        {
            // SAFETY: the mapping is read-only and of a file, so its pages come back unchanged.
            // Whether the advice is taken changes no result.
            let _ = unsafe {
                map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, offset, part.len())
            };
        }
    }
}
