//! What the writer writes, the reader reads.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod support;

use ollamars_gguf::{Array, Error, GgmlType, Gguf, TensorSpec, Value, Writer};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use support::exercise::{exercise, rewrite};
use support::samples;

#[test]
fn sound_files_are_written_as_they_were_read() {
    for (name, bytes) in samples::sound() {
        if name != "tensors" {
            exercise(&bytes).unwrap();
        }
    }
    let bytes = samples::every_type().bytes();
    let written = rewrite(&Gguf::from_bytes(bytes.clone()).unwrap()).unwrap();
    // The made file writes `true` as 2 once, the writer as 1, and pads its end.
    let differing = bytes.iter().zip(&written).filter(|(a, b)| a != b);
    assert_eq!(differing.count(), 1);
    assert_eq!(written.len(), bytes.len().next_multiple_of(32));
}

fn writer(metadata: &[(String, Value)]) -> Result<Writer<Vec<u8>>, Error> {
    let tensors = [TensorSpec::new("t", GgmlType::Q8_0, &[32, 2])];
    Writer::new(Vec::new(), metadata, &tensors)
}

#[test]
fn data_may_come_in_parts_but_must_be_whole() {
    let mut parts = writer(&[]).unwrap();
    parts.write_part(&[1; 40]).unwrap();
    parts.write_part(&[1; 28]).unwrap();
    let mut whole = writer(&[]).unwrap();
    whole.write_tensor(&[1; 68]).unwrap();
    assert_eq!(parts.finish().unwrap(), whole.finish().unwrap());

    let text = |result: Result<(), Error>| result.unwrap_err().to_string();
    let mut short = writer(&[]).unwrap();
    assert_eq!(
        text(short.write_tensor(&[0; 67])),
        "tensor \"t\" has 68 bytes, 67 were given"
    );
    assert_eq!(
        text(short.write_part(&[0; 69])),
        "tensor \"t\" has 68 bytes, 69 were given"
    );
    short.write_part(&[0; 67]).unwrap();
    let error = short.finish().unwrap_err().to_string();
    assert_eq!(error, "0 tensors written, the table has 1");
    let mut full = writer(&[]).unwrap();
    full.write_tensor(&[0; 68]).unwrap();
    assert!(matches!(
        full.write_part(&[0]),
        Err(Error::TensorCount { .. })
    ));
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let refused = |metadata: &[(&str, Value)]| {
        let metadata = metadata.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
        writer(&metadata.collect::<Vec<_>>()).unwrap_err()
    };
    let twice = refused(&[("k", 1u8.into()), ("k", 2u8.into())]);
    assert!(matches!(twice, Error::DuplicateKey { .. }));
    let odd = refused(&[("general.alignment", 48u32.into())]);
    assert!(matches!(odd, Error::Alignment { alignment: 48 }));
    assert!(matches!(
        refused(&[("general.alignment", "32".into())]),
        Error::WrongType { .. }
    ));
    let mut deep = Array::U8(vec![]);
    for _ in 0..4 {
        deep = Array::Array(vec![deep]);
    }
    assert!(matches!(
        refused(&[("k", deep.into())]),
        Error::NestedTooDeep { .. }
    ));

    let table =
        |ty, dims: &[u64]| Writer::new(vec![], &[], &[TensorSpec::new("t", ty, dims)]).err();
    assert!(matches!(
        table(GgmlType::Q4_K, &[128]),
        Some(Error::RowLength { .. })
    ));
    assert!(matches!(
        table(GgmlType::F32, &[]),
        Some(Error::DimensionCount { .. })
    ));
    assert!(matches!(
        table(GgmlType::F32, &[u64::MAX]),
        Some(Error::Dimensions { .. })
    ));
    assert!(matches!(
        table(GgmlType::from_id(77), &[1]),
        Some(Error::UnknownTensorType { .. })
    ));
}

fn number_arrays() -> impl Strategy<Value = Array> {
    prop_oneof![
        vec(any::<u8>(), 0..9).prop_map(Array::U8),
        vec(any::<i8>(), 0..9).prop_map(Array::I8),
        vec(any::<u16>(), 0..9).prop_map(Array::U16),
        vec(any::<i16>(), 0..9).prop_map(Array::I16),
        vec(any::<u32>(), 0..9).prop_map(Array::U32),
        vec(any::<i32>(), 0..9).prop_map(Array::I32),
        vec(any::<f32>(), 0..9).prop_map(Array::F32),
        vec(any::<bool>(), 0..9).prop_map(Array::Bool),
        vec(any::<u64>(), 0..9).prop_map(Array::U64),
        vec(any::<i64>(), 0..9).prop_map(Array::I64),
        vec(any::<f64>(), 0..9).prop_map(Array::F64),
        vec(vec(any::<u8>(), 0..9), 0..9).prop_map(|s| Array::String(s.iter().collect())),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u8>().prop_map(Value::U8),
        any::<i8>().prop_map(Value::I8),
        any::<u16>().prop_map(Value::U16),
        any::<i16>().prop_map(Value::I16),
        any::<u32>().prop_map(Value::U32),
        any::<i32>().prop_map(Value::I32),
        any::<f32>().prop_map(Value::F32),
        any::<bool>().prop_map(Value::Bool),
        any::<u64>().prop_map(Value::U64),
        any::<i64>().prop_map(Value::I64),
        any::<f64>().prop_map(Value::F64),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Value::String(bytes.into())),
        number_arrays().prop_map(Value::Array),
        vec(number_arrays(), 0..3).prop_map(|arrays| Value::Array(Array::Array(arrays))),
    ]
}

type Tensors = std::collections::BTreeMap<String, (GgmlType, Vec<u64>, u8)>;

fn tensors() -> impl Strategy<Value = Tensors> {
    let types = proptest::sample::select(GgmlType::ALL);
    let shape = (types, 1..3u64, vec(1..3u64, 0..4), any::<u8>());
    let tensor = shape.prop_map(|(ty, blocks, mut dims, fill)| {
        dims.insert(0, blocks * ty.block().map_or(1, |block| block.weights));
        (ty, dims, fill)
    });
    btree_map(".{0,8}", tensor, 0..5)
}

proptest! {
    #[test]
    fn metadata_and_tensors_round_trip(
        metadata in btree_map(".{0,12}", values(), 0..8),
        tensors in tensors(),
        alignment in 0u32..9,
    ) {
        let mut metadata: Vec<_> = metadata.into_iter().collect();
        metadata.push(("general.alignment".to_owned(), Value::U32(1 << alignment)));
        let specs: Vec<_> = tensors
            .iter()
            .map(|(name, (ty, dims, _))| TensorSpec::new(name, *ty, dims))
            .collect();
        let mut writer = Writer::new(Vec::new(), &metadata, &specs).unwrap();
        let data = |(ty, dims, fill): &(GgmlType, Vec<u64>, u8)| {
            vec![*fill; ty.size(dims.iter().product()).unwrap() as usize]
        };
        for tensor in tensors.values() {
            writer.write_tensor(&data(tensor)).unwrap();
        }
        let bytes = writer.finish().unwrap();
        prop_assert_eq!(bytes.len() % (1 << alignment), 0);
        let gguf = Gguf::from_bytes(bytes).unwrap();
        prop_assert_eq!(format!("{:?}", gguf.metadata().pairs()), format!("{metadata:?}"));
        prop_assert_eq!(gguf.tensors().len(), tensors.len());
        for (info, (name, tensor)) in gguf.tensors().iter().zip(&tensors) {
            prop_assert_eq!((info.name(), info.ty(), info.dims()), (&**name, tensor.0, &*tensor.1));
            prop_assert_eq!(gguf.tensor_data(info).unwrap(), data(tensor));
            prop_assert_eq!(info.offset() % (1 << alignment), 0);
        }
    }

    #[test]
    fn any_bytes_after_the_header_give_a_value_or_an_error(tail in vec(any::<u8>(), 0..200)) {
        let bytes = [b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0", &tail[..]].concat();
        let _ = exercise(&bytes);
    }
}
