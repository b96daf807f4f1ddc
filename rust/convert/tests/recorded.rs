//! Files that Ollama's create wrote, by their digests. Skipped without `../shared` or Python, which
//! makes the uploads from their recipes.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use ollamars_convert::{needs_rewrite, rewrite, rewrite_parts};
use ollamars_gguf::Gguf;
use serde_json::Value;
use sha2::{Digest, Sha256};

fn shared() -> PathBuf {
    match std::env::var_os("OLLAMARS_SHARED") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    }
}

/// Makes the uploads of all cases in `folder`; `false`: there are no recordings or no Python.
fn make_uploads(recordings: &Path, folder: &Path) -> bool {
    let tool = shared().join("tools/make_tiny_gguf.py");
    let made = Command::new("python3")
        .args([tool.as_os_str(), "--from-jsonl".as_ref()])
        .args([recordings, folder])
        .status();
    recordings.exists() && made.is_ok_and(|status| status.success())
}

fn sha256(path: &Path) -> String {
    let digest = Sha256::digest(std::fs::read(path).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn blob(folder: &Path, digest: &Value) -> PathBuf {
    folder.join(digest.as_str().unwrap().replace(':', "-"))
}

/// Digests of what the case's uploads become, each alone, or together if they are parts.
fn rewritten(case: &Value, folder: &Path) -> BTreeSet<String> {
    let files = case["files"].as_object().unwrap().values();
    let uploads: Vec<_> = files.map(|file| blob(folder, &file["digest"])).collect();
    let target = folder.join("rewritten");
    let mut digests = BTreeSet::new();
    if rewrite_parts(&uploads, &target).is_ok() {
        digests.insert(sha256(&target));
    }
    for upload in uploads {
        let plain = Gguf::open(&upload).is_ok_and(|gguf| needs_rewrite(&gguf));
        if plain && rewrite(&upload, &target).is_ok() {
            digests.insert(sha256(&target));
        }
    }
    digests
}

/// Digests of the blobs that the quantizer copied: its two keys stand last.
fn copied_blobs(case: &Value) -> BTreeSet<String> {
    let blobs = case["tree"]["blobs"].as_array().into_iter().flatten();
    let copied = blobs.filter(|blob| {
        let keys = blob["gguf"]["kv"].as_array();
        let last = keys.and_then(|keys| keys.last());
        last.is_some_and(|pair| pair[0] == "general.file_type")
    });
    copied
        .map(|blob| blob["name"].as_str().unwrap().replace("sha256-", ""))
        .collect()
}

/// Whether the case is not for us: it asks for another type than the upload has, or Ollama writes a
/// file that nobody can read (its fault with an alignment other than 32).
fn skipped(case: &Value) -> bool {
    let steps = case["steps"].as_array().unwrap().iter();
    let asks = steps.filter(|step| step["request"]["body"]["quantize"].is_string());
    let quantizes = asks.count() > 0 && case["id"] != "quantize-same-type";
    quantizes || case["id"] == "gguf-alignment-64"
}

/// Whether the one file of the case fails when it is loaded to be rewritten.
fn refused(case: &Value) -> Option<String> {
    let lines = case["steps"][0]["response"]["lines"].as_array()?;
    let last: Value = serde_json::from_str(lines.last()?.as_str()?).ok()?;
    Some(last["error"].as_str()?.to_owned())
}

fn check_refusal(case: &Value, folder: &Path, text: &str) {
    let upload = blob(folder, &case["files"]["m"]["digest"]);
    let error = rewrite(&upload, &folder.join("rewritten"))
        .unwrap_err()
        .to_string();
    let id = &case["id"];
    match id.as_str().unwrap() {
        "gguf-unknown-arch" | "gguf-no-arch" | "gguf-truncated-data" | "not-gguf-text" => {
            assert_eq!(error, text, "{id}");
        }
        "gguf-truncated-header" => assert!(error.starts_with(text), "{id}: {error}"),
        _ => {}
    }
}

#[test]
fn uploads_become_the_recorded_blobs() {
    let recordings = shared().join("golden/store.jsonl.gz");
    let folder = tempfile::tempdir().unwrap();
    if !make_uploads(&recordings, folder.path()) {
        eprintln!("skipped: no recordings");
        return;
    }
    let file = flate2::read::GzDecoder::new(File::open(&recordings).unwrap());
    let mut checked = 0;
    for line in BufReader::new(file).lines() {
        let case: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let blobs = copied_blobs(&case);
        if !blobs.is_empty() && !skipped(&case) {
            let digests = rewritten(&case, folder.path());
            assert!(
                blobs.is_subset(&digests),
                "{}: {blobs:?} {digests:?}",
                case["id"]
            );
            checked += 1;
        }
        let damaged = [
            "gguf-unknown-arch",
            "gguf-no-arch",
            "gguf-truncated",
            "not-gguf-text",
        ];
        let id = case["id"].as_str().unwrap();
        if let Some(text) = refused(&case).filter(|_| damaged.iter().any(|d| id.starts_with(d))) {
            check_refusal(&case, folder.path(), &text);
        }
    }
    assert!(checked >= 71, "only {checked} cases");
}
