//! The fuzz target's corpus, and many thousand mutations of it, in ordinary test runs; memory is
//! counted meanwhile.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use ollamars_gguf::Gguf;
use support::exercise::exercise;
use support::samples;

/// The system's allocator, counting.
struct Counting;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// No single allocation may be larger than this many times the file and a little more.
const FACTOR: usize = 32;
const SLACK: usize = 1 << 17;

fn corpus_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/read")
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let broken = samples::broken().into_iter();
    let mut all = samples::sound();
    all.extend(broken.map(|(name, bytes, _)| (name, bytes)));
    all
}

/// Xorshift: the same mutations in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Changes one to four places: a byte, a word of extreme value, a cut, or a doubled stretch.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const WORDS: [u64; 6] = [0, 1, u64::MAX, 1 << 32, 1 << 63, i64::MAX as u64];
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len().max(1));
        match random.below(8) {
            0 => bytes.truncate(at),
            1 => {
                let end = bytes.len().min(at + 1 + random.below(40));
                let stretch = bytes[at.min(end)..end].to_vec();
                bytes.splice(at.min(end)..at.min(end), stretch);
            }
            2..=4 => {
                let word = WORDS[random.below(WORDS.len())].to_le_bytes();
                bytes
                    .iter_mut()
                    .skip(at)
                    .zip(word)
                    .for_each(|(byte, new)| *byte = new);
            }
            _ => {
                let new = random.below(256) as u8;
                bytes
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte = new);
            }
        }
    }
}

#[test]
#[ignore = "writes the corpus anew; run it after a change of the samples"]
fn write_corpus() {
    for (name, bytes) in samples() {
        std::fs::write(corpus_folder().join(name), bytes).unwrap();
    }
}

#[test]
fn the_corpus_and_its_mutations_give_values_or_errors() {
    for (name, bytes) in samples() {
        let stored = std::fs::read(corpus_folder().join(name)).unwrap_or_default();
        assert_eq!(stored, bytes, "{name}: run the ignored test `write_corpus`");
    }
    let entries = std::fs::read_dir(corpus_folder()).unwrap();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for entry in entries {
        let original = std::fs::read(entry.unwrap().path()).unwrap();
        let _ = exercise(&original);
        for _ in 0..4000 {
            let mut bytes = original.clone();
            mutate(&mut bytes, &mut random);
            LARGEST.store(0, Ordering::Relaxed);
            drop(Gguf::from_bytes(&bytes[..]));
            let largest = LARGEST.load(Ordering::Relaxed);
            assert!(
                largest <= FACTOR * bytes.len() + SLACK,
                "{largest} for {bytes:?}"
            );
            let _ = exercise(&bytes);
        }
    }
}
