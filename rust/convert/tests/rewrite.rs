//! What a rewritten file looks like, on small files made here.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::path::{Path, PathBuf};

use ollamars_convert::{Error, Refusal, needs_rewrite, rewrite, rewrite_parts};
use ollamars_gguf::{GgmlType, Gguf, TensorSpec, Value, Writer};
use ollamars_quants::BlockType;
use tempfile::TempDir;

type Pairs<'a> = &'a [(&'a str, Value)];
type Tensors<'a> = &'a [(&'a str, GgmlType, &'a [u64])];

const LLAMA: (&str, &str) = ("general.architecture", "llama");

/// Writes a file whose tensor data is each tensor's first letter.
fn make(folder: &TempDir, name: &str, pairs: Pairs<'_>, tensors: Tensors<'_>) -> PathBuf {
    let pairs = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()));
    let pairs: Vec<_> = pairs.collect();
    let specs = tensors
        .iter()
        .map(|(name, ty, dims)| TensorSpec::new(name, *ty, dims));
    let specs: Vec<_> = specs.collect();
    let mut writer = Writer::new(Vec::new(), &pairs, &specs).unwrap();
    for (name, ty, dims) in tensors {
        let size = ty.size(dims.iter().product()).unwrap();
        writer
            .write_tensor(&vec![name.as_bytes()[0]; size as usize])
            .unwrap();
    }
    let path = folder.path().join(name);
    std::fs::write(&path, writer.finish().unwrap()).unwrap();
    path
}

fn keys(gguf: &Gguf) -> Vec<&str> {
    gguf.metadata()
        .pairs()
        .iter()
        .map(|(key, _)| key.as_str())
        .collect()
}

fn names(gguf: &Gguf) -> Vec<&str> {
    gguf.tensors().iter().map(|tensor| tensor.name()).collect()
}

#[test]
fn two_keys_are_set_at_the_end_and_tensors_sorted() {
    let folder = TempDir::new().unwrap();
    let pairs = [
        ("general.file_type", Value::U64(15)),
        (LLAMA.0, LLAMA.1.into()),
        ("general.quantization_version", 1u32.into()),
        ("z", 1u8.into()),
        ("a", "text".into()),
    ];
    let tensors: Tensors = &[
        ("blk.10.w", GgmlType::F32, &[3]),
        ("blk.2.w", GgmlType::Q8_0, &[32, 1, 2, 1]),
        ("output.weight", GgmlType::F16, &[1, 1]),
    ];
    let source = make(&folder, "source", &pairs, tensors);
    let target = folder.path().join("target");
    rewrite(&source, &target).unwrap();
    let gguf = Gguf::open(&target).unwrap();
    let expected = [
        LLAMA.0,
        "z",
        "a",
        "general.quantization_version",
        "general.file_type",
    ];
    assert_eq!(keys(&gguf), expected);
    let metadata = gguf.metadata();
    assert_eq!(
        metadata.get("general.quantization_version"),
        Some(&Value::U32(2))
    );
    assert_eq!(metadata.get("general.file_type"), Some(&Value::U32(15)));
    assert_eq!(names(&gguf), ["output.weight", "blk.2.w", "blk.10.w"]);
    let dims: Vec<_> = gguf.tensors().iter().map(|tensor| tensor.dims()).collect();
    assert_eq!(dims, [&[1][..], &[32, 1, 2], &[3]]);
    for tensor in gguf.tensors() {
        let data = gguf.tensor_data(tensor).unwrap();
        assert!(data.iter().all(|byte| *byte == tensor.name().as_bytes()[0]));
    }
    let again = folder.path().join("again");
    rewrite(&target, &again).unwrap();
    assert_eq!(
        std::fs::read(&target).unwrap(),
        std::fs::read(&again).unwrap()
    );
}

#[test]
fn a_missing_file_type_is_guessed() {
    let folder = TempDir::new().unwrap();
    let tensors: Tensors = &[
        ("a", GgmlType::F32, &[1]),
        ("b", GgmlType::Q4_K, &[256]),
        ("c", GgmlType::Q4_K, &[256]),
    ];
    let source = make(&folder, "source", &[(LLAMA.0, LLAMA.1.into())], tensors);
    let target = folder.path().join("target");
    rewrite(&source, &target).unwrap();
    let gguf = Gguf::open(&target).unwrap();
    assert_eq!(gguf.metadata().u32("general.file_type").unwrap(), 15 + 1024);
}

#[test]
fn the_files_own_alignment_stays_readable() {
    let folder = TempDir::new().unwrap();
    let pairs = [
        (LLAMA.0, LLAMA.1.into()),
        ("general.alignment", 64u32.into()),
    ];
    let tensors: Tensors = &[("b", GgmlType::F32, &[1]), ("a", GgmlType::F32, &[1])];
    let source = make(&folder, "source", &pairs, tensors);
    let target = folder.path().join("target");
    rewrite(&source, &target).unwrap();
    let gguf = Gguf::open(&target).unwrap();
    assert_eq!((gguf.alignment(), names(&gguf)), (64, vec!["a", "b"]));
}

/// The keys of part `number` of two, of three tensors together.
fn part_keys(number: u16) -> Vec<(&'static str, Value)> {
    vec![
        (LLAMA.0, LLAMA.1.into()),
        ("split.no", number.into()),
        ("split.count", 2u16.into()),
        ("split.tensors.count", 3i32.into()),
    ]
}

#[test]
fn parts_become_what_the_whole_becomes() {
    let folder = TempDir::new().unwrap();
    let tensors: Tensors = &[
        ("b", GgmlType::F32, &[1]),
        ("c", GgmlType::F32, &[2]),
        ("a", GgmlType::F32, &[3]),
    ];
    let whole = make(&folder, "whole", &[(LLAMA.0, LLAMA.1.into())], tensors);
    let first = make(&folder, "first", &part_keys(0), &tensors[..1]);
    let second = make(&folder, "second", &part_keys(1), &tensors[1..]);
    let target = |name| folder.path().join(name);
    rewrite(&whole, &target("one")).unwrap();
    rewrite_parts(&[first.clone(), second.clone()], &target("two")).unwrap();
    assert_eq!(
        std::fs::read(target("one")).unwrap(),
        std::fs::read(target("two")).unwrap()
    );

    let text = |parts: &[&PathBuf]| {
        let parts: Vec<_> = parts.iter().map(|path| path.to_path_buf()).collect();
        let error = rewrite_parts(&parts, &target("three"))
            .unwrap_err()
            .to_string();
        assert!(!target("three").exists());
        error
    };
    assert!(text(&[&first]).contains("split.count of"));
    assert!(text(&[&second, &first]).contains("is 1, expected 0"));
    assert!(text(&[&first, &whole]).contains("is 3, expected 4"));
    let bare = make(&folder, "bare", &[(LLAMA.0, LLAMA.1.into())], &tensors[1..]);
    assert!(text(&[&first, &bare]).contains("missing key \"split.no\""));
}

#[test]
fn what_the_quantizer_would_not_load_is_refused_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("target");
    let refusal = |pairs: Pairs<'_>| {
        let source = make(&folder, "source", pairs, &[]);
        let error = rewrite(&source, &target).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("llama-quantize failed: exit status 1")
        );
        assert!(!target.exists());
        match error {
            Error::Refused(reason) => reason,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refusal(&[]), Refusal::NoArchitecture);
    assert_eq!(refusal(&[(LLAMA.0, 3u8.into())]), Refusal::NoArchitecture);
    let unknown = refusal(&[(LLAMA.0, "nosucharch".into())]);
    assert_eq!(
        unknown.to_string(),
        "unknown model architecture: \"nosucharch\""
    );
}

#[test]
fn a_source_or_target_that_cannot_be_used_is_named() {
    let folder = TempDir::new().unwrap();
    let source = make(&folder, "source", &[(LLAMA.0, LLAMA.1.into())], &[]);
    let before = std::fs::read(&source).unwrap();
    assert!(matches!(
        rewrite(&source, &source),
        Err(Error::OntoItself { .. })
    ));
    assert_eq!(std::fs::read(&source).unwrap(), before);
    let nowhere = folder.path().join("no/such/folder");
    let error = rewrite(&source, &nowhere).unwrap_err();
    assert!(error.to_string().contains("no/such/folder"), "{error}");
    assert_eq!(
        error.io().map(|io| io.kind()),
        Some(std::io::ErrorKind::NotFound)
    );
    let error = rewrite(Path::new("/no/such/source"), &nowhere).unwrap_err();
    assert!(error.io().is_some() && error.to_string().starts_with("/no/such/source"));
    std::fs::write(&source, "no model").unwrap();
    assert!(matches!(rewrite(&source, &nowhere), Err(Error::Gguf(_))));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_of_the_system() {
    let folder = TempDir::new().unwrap();
    let source = make(&folder, "source", &[(LLAMA.0, LLAMA.1.into())], &[]);
    // A link, so that removing the target does not touch the device.
    let target = folder.path().join("full");
    std::os::unix::fs::symlink("/dev/full", &target).unwrap();
    let error = rewrite(&source, &target).unwrap_err();
    let kind = error.io().map(|io| io.kind());
    assert_eq!(kind, Some(std::io::ErrorKind::StorageFull));
    assert!(!target.is_symlink());
}

#[test]
fn files_with_encoders_are_left_as_they_are() {
    let folder = TempDir::new().unwrap();
    let needs = |name: &str| {
        let source = make(&folder, "source", &[], &[(name, GgmlType::F32, &[1])]);
        needs_rewrite(&Gguf::open(source).unwrap())
    };
    for kept in [
        "a.conv1.weight",
        "mm.0.weight",
        "mtp.norm.weight",
        "s.position",
        "v.patch_embd",
    ] {
        assert!(!needs(kept), "{kept}");
    }
    assert!(needs("output.weight") && needs("blk.0.v.weight") && needs("attn"));
}

#[test]
fn the_tables_of_types_agree() {
    assert_eq!(GgmlType::ALL.len(), BlockType::ALL.len());
    for &ty in BlockType::ALL {
        let same = GgmlType::from_id(ty.id());
        assert_eq!(same.name(), Some(ty.name()));
        let block = same.block().unwrap();
        let sizes = (block.weights, block.bytes);
        assert_eq!(sizes, (ty.weights() as u64, ty.bytes() as u64), "{ty}");
    }
}
