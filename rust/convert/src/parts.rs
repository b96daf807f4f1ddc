//! The file or files that a model comes in.

use std::fs::File;
use std::path::PathBuf;

use ollamars_gguf::{Gguf, TensorInfo};

use crate::{Error, order};

/// Keys of one part of a split model, which the whole does not have.
pub(crate) const SPLIT_KEYS: [&str; 3] = ["split.no", "split.count", "split.tensors.count"];

/// One file of a model.
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) gguf: Gguf,
}

impl Part {
    fn open(path: &PathBuf) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::Io {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            path: path.clone(),
            file,
            gguf: Gguf::open(path)?,
        })
    }
}

/// Opens all files of a model, in their order, and checks that they make up the whole.
pub(crate) fn open(paths: &[PathBuf]) -> Result<Vec<Part>, Error> {
    let parts = paths
        .iter()
        .map(Part::open)
        .collect::<Result<Vec<_>, _>>()?;
    let tensors = parts.iter().map(|part| part.gguf.tensors().len() as u64);
    let tensors = tensors.sum();
    for (number, part) in (0..).zip(&parts) {
        check(part, number, parts.len() as u64, tensors)?;
    }
    Ok(parts)
}

/// Checks what part `number` of `count` says about itself and about the whole.
fn check(part: &Part, number: u64, count: u64, tensors: u64) -> Result<(), Error> {
    let metadata = part.gguf.metadata();
    let split = metadata
        .find("split.count")?
        .filter(|&count: &u64| count > 1);
    if split.is_none() && count == 1 {
        return Ok(());
    }
    for (key, expected) in SPLIT_KEYS.into_iter().zip([number, count, tensors]) {
        let found = metadata.u64(key)?;
        if found != expected {
            return Err(Error::Split {
                path: part.path.clone(),
                key,
                found,
                expected,
            });
        }
    }
    Ok(())
}

/// The tensors of all parts in the order of the rewritten file.
pub(crate) fn sorted_tensors(parts: &[Part]) -> Vec<(&Part, &TensorInfo)> {
    let mut all = Vec::new();
    for part in parts {
        let tensors = part.gguf.tensors().iter();
        all.extend(tensors.map(|tensor| (part, tensor)));
    }
    all.sort_by_key(|(_, tensor)| order::key(tensor.name()));
    all
}
