//! Published files, and those of the zoo, are read as a whole. Skipped where they are not there.

use std::path::{Path, PathBuf};

use ollamars_gguf::Gguf;

/// The folders of published files and of the architecture zoo, as far as they are there.
fn folders() -> Vec<PathBuf> {
    let cache = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let folder = |variable, name| match std::env::var_os(variable) {
        Some(folder) => Some(PathBuf::from(folder)),
        None => cache.as_ref().map(|cache| cache.join(name)),
    };
    let models = folder("OLLAMARS_TEST_MODELS", "ollamars-test-models");
    let vocabularies = models.as_ref().map(|models| models.join("vocab"));
    let zoo = folder("OLLAMARS_ZOO", "zoo");
    [models, vocabularies, zoo].into_iter().flatten().collect()
}

fn gguf_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == "gguf"))
        .collect()
}

#[test]
fn every_published_file_is_read() {
    let files: Vec<_> = folders()
        .iter()
        .flat_map(|folder| gguf_files(folder))
        .collect();
    if files.is_empty() {
        eprintln!("skipped: no models");
    }
    for path in files {
        let gguf = Gguf::open(&path).expect("a published file");
        let metadata = gguf.metadata();
        assert!(metadata.str("general.architecture").is_ok(), "{path:?}");
        assert!(
            metadata.strings("tokenizer.ggml.tokens").is_ok(),
            "{path:?}"
        );
        for tensor in gguf.tensors() {
            let data = gguf.tensor_data(tensor).expect("data of a known type");
            assert_eq!(Some(data.len() as u64), tensor.nbytes());
            assert_eq!(data.as_ptr().addr() % 32, 0);
        }
    }
}
