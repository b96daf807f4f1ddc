//! From bytes to metadata and the tensor table.

use std::collections::HashMap;

use crate::cursor::Cursor;
use crate::tensor::{MAX_DIMS, Shape};
use crate::{
    Array, DEFAULT_ALIGNMENT, Error, GgmlType, MAGIC, MAX_ALIGNMENT, Metadata, Strings, TensorInfo,
    Value, ValueType,
};

/// The deepest nesting of arrays that is read. Published files do not nest them at all.
pub(crate) const MAX_NESTING: usize = 4;

/// Least bytes of a key/value pair: length of the key, type, a one-byte value.
const MIN_PAIR: u64 = 8 + 4 + 1;

/// Least bytes of a tensor's description: length of the name, one dimension, type, offset.
const MIN_TENSOR: u64 = 8 + 4 + 8 + 4 + 8;

/// Everything in front of the tensor data.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) version: u32,
    pub(crate) alignment: u64,
    pub(crate) metadata: Metadata,
    pub(crate) tensors: Vec<TensorInfo>,
    pub(crate) tensor_index: HashMap<Box<str>, usize>,
    pub(crate) data_start: u64,
}

/// Reads and checks a whole file.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, Error> {
    let mut cursor = Cursor::new(bytes);
    let version = header(&mut cursor, bytes)?;
    let tensor_count = cursor.u64("number of tensors")?;
    let pair_count = cursor.u64("number of keys")?;
    let metadata = metadata(&mut cursor, pair_count)?;
    let alignment = alignment(&metadata)?;
    cursor.expect(tensor_count, MIN_TENSOR, "tensor table")?;
    let mut tensors = Vec::new();
    let mut tensor_index = HashMap::new();
    for _ in 0..tensor_count {
        let offset = cursor.offset();
        let tensor = tensor(&mut cursor, alignment)?;
        if tensor_index
            .insert(tensor.name.clone(), tensors.len())
            .is_some()
        {
            return Err(Error::DuplicateTensor {
                name: tensor.name.into(),
                offset,
            });
        }
        tensors.push(tensor);
    }
    let data_start = cursor.offset().next_multiple_of(alignment);
    for tensor in &mut tensors {
        place(tensor, data_start, bytes.len() as u64)?;
    }
    check_overlap(&tensors)?;
    Ok(Parsed {
        version,
        alignment,
        metadata,
        tensors,
        tensor_index,
        data_start,
    })
}

/// Magic and version. A file whose bytes are swapped is named as such.
fn header(cursor: &mut Cursor<'_>, bytes: &[u8]) -> Result<u32, Error> {
    let mut swapped = MAGIC;
    swapped.reverse();
    match bytes.get(..MAGIC.len()) {
        Some(magic) if magic == MAGIC => {}
        Some(magic) if magic == swapped => return Err(Error::BigEndian),
        _ => return Err(Error::NotGguf),
    }
    cursor.take(MAGIC.len() as u64, "magic")?;
    match cursor.u32("version")? {
        version @ (2 | 3) => Ok(version),
        version if matches!(version.swap_bytes(), 1..=0xFFFF) => Err(Error::BigEndian),
        version => Err(Error::Version { version }),
    }
}

fn metadata(cursor: &mut Cursor<'_>, count: u64) -> Result<Metadata, Error> {
    cursor.expect(count, MIN_PAIR, "metadata")?;
    let mut metadata = Metadata::default();
    for number in 0..count {
        let offset = cursor.offset();
        let key = cursor.text(&format!("key number {number}"))?;
        let what = format!("value of {key:?}");
        let ty = value_type(cursor, &what)?;
        let value = value(cursor, ty, &what)?;
        if !metadata.push(key, value) {
            return Err(Error::DuplicateKey {
                key: key.to_owned(),
                offset,
            });
        }
    }
    Ok(metadata)
}

fn value_type(cursor: &mut Cursor<'_>, what: &str) -> Result<ValueType, Error> {
    let offset = cursor.offset();
    let id = cursor.u32(what)?;
    ValueType::from_id(id).ok_or_else(|| Error::UnknownValueType {
        what: what.to_owned(),
        offset,
        id,
    })
}

fn value(cursor: &mut Cursor<'_>, ty: ValueType, what: &str) -> Result<Value, Error> {
    Ok(match ty {
        ValueType::U8 => Value::U8(cursor.array(what).map(u8::from_le_bytes)?),
        ValueType::I8 => Value::I8(cursor.array(what).map(i8::from_le_bytes)?),
        ValueType::U16 => Value::U16(cursor.array(what).map(u16::from_le_bytes)?),
        ValueType::I16 => Value::I16(cursor.array(what).map(i16::from_le_bytes)?),
        ValueType::U32 => Value::U32(cursor.u32(what)?),
        ValueType::I32 => Value::I32(cursor.array(what).map(i32::from_le_bytes)?),
        ValueType::F32 => Value::F32(cursor.array(what).map(f32::from_le_bytes)?),
        ValueType::Bool => Value::Bool(cursor.array(what).map(|[byte]: [u8; 1]| byte != 0)?),
        ValueType::String => Value::String(cursor.string(what)?.into()),
        ValueType::Array => Value::Array(array(cursor, what, 1)?),
        ValueType::U64 => Value::U64(cursor.u64(what)?),
        ValueType::I64 => Value::I64(cursor.array(what).map(i64::from_le_bytes)?),
        ValueType::F64 => Value::F64(cursor.array(what).map(f64::from_le_bytes)?),
    })
}

fn array(cursor: &mut Cursor<'_>, what: &str, depth: usize) -> Result<Array, Error> {
    if depth > MAX_NESTING {
        return Err(Error::NestedTooDeep {
            what: what.to_owned(),
            offset: cursor.offset(),
            limit: MAX_NESTING,
        });
    }
    let ty = value_type(cursor, what)?;
    let count = cursor.u64(what)?;
    cursor.expect(count, ty.min_size(), what)?;
    Ok(match ty {
        ValueType::U8 => Array::U8(numbers(cursor, count, u8::from_le_bytes, what)?),
        ValueType::I8 => Array::I8(numbers(cursor, count, i8::from_le_bytes, what)?),
        ValueType::U16 => Array::U16(numbers(cursor, count, u16::from_le_bytes, what)?),
        ValueType::I16 => Array::I16(numbers(cursor, count, i16::from_le_bytes, what)?),
        ValueType::U32 => Array::U32(numbers(cursor, count, u32::from_le_bytes, what)?),
        ValueType::I32 => Array::I32(numbers(cursor, count, i32::from_le_bytes, what)?),
        ValueType::F32 => Array::F32(numbers(cursor, count, f32::from_le_bytes, what)?),
        ValueType::Bool => Array::Bool(numbers(cursor, count, |[byte]: [u8; 1]| byte != 0, what)?),
        ValueType::String => Array::String(strings(cursor, count, what)?),
        ValueType::Array => Array::Array(
            (0..count)
                .map(|_| array(cursor, what, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        ValueType::U64 => Array::U64(numbers(cursor, count, u64::from_le_bytes, what)?),
        ValueType::I64 => Array::I64(numbers(cursor, count, i64::from_le_bytes, what)?),
        ValueType::F64 => Array::F64(numbers(cursor, count, f64::from_le_bytes, what)?),
    })
}

/// `count` numbers of `N` bytes each.
fn numbers<const N: usize, T>(
    cursor: &mut Cursor<'_>,
    count: u64,
    decode: fn([u8; N]) -> T,
    what: &str,
) -> Result<Vec<T>, Error> {
    let bytes = cursor.take(count.saturating_mul(N as u64), what)?;
    Ok(bytes
        .as_chunks::<N>()
        .0
        .iter()
        .copied()
        .map(decode)
        .collect())
}

fn strings(cursor: &mut Cursor<'_>, count: u64, what: &str) -> Result<Strings, Error> {
    let mut strings = Strings::default();
    for _ in 0..count {
        strings.push(cursor.string(what)?);
    }
    Ok(strings)
}

fn alignment(metadata: &Metadata) -> Result<u64, Error> {
    let alignment = metadata.find("general.alignment")?;
    check_alignment(alignment.unwrap_or(DEFAULT_ALIGNMENT))
}

/// The alignment if it is one.
pub(crate) fn check_alignment(alignment: u64) -> Result<u64, Error> {
    if !alignment.is_power_of_two() || alignment > MAX_ALIGNMENT {
        return Err(Error::Alignment { alignment });
    }
    Ok(alignment)
}

/// One entry of the table; its `offset` is still relative to the start of the tensor data.
fn tensor(cursor: &mut Cursor<'_>, alignment: u64) -> Result<TensorInfo, Error> {
    let start = cursor.offset();
    let name = cursor.text("tensor name")?;
    let what = format!("tensor {name:?}");
    let count_offset = cursor.offset();
    let count = cursor.u32(&what)?;
    if !(1..=MAX_DIMS as u32).contains(&count) {
        return Err(Error::DimensionCount {
            name: name.to_owned(),
            offset: count_offset,
            count,
        });
    }
    let dims = (0..count)
        .map(|_| cursor.u64(&what))
        .collect::<Result<Vec<_>, _>>()?;
    let shape = Shape::new(&dims, name, start)?;
    let ty = GgmlType::from_id(cursor.u32(&what)?);
    let offset = cursor.u64(&what)?;
    if !offset.is_multiple_of(alignment) {
        return Err(Error::TensorOffset {
            name: name.to_owned(),
            offset,
            alignment,
        });
    }
    Ok(TensorInfo {
        name: name.into(),
        ty,
        shape,
        offset,
        nbytes: shape.nbytes(ty, name)?,
    })
}

/// Makes the offset absolute and checks that the data lies in the file. The start of data of
/// unknown size must lie there too.
fn place(tensor: &mut TensorInfo, data_start: u64, file_size: u64) -> Result<(), Error> {
    let start = u128::from(data_start) + u128::from(tensor.offset);
    let end = start + u128::from(tensor.nbytes.unwrap_or(0));
    match u64::try_from(start) {
        Ok(start) if end <= u128::from(file_size) => {
            tensor.offset = start;
            Ok(())
        }
        _ => Err(Error::TensorPastEnd {
            name: tensor.name.to_string(),
            end,
            file_size,
        }),
    }
}

/// Shared bytes would let a small file describe a huge model. Data of unknown size counts as none.
fn check_overlap(tensors: &[TensorInfo]) -> Result<(), Error> {
    let mut sorted: Vec<_> = tensors.iter().collect();
    sorted.sort_by_key(|tensor| (tensor.offset, tensor.nbytes));
    for pair in sorted.windows(2) {
        let [before, after] = pair else { continue };
        // `place` has checked that the sum is in the file.
        if before.offset + before.nbytes.unwrap_or(0) > after.offset {
            return Err(Error::TensorOverlap {
                name: after.name.to_string(),
                offset: after.offset,
                other: before.name.to_string(),
            });
        }
    }
    Ok(())
}
