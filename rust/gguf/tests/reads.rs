//! What the reader gives for sound and for broken files.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod support;

use ollamars_gguf::{Array, Error, GgmlType, Gguf, Value};
use support::{File, array, samples, string};

fn every_type() -> Gguf {
    Gguf::from_bytes(samples::every_type().bytes()).unwrap()
}

#[test]
fn metadata_keeps_order_and_types() {
    let gguf = every_type();
    let pairs = gguf.metadata().pairs();
    assert_eq!(
        pairs[0],
        ("general.architecture".to_owned(), Value::from("llama"))
    );
    assert_eq!(pairs[1], ("u8".to_owned(), Value::U8(200)));
    let get = |key| gguf.metadata().get(key).unwrap();
    assert_eq!(*get("i8"), Value::I8(-2));
    assert_eq!(*get("u16"), Value::U16(60_000));
    assert_eq!(*get("i16"), Value::I16(-300));
    assert_eq!(*get("f64"), Value::F64(0.1));
    assert_eq!(*get("not utf-8"), Value::String([0xff].into()));
    assert_eq!(*get("flags"), Array::Bool(vec![false, true, true]).into());
    assert_eq!(get("empty").type_name(), "array[u64]");
    let nested = vec![Array::I16(vec![1]), Array::String(["x"].iter().collect())];
    assert_eq!(*get("nested"), Array::Array(nested).into());
    assert_eq!(gguf.metadata().get("missing"), None);
}

#[test]
fn integers_convert_where_they_fit() {
    let gguf = every_type();
    let metadata = gguf.metadata();
    assert_eq!(metadata.u64("u8").unwrap(), 200);
    assert_eq!(metadata.i64("i16").unwrap(), -300);
    assert_eq!(metadata.u32("u32").unwrap(), 4_000_000_000);
    assert_eq!(metadata.f32("f64").unwrap(), 0.1);
    assert_eq!(metadata.i32s("ints").unwrap(), [1, -1]);
    assert_eq!(metadata.find::<u32>("missing").unwrap(), None);
    let text = |error: Error| error.to_string();
    assert_eq!(
        text(metadata.u32("i32").unwrap_err()),
        "key \"i32\" holds i32 -70000, not u32"
    );
    assert_eq!(
        text(metadata.i64("u64").unwrap_err()),
        "key \"u64\" holds u64 18446744073709551615, not i64"
    );
    assert_eq!(
        text(metadata.u32("f32").unwrap_err()),
        "key \"f32\" holds f32, not u32"
    );
    assert_eq!(
        text(metadata.u32s("ints").unwrap_err()),
        "key \"ints\" holds array[i32], not array[u32]"
    );
    assert_eq!(
        text(metadata.bool("u8").unwrap_err()),
        "key \"u8\" holds u8 200, not bool"
    );
    assert_eq!(
        text(metadata.str("missing").unwrap_err()),
        "missing key \"missing\""
    );
}

#[test]
fn strings_are_bytes_and_text_where_they_can_be() {
    let gguf = every_type();
    let metadata = gguf.metadata();
    assert_eq!(metadata.bytes("not utf-8").unwrap(), [0xff]);
    assert!(metadata.str("not utf-8").is_err());
    let strings = metadata.strings("strings").unwrap();
    assert_eq!(strings.len(), 3);
    assert_eq!(
        strings.iter().collect::<Vec<_>>(),
        [&b"<s>"[..], b"", b"\xff\xfe"]
    );
    assert_eq!(strings.get_str(0), Some("<s>"));
    assert_eq!((strings.get_str(2), strings.get(3)), (None, None));
}

#[test]
fn tensors_lie_where_the_table_says() {
    let bytes = samples::tensors().bytes();
    let gguf = Gguf::from_bytes(bytes.clone()).unwrap();
    let embedding = gguf.tensor("token_embd.weight").unwrap();
    assert_eq!(
        (embedding.ty(), embedding.dims()),
        (GgmlType::Q4_0, &[32, 2][..])
    );
    assert_eq!((embedding.weights(), embedding.nbytes()), (64, Some(36)));
    assert_eq!(embedding.offset(), gguf.data_start());
    assert_eq!(
        gguf.tensor_data(embedding).unwrap(),
        (0..36).collect::<Vec<u8>>()
    );
    let norm = gguf.tensor("output_norm.weight").unwrap();
    assert_eq!(
        gguf.tensor_data(norm).unwrap(),
        (64..80).collect::<Vec<u8>>()
    );
    assert_eq!(gguf.file_size(), bytes.len() as u64);
    assert!(gguf.tensor("missing").is_none());
}

#[test]
fn a_tensor_of_unknown_type_fails_alone() {
    let gguf = Gguf::from_bytes(samples::tensors().bytes()).unwrap();
    let future = gguf.tensor("future.weight").unwrap();
    assert_eq!((future.ty().name(), future.nbytes()), (None, None));
    let error = gguf.tensor_data(future).unwrap_err().to_string();
    assert_eq!(error, "tensor \"future.weight\" has the unknown type 4000");
}

#[test]
fn alignment_and_version_are_the_files_own() {
    let gguf = Gguf::from_bytes(samples::aligned().bytes()).unwrap();
    assert_eq!((gguf.version(), gguf.alignment()), (2, 64));
    let last = gguf.tensor("b").unwrap();
    assert_eq!(last.dims(), [2, 1, 1, 1]);
    assert_eq!(gguf.tensor_data(last).unwrap(), [1; 4]);
}

#[test]
fn a_mapped_file_reads_as_its_bytes_do() {
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    assert!(matches!(Gguf::open(&path), Err(Error::NotGguf)));
    let bytes = samples::tensors().bytes();
    std::fs::write(&path, &bytes).unwrap();
    let gguf = Gguf::open(&path).unwrap();
    let tensor = gguf.tensor("output_norm.weight").unwrap();
    let data = gguf.tensor_data(tensor).unwrap();
    assert_eq!(data, (64..80).collect::<Vec<u8>>());
    gguf.release(data);
    gguf.release(&bytes);
    assert_eq!(data, (64..80).collect::<Vec<u8>>());
    let error = Gguf::open("/no/such/file").unwrap_err().to_string();
    assert!(error.starts_with("/no/such/file: "), "{error}");
    assert!(Gguf::open(std::env::temp_dir()).is_err());
}

#[test]
fn broken_files_are_refused_with_the_thing_and_the_place() {
    for (name, bytes, text) in samples::broken() {
        let error = Gguf::from_bytes(bytes).expect_err(name).to_string();
        assert!(
            error.contains(text),
            "{name}: {error:?} does not say {text:?}"
        );
    }
}

#[test]
fn every_cut_of_a_file_is_refused() {
    let bytes = samples::tensors().bytes();
    for length in 0..bytes.len() {
        assert!(
            Gguf::from_bytes(&bytes[..length]).is_err(),
            "cut at {length}"
        );
    }
}

#[test]
fn a_large_vocabulary_is_compact() {
    let strings = string(b"token").repeat(100_000);
    let file = File::default().key("tokens", 9, &array(8, 100_000, &strings));
    let gguf = Gguf::from_bytes(file.bytes()).unwrap();
    let tokens = gguf.metadata().strings("tokens").unwrap();
    assert_eq!(tokens.get(99_999), Some(&b"token"[..]));
}

#[test]
fn type_table_agrees_with_itself() {
    for &ty in GgmlType::ALL {
        let block = ty.block().unwrap();
        assert_eq!(GgmlType::from_name(ty.name().unwrap()), Some(ty));
        assert_eq!(GgmlType::from_id(ty.id()), ty);
        assert_eq!(ty.size(3 * block.weights), Some(3 * block.bytes));
    }
    assert_eq!(GgmlType::Q4_K.size(257), None);
    assert_eq!(GgmlType::from_id(4).to_string(), "unknown type 4");
}
