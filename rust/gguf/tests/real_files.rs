//! Published files are read as a whole. Skipped where they are not there.

use std::path::{Path, PathBuf};

use ollamars_gguf::Gguf;

/// The folder of real models and vocabularies.
fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os("OLLAMARS_TEST_MODELS") {
        Some(folder) => folder.into(),
        None => Path::new(&std::env::var_os("HOME")?).join(".cache/ollamars-test-models"),
    };
    folder.is_dir().then_some(folder)
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
    let Some(folder) = folder() else {
        eprintln!("skipped: no test models");
        return;
    };
    let mut files = gguf_files(&folder);
    files.extend(gguf_files(&folder.join("vocab")));
    for path in files {
        let gguf = Gguf::open(&path).expect("a published file");
        let metadata = gguf.metadata();
        assert!(metadata.str("general.architecture").is_ok(), "{path:?}");
        let tokens = metadata.strings("tokenizer.ggml.tokens").expect("tokens");
        assert!(tokens.iter().all(|token| !token.is_empty()), "{path:?}");
        for tensor in gguf.tensors() {
            let data = gguf.tensor_data(tensor).expect("data of a known type");
            assert_eq!(Some(data.len() as u64), tensor.nbytes());
            assert_eq!(data.as_ptr().addr() % 32, 0);
        }
    }
}
