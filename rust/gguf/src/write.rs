//! Writing GGUF version 3.

use std::collections::HashSet;
use std::io::Write;

use crate::parse::{MAX_NESTING, check_alignment};
use crate::tensor::Shape;
use crate::{Array, DEFAULT_ALIGNMENT, Error, GgmlType, MAGIC, VERSION, Value};

/// A tensor to be written: everything but its data.
#[derive(Clone, Debug)]
pub struct TensorSpec<'a> {
    name: &'a str,
    ty: GgmlType,
    dims: &'a [u64],
}

impl<'a> TensorSpec<'a> {
    /// Name, type and dimensions (row length first).
    pub fn new(name: &'a str, ty: GgmlType, dims: &'a [u64]) -> Self {
        Self { name, ty, dims }
    }
}

/// Writes a file from front to back: metadata and the tensor table at once, then the tensors' data
/// in the order of the table, each padded. Holds no tensor data.
///
/// `general.alignment` among the metadata sets the padding, 32 bytes without it.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    alignment: u64,
    /// Names and sizes in the order of the table.
    tensors: Vec<(String, u64)>,
    /// How many tensors are written in full.
    written: usize,
    /// Bytes written of the current tensor.
    partial: u64,
}

impl<W: Write> Writer<W> {
    /// Checks `metadata` and `tensors` and writes everything in front of the tensor data.
    ///
    /// # Errors
    /// Duplicate names, a bad alignment or shape, an unknown tensor type, and [`Error::Write`].
    pub fn new(
        mut output: W,
        metadata: &[(String, Value)],
        tensors: &[TensorSpec<'_>],
    ) -> Result<Self, Error> {
        let alignment = check_metadata(metadata)?;
        let sizes = check_tensors(tensors)?;
        let mut head = Vec::new();
        head.extend_from_slice(&MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        put_count(&mut head, tensors.len());
        put_count(&mut head, metadata.len());
        for (key, value) in metadata {
            put_string(&mut head, key.as_bytes());
            head.extend_from_slice(&value.value_type().id().to_le_bytes());
            put_value(&mut head, value);
        }
        let mut offset = 0u64;
        for (tensor, (_, nbytes)) in tensors.iter().zip(&sizes) {
            put_tensor(&mut head, tensor, offset);
            offset = offset
                .checked_add(*nbytes)
                .and_then(|end| end.checked_next_multiple_of(alignment))
                .ok_or_else(|| too_large(tensor))?;
        }
        output.write_all(&head)?;
        pad(&mut output, head.len() as u64, alignment)?;
        Ok(Self {
            output,
            alignment,
            tensors: sizes,
            written: 0,
            partial: 0,
        })
    }

    /// Writes the whole data of the next tensor, and the padding after it.
    ///
    /// # Errors
    /// [`Error::TensorSize`] if `data` is not as long as the table says, [`Error::TensorCount`]
    /// after the last tensor, [`Error::Write`].
    pub fn write_tensor(&mut self, data: &[u8]) -> Result<(), Error> {
        let (name, expected) = self.next_tensor()?;
        let got = self.partial + data.len() as u64;
        if got != expected {
            return Err(Error::TensorSize {
                name: name.to_owned(),
                expected,
                got,
            });
        }
        self.write_part(data)
    }

    /// Writes the next bytes of the next tensor; with its last byte comes the padding after it.
    ///
    /// # Errors
    /// [`Error::TensorSize`] if these are too many, [`Error::TensorCount`] after the last tensor,
    /// [`Error::Write`].
    pub fn write_part(&mut self, data: &[u8]) -> Result<(), Error> {
        let (name, expected) = self.next_tensor()?;
        let got = self.partial + data.len() as u64;
        if got > expected {
            return Err(Error::TensorSize {
                name: name.to_owned(),
                expected,
                got,
            });
        }
        self.output.write_all(data)?;
        self.partial = got;
        if got == expected {
            pad(&mut self.output, expected, self.alignment)?;
            self.written += 1;
            self.partial = 0;
        }
        Ok(())
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// [`Error::TensorCount`] if tensors are missing, [`Error::Write`].
    pub fn finish(mut self) -> Result<W, Error> {
        if self.written != self.tensors.len() {
            return Err(self.wrong_count());
        }
        self.output.flush()?;
        Ok(self.output)
    }

    fn next_tensor(&self) -> Result<(&str, u64), Error> {
        match self.tensors.get(self.written) {
            Some((name, nbytes)) => Ok((name, *nbytes)),
            None => Err(self.wrong_count()),
        }
    }

    fn wrong_count(&self) -> Error {
        Error::TensorCount {
            expected: self.tensors.len(),
            written: self.written,
        }
    }
}

/// Checks keys and nested arrays; gives the alignment.
fn check_metadata(metadata: &[(String, Value)]) -> Result<u64, Error> {
    let mut keys = HashSet::new();
    let mut alignment = DEFAULT_ALIGNMENT;
    for (key, value) in metadata {
        if !keys.insert(key) {
            return Err(Error::DuplicateKey {
                key: key.clone(),
                offset: 0,
            });
        }
        if let Value::Array(array) = value {
            check_nesting(key, array, 1)?;
        }
        if key == "general.alignment" {
            alignment = value.as_int().ok_or_else(|| Error::WrongType {
                key: key.clone(),
                wanted: "u32",
                found: value.type_name(),
            })?;
        }
    }
    check_alignment(alignment)
}

/// Refuses what [`crate::Gguf`] would not read.
fn check_nesting(key: &str, array: &Array, depth: usize) -> Result<(), Error> {
    if depth > MAX_NESTING {
        return Err(Error::NestedTooDeep {
            what: format!("value of {key:?}"),
            offset: 0,
            limit: MAX_NESTING,
        });
    }
    let Array::Array(inner) = array else {
        return Ok(());
    };
    inner
        .iter()
        .try_for_each(|array| check_nesting(key, array, depth + 1))
}

/// Checks names and shapes; gives names and sizes.
fn check_tensors(tensors: &[TensorSpec<'_>]) -> Result<Vec<(String, u64)>, Error> {
    let mut names = HashSet::new();
    let mut sizes = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        if !names.insert(tensor.name) {
            return Err(Error::DuplicateTensor {
                name: tensor.name.to_owned(),
                offset: 0,
            });
        }
        let shape = Shape::new(tensor.dims, tensor.name, 0)?;
        let nbytes = shape.nbytes(tensor.ty, tensor.name)?;
        let nbytes = nbytes.ok_or_else(|| Error::UnknownTensorType {
            name: tensor.name.to_owned(),
            id: tensor.ty.id(),
        })?;
        sizes.push((tensor.name.to_owned(), nbytes));
    }
    Ok(sizes)
}

fn too_large(tensor: &TensorSpec<'_>) -> Error {
    Error::Dimensions {
        name: tensor.name.to_owned(),
        offset: 0,
        dims: tensor.dims.to_vec(),
        problem: "are too large",
    }
}

fn put_tensor(head: &mut Vec<u8>, tensor: &TensorSpec<'_>, offset: u64) {
    put_string(head, tensor.name.as_bytes());
    head.extend_from_slice(&(tensor.dims.len() as u32).to_le_bytes());
    for dim in tensor.dims {
        head.extend_from_slice(&dim.to_le_bytes());
    }
    head.extend_from_slice(&tensor.ty.id().to_le_bytes());
    head.extend_from_slice(&offset.to_le_bytes());
}

fn put_count(head: &mut Vec<u8>, count: usize) {
    head.extend_from_slice(&(count as u64).to_le_bytes());
}

fn put_string(head: &mut Vec<u8>, string: &[u8]) {
    put_count(head, string.len());
    head.extend_from_slice(string);
}

fn put_value(head: &mut Vec<u8>, value: &Value) {
    match value {
        Value::U8(v) => head.push(*v),
        Value::I8(v) => head.extend_from_slice(&v.to_le_bytes()),
        Value::U16(v) => head.extend_from_slice(&v.to_le_bytes()),
        Value::I16(v) => head.extend_from_slice(&v.to_le_bytes()),
        Value::U32(v) => head.extend_from_slice(&v.to_le_bytes()),
        Value::I32(v) => head.extend_from_slice(&v.to_le_bytes()),
        Value::F32(v) => head.extend_from_slice(&v.to_le_bytes()),
        Value::Bool(v) => head.push((*v).into()),
        Value::String(v) => put_string(head, v),
        Value::Array(v) => put_array(head, v),
        Value::U64(v) => head.extend_from_slice(&v.to_le_bytes()),
        Value::I64(v) => head.extend_from_slice(&v.to_le_bytes()),
        Value::F64(v) => head.extend_from_slice(&v.to_le_bytes()),
    }
}

fn put_array(head: &mut Vec<u8>, array: &Array) {
    head.extend_from_slice(&array.element_type().id().to_le_bytes());
    put_count(head, array.len());
    match array {
        Array::U8(v) => head.extend_from_slice(v),
        Array::I8(v) => put_numbers(head, v, |x| x.to_le_bytes()),
        Array::U16(v) => put_numbers(head, v, |x| x.to_le_bytes()),
        Array::I16(v) => put_numbers(head, v, |x| x.to_le_bytes()),
        Array::U32(v) => put_numbers(head, v, |x| x.to_le_bytes()),
        Array::I32(v) => put_numbers(head, v, |x| x.to_le_bytes()),
        Array::F32(v) => put_numbers(head, v, |x| x.to_le_bytes()),
        Array::Bool(v) => put_numbers(head, v, |x| [x.into()]),
        Array::String(v) => v.iter().for_each(|string| put_string(head, string)),
        Array::Array(v) => v.iter().for_each(|inner| put_array(head, inner)),
        Array::U64(v) => put_numbers(head, v, |x| x.to_le_bytes()),
        Array::I64(v) => put_numbers(head, v, |x| x.to_le_bytes()),
        Array::F64(v) => put_numbers(head, v, |x| x.to_le_bytes()),
    }
}

fn put_numbers<const N: usize, T: Copy>(
    head: &mut Vec<u8>,
    values: &[T],
    encode: fn(T) -> [u8; N],
) {
    head.extend(values.iter().flat_map(|&value| encode(value)));
}

/// Zeros from `position` to the next multiple of `alignment`.
fn pad(output: &mut impl Write, position: u64, alignment: u64) -> Result<(), Error> {
    const ZEROS: [u8; 256] = [0; 256];
    let mut left = position.next_multiple_of(alignment) - position;
    while left > 0 {
        let part = left.min(ZEROS.len() as u64);
        output.write_all(ZEROS.get(..part as usize).unwrap_or_default())?;
        left -= part;
    }
    Ok(())
}
