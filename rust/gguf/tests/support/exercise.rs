//! Everything that can be done with a file of unknown origin, for tests and the fuzz target.

use ollamars_gguf::{Error, Gguf, TensorSpec, Writer};

/// Reads `bytes`; if that works, looks at every value and all data, writes the file anew and checks
/// that the copy says the same. A panic is a failure.
pub fn exercise(bytes: &[u8]) -> Result<(), Error> {
    let gguf = Gguf::from_bytes(bytes)?;
    for (key, value) in gguf.metadata().pairs() {
        let metadata = gguf.metadata();
        assert!(metadata.get(key).is_some());
        let _ = (
            metadata.u32(key),
            metadata.i64(key),
            metadata.f32(key),
            metadata.bool(key),
        );
        let _ = (metadata.str(key), metadata.i32s(key), metadata.f32s(key));
        if let Some(array) = value.as_array() {
            assert_eq!(array.get(array.len()), None);
            assert_eq!(array.is_empty(), array.get(0).is_none());
        }
    }
    for tensor in gguf.tensors() {
        assert!(gguf.tensor(tensor.name()).is_some());
        assert_eq!(tensor.dims().iter().product::<u64>(), tensor.weights());
        match gguf.tensor_data(tensor) {
            Ok(data) => assert_eq!(Some(data.len() as u64), tensor.nbytes()),
            Err(error) => assert!(matches!(error, Error::UnknownTensorType { .. })),
        }
    }
    let known = gguf
        .tensors()
        .iter()
        .all(|tensor| tensor.nbytes().is_some());
    if known {
        check_copy(&gguf)?;
    }
    Ok(())
}

/// Writes the file anew and compares.
fn check_copy(gguf: &Gguf) -> Result<(), Error> {
    let copy = Gguf::from_bytes(rewrite(gguf)?)?;
    // Compared as text, since NaN is not equal to itself.
    let pairs = |gguf: &Gguf| format!("{:?}", gguf.metadata().pairs());
    assert_eq!(pairs(gguf), pairs(&copy));
    assert_eq!(gguf.tensors().len(), copy.tensors().len());
    for (before, after) in gguf.tensors().iter().zip(copy.tensors()) {
        assert_eq!(
            (before.name(), before.ty(), before.dims()),
            (after.name(), after.ty(), after.dims())
        );
        assert_eq!(gguf.tensor_data(before)?, copy.tensor_data(after)?);
    }
    Ok(())
}

/// The file as the writer writes it.
pub fn rewrite(gguf: &Gguf) -> Result<Vec<u8>, Error> {
    let tensors = gguf.tensors().iter();
    let specs: Vec<_> = tensors
        .map(|tensor| TensorSpec::new(tensor.name(), tensor.ty(), tensor.dims()))
        .collect();
    let mut writer = Writer::new(Vec::new(), gguf.metadata().pairs(), &specs)?;
    for tensor in gguf.tensors() {
        writer.write_tensor(gguf.tensor_data(tensor)?)?;
    }
    writer.finish()
}
