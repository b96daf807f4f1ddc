//! Blocks and the exact values that llama.cpp b10488 expands them to. Skipped without `../shared`.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ollamars_quants::{BlockType, Error};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn shared() -> PathBuf {
    match std::env::var_os("OLLAMARS_SHARED") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    }
}

fn decode(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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

/// The input of a quantization case, made by the recordings' own generator.
fn input(case: &Value) -> Vec<f32> {
    let count = case["rows"].as_u64().unwrap() * case["cols"].as_u64().unwrap();
    let output = Command::new("python3")
        .arg(shared().join("tools/gen_floats.py"))
        .args([
            case["kind"].as_str().unwrap(),
            &case["seed"].to_string(),
            &count.to_string(),
        ])
        .args(["--type", case["input_type"].as_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(
        sha256(&output.stdout),
        case["input_sha256"].as_str().unwrap()
    );
    let ty = match case["input_type"].as_str().unwrap() {
        "f16" => BlockType::F16,
        _ => BlockType::F32,
    };
    let mut weights = vec![0.0; count as usize];
    ty.dequantize(&output.stdout, &mut weights).unwrap();
    weights
}

#[test]
fn recorded_inputs_quantize_to_the_recorded_bytes() {
    let python = Command::new("python3").arg("--version").output();
    let file = File::open(shared().join("golden/quant_types.json"));
    let (Ok(file), Ok(_)) = (file, python) else {
        eprintln!("skipped: no recordings");
        return;
    };
    let recorded: Value = serde_json::from_reader(BufReader::new(file)).unwrap();
    let mut checked = 0;
    for case in recorded["bytes"].as_array().unwrap() {
        let weights = input(case);
        for (name, wanted) in case["types"].as_object().unwrap() {
            let ty = BlockType::from_name(&name.to_uppercase()).unwrap();
            let mut blocks = vec![0; weights.len() / ty.weights() * ty.bytes()];
            match ty.quantize(&weights, &mut blocks) {
                Err(Error::NoQuantizer(_)) => continue,
                result => result.unwrap(),
            }
            let what = format!("{name} of {} {}", case["kind"], case["seed"]);
            assert_eq!(
                sha256(&blocks),
                wanted["sha256"].as_str().unwrap(),
                "{what}"
            );
            let mut back = vec![0.0; weights.len()];
            ty.dequantize(&blocks, &mut back).unwrap();
            let back: Vec<u8> = back
                .iter()
                .flat_map(|weight| weight.to_le_bytes())
                .collect();
            assert_eq!(
                sha256(&back),
                wanted["dequant_sha256"].as_str().unwrap(),
                "{what}"
            );
            checked += 1;
        }
    }
    assert!(checked >= 100, "only {checked}");
}
