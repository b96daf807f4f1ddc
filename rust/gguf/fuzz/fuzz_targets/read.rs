//! Reads any bytes as a GGUF file: `cargo +nightly fuzz run read` in the crate's folder.

#![no_main]

#[path = "../../tests/support/exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = exercise::exercise(bytes);
});
