//! Blocks and the exact values that llama.cpp b10488 expands them to. Skipped without `../shared`.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ollamars_quants::BlockType;
use serde_json::Value;

fn shared() -> PathBuf {
    match std::env::var_os("OLLAMARS_SHARED") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    }
}

fn decode(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn check(row: &Value) {
    let name = row["type"].as_str().unwrap();
    let ty = BlockType::from_name(name).unwrap_or_else(|| panic!("no type {name}"));
    assert_eq!(u64::from(ty.id()), row["ggml_type"].as_u64().unwrap());
    let blocks = row["blocks"].as_array().unwrap().iter();
    let expected = row["f32"].as_array().unwrap().iter();
    let notes = row["note"].as_array().unwrap().iter();
    for ((block, expected), note) in blocks.zip(expected).zip(notes) {
        let block = decode(block);
        let expected = decode(expected);
        let mut weights = vec![0.0; block.len() / ty.bytes() * ty.weights()];
        ty.dequantize(&block, &mut weights).unwrap();
        assert_eq!(weights.len() * 4, expected.len(), "{name}");
        for (i, (&got, &bytes)) in weights.iter().zip(expected.as_chunks::<4>().0).enumerate() {
            let wanted = f32::from_le_bytes(bytes);
            let same = got.to_bits() == wanted.to_bits() || got.is_nan() && wanted.is_nan();
            assert!(
                same,
                "{name}, {note}, weight {i}: {got:e} is not {wanted:e}"
            );
        }
    }
}

#[test]
fn every_recorded_block_expands_to_the_bit() {
    let Ok(file) = File::open(shared().join("zoo/dequant.jsonl.gz")) else {
        eprintln!("skipped: no recordings");
        return;
    };
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    let mut types = 0;
    for line in lines {
        check(&serde_json::from_str(&line.unwrap()).unwrap());
        types += 1;
    }
    assert_eq!(types, 27);
}
