//! What create does to an uploaded GGUF.
//!
//! Ollama passes it through `llama-quantize COPY`: version 3, keys in their order with two of them
//! set anew at the end, tensors sorted, data padded. Unlike there, a file whose
//! `general.alignment` is not 32 is padded as it says and so stays readable.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ollamars_gguf::{Gguf, TensorInfo, TensorSpec, Value, Writer};

use crate::parts::{self, Part, SPLIT_KEYS};
use crate::{Error, Refusal, architectures, file_type};

/// Tensor names that start so mark a file that Ollama leaves as it is: encoders of images and sound
/// and prediction heads in one file with the model.
const KEPT_PREFIXES: [&str; 5] = ["a.", "mm.", "mtp.", "s.", "v."];

/// Keys that are removed where they stand and set at the end, in this order.
const QUANTIZATION_VERSION: &str = "general.quantization_version";
const FILE_TYPE: &str = "general.file_type";

/// GGML's version of the block types.
const CURRENT_QUANTIZATION: u32 = 2;

/// Bytes copied at once.
const PIECE: usize = 1 << 20;

/// Whether create rewrites this file; if not, the upload itself becomes the layer.
pub fn needs_rewrite(gguf: &Gguf) -> bool {
    let kept = |name: &str| KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    !gguf.tensors().iter().any(|tensor| kept(tensor.name()))
}

/// Writes `source` anew to `target` as Ollama's create does, and syncs it to the disk.
///
/// `target` is created, or emptied if it is there; after an error it is removed. Memory is needed
/// for the metadata, not for tensor data.
///
/// # Errors
/// See [`Error`].
pub fn rewrite(source: &Path, target: &Path) -> Result<(), Error> {
    rewrite_parts(&[source.to_owned()], target)
}

/// As [`rewrite`], for a model split into several files, given in their order.
///
/// # Errors
/// See [`Error`].
pub fn rewrite_parts(sources: &[PathBuf], target: &Path) -> Result<(), Error> {
    for source in sources {
        check_distinct(source, target)?;
    }
    let parts = parts::open(sources)?;
    let tensors = parts::sorted_tensors(&parts);
    let metadata = metadata(&parts, &tensors)?;
    let output = File::create(target).map_err(|source| io_error(target, source))?;
    let written = write(&metadata, &tensors, output, target);
    if written.is_err() {
        // The error to report is the first one.
        let _ = std::fs::remove_file(target);
    }
    written
}

fn io_error(path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        path: path.to_owned(),
        source,
    }
}

/// Creating the target would empty the source if they were one file.
fn check_distinct(source: &Path, target: &Path) -> Result<(), Error> {
    match (source.canonicalize(), target.canonicalize()) {
        (Ok(from), Ok(to)) if from == to => Err(Error::OntoItself { path: from }),
        _ => Ok(()),
    }
}

/// The keys of the rewritten file: those of the first part, except for what is set anew.
fn metadata(
    parts: &[Part],
    tensors: &[(&Part, &TensorInfo)],
) -> Result<Vec<(String, Value)>, Error> {
    let Some(first) = parts.first() else {
        return Err(Refusal::NoArchitecture.into());
    };
    let source = first.gguf.metadata();
    match source.get("general.architecture").and_then(Value::as_str) {
        Some(name) if architectures::is_known(name) => {}
        Some(name) => return Err(Refusal::UnknownArchitecture(name.to_owned()).into()),
        None => return Err(Refusal::NoArchitecture.into()),
    }
    let file_type = match source.find::<u32>(FILE_TYPE)? {
        Some(file_type) => file_type,
        None => file_type::guess(tensors.iter().map(|(_, tensor)| tensor.ty())),
    };
    let set_anew = |key: &str| key == QUANTIZATION_VERSION || key == FILE_TYPE;
    let kept = |key: &str| !set_anew(key) && !SPLIT_KEYS.contains(&key);
    let pairs = source.pairs().iter().filter(|(key, _)| kept(key));
    let mut metadata: Vec<_> = pairs.cloned().collect();
    metadata.push((QUANTIZATION_VERSION.into(), CURRENT_QUANTIZATION.into()));
    metadata.push((FILE_TYPE.into(), file_type.into()));
    Ok(metadata)
}

fn write(
    metadata: &[(String, Value)],
    tensors: &[(&Part, &TensorInfo)],
    output: File,
    target: &Path,
) -> Result<(), Error> {
    let specs = tensors.iter().map(|(_, tensor)| spec(tensor));
    let specs: Vec<_> = specs.collect();
    let mut writer = Writer::new(output, metadata, &specs)?;
    let mut buffer = vec![0; PIECE];
    for (part, tensor) in tensors {
        copy(part, tensor, &mut buffer, &mut writer)?;
    }
    let output = writer.finish()?;
    output.sync_all().map_err(|source| io_error(target, source))
}

/// A tensor as GGML describes it: without dimensions of one at the end.
fn spec(tensor: &TensorInfo) -> TensorSpec<'_> {
    let dims = tensor.dims();
    let used = dims
        .iter()
        .rposition(|&dim| dim != 1)
        .map_or(1, |last| last + 1);
    TensorSpec::new(tensor.name(), tensor.ty(), dims.get(..used).unwrap_or(dims))
}

/// Copies the data of a tensor through `buffer`. Not from the mapping: there, pages of a whole model
/// would count as this process's memory, and a failing disk would be a signal instead of an error.
fn copy(
    part: &Part,
    tensor: &TensorInfo,
    buffer: &mut [u8],
    writer: &mut Writer<File>,
) -> Result<(), Error> {
    let failed = |source| io_error(&part.path, source);
    let mut file = &part.file;
    file.seek(SeekFrom::Start(tensor.offset()))
        .map_err(failed)?;
    let mut left = tensor.nbytes().unwrap_or(0);
    while left > 0 {
        let size = left.min(PIECE as u64);
        let piece = buffer.get_mut(..size as usize).unwrap_or_default();
        file.read_exact(piece).map_err(failed)?;
        writer.write_part(piece)?;
        left -= size;
    }
    Ok(())
}
