//! Every recorded vocabulary and text, to the id and to the byte.
//!
//! The recordings are in `tokenizers/` of the folder that `OLLAMARS_SHARED` names (`../shared`
//! beside the repository if unset), the vocabularies in `OLLAMARS_TEST_MODELS`
//! (`~/.cache/ollamars-test-models`). What is missing is skipped. `OLLAMARS_VOCAB` runs one alone.

mod cases;
mod gen_text;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use cases::{Case, id_list, load, sha256};
use ollamars_tokenizer::{Special, Tokenizer, attr};
use serde_json::{Value, json};

fn folder(variable: &str, default: impl FnOnce() -> PathBuf) -> PathBuf {
    env::var_os(variable).map_or_else(default, PathBuf::from)
}

#[test]
fn recorded_vocabularies() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default());
    let models = folder("OLLAMARS_TEST_MODELS", || {
        home().join(".cache/ollamars-test-models")
    });
    let Ok(entries) = folder("OLLAMARS_SHARED", beside)
        .join("tokenizers")
        .read_dir()
    else {
        println!("skipped: no recordings");
        return;
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|ext| ext == "gz"));
    files.sort();
    let wanted = env::var("OLLAMARS_VOCAB").ok();
    let mut failures = 0;
    for file in files {
        let (head, cases) = load(&file);
        let name = head["vocab"].as_str().expect("a name");
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            failures += vocabulary(name, &models, &head, &cases);
        }
    }
    assert_eq!(failures, 0, "recorded cases failed");
}

/// Checks one vocabulary and gives the number of failures.
fn vocabulary(name: &str, models: &Path, head: &Value, cases: &[Case]) -> usize {
    let kind = head["type"].as_str().expect("a type");
    let file = models.join(head["model_file"].as_str().expect("a file"));
    if !file.is_file() {
        println!("{name}: skipped ({kind}, {})", file.display());
        return 0;
    }
    let start = std::time::Instant::now();
    let tokenizer = Tokenizer::open(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
    let loaded = start.elapsed();
    let facts = facts(&tokenizer);
    let mut failed = 0;
    for (key, value) in facts.as_object().expect("an object") {
        if head[key] != *value {
            println!("{name}: {key}: {value}, recorded {}", head[key]);
            failed += 1;
        }
    }
    let start = std::time::Instant::now();
    let (mut passed, mut information) = (0, 0);
    for case in cases {
        let wrong = differences(&tokenizer, case);
        if wrong.is_empty() {
            passed += 1;
        } else if case.group == "bytes" {
            information += 1;
        } else {
            failed += 1;
            let text = String::from_utf8_lossy(&case.text[..case.text.len().min(80)]);
            println!(
                "{name}: case {} ({}) {text:?}: {wrong:?}",
                case.index, case.group
            );
        }
    }
    println!(
        "{name}: {passed} passed, {failed} failed, {information} not UTF-8 and different \
         (load {loaded:.0?}, texts {:.0?})",
        start.elapsed()
    );
    failed
}

/// The first line of a recording, as the tokenizer has it.
fn facts(tokenizer: &Tokenizer) -> Value {
    let special = |s: Special| tokenizer.special_ids().get(s).map_or(-1, i64::from);
    let fim = [
        Special::FimPre,
        Special::FimSuf,
        Special::FimMid,
        Special::FimPad,
        Special::FimRep,
        Special::FimSep,
    ];
    let ids = 0..tokenizer.n_tokens();
    let attrs: Vec<u32> = ids
        .clone()
        .map(|id| tokenizer.attr(id).expect("in range"))
        .collect();
    let mut counts = BTreeMap::new();
    for attr in &attrs {
        *counts.entry(attr.to_string()).or_insert(0) += 1;
    }
    let having = |bit: u32| attrs.iter().filter(|&attr| attr & bit != 0).count();
    let pieces = |special: bool| {
        let mut bytes = Vec::new();
        for id in ids.clone() {
            let piece = tokenizer.piece(id, special).expect("in range");
            bytes.extend((piece.len() as u32).to_le_bytes());
            bytes.extend(piece);
        }
        sha256(&bytes)
    };
    let attr_bytes: Vec<u8> = attrs.iter().flat_map(|attr| attr.to_le_bytes()).collect();
    let empty = tokenizer.encode(b"", false, true);
    let (prefix, suffix) = empty.split_at(usize::from(tokenizer.add_bos()));
    json!({
        "type": tokenizer.kind().name(),
        "n_tokens": tokenizer.n_tokens(),
        "bos": special(Special::Bos),
        "eos": special(Special::Eos),
        "eot": special(Special::Eot),
        "sep": special(Special::Sep),
        "nl": special(Special::Nl),
        "pad": special(Special::Pad),
        "mask": special(Special::Mask),
        "fim_pre_suf_mid_pad_rep_sep": fim.map(special),
        "add_bos": tokenizer.add_bos(),
        "add_eos": tokenizer.add_eos(),
        "add_sep": tokenizer.add_sep(),
        "eog": tokenizer.eog(),
        "attr_counts": counts,
        "n_control": having(attr::CONTROL),
        "n_user_defined": having(attr::USER_DEFINED),
        "pieces_sha256": { "hide_special": pieces(false), "render_special": pieces(true) },
        "attrs_sha256": sha256(&attr_bytes),
        "special_prefix": prefix,
        "special_suffix": suffix,
    })
}

/// The fields of a case that come out differently.
fn differences(tokenizer: &Tokenizer, case: &Case) -> Vec<&'static str> {
    let encode = |special, add| tokenizer.encode(&case.text, special, add);
    let (ids, parsed) = (encode(false, false), encode(true, false));
    let added = encode(true, true);
    let detokenize = |ids: &[u32], special| tokenizer.detokenize(ids, special).expect("in range");
    let pieces = |special| tokenizer.pieces(&parsed, special).expect("in range");
    let removed = tokenizer.detokenize_added(&added, true).expect("in range");
    let checks = [
        ("ids", case.ids.is(&ids)),
        ("ids_parsed", case.ids_parsed.is(&parsed)),
        ("ids_added", case.ids_added.is(&encode(false, true))),
        ("ids_added_parsed", case.ids_added_parsed.is(&added)),
        ("detok", case.detok.is(&detokenize(&ids, true))),
        (
            "detok_parsed",
            case.detok_parsed.is(&detokenize(&parsed, true)),
        ),
        (
            "detok_parsed_hidden",
            case.detok_parsed_hidden.is(&detokenize(&parsed, false)),
        ),
        (
            "detok_added",
            case.detok_added.is(&detokenize(&added, true)),
        ),
        ("detok_added_removed", case.detok_added_removed.is(&removed)),
        ("pieces", case.pieces.is(&pieces(true))),
        ("pieces_hidden", case.pieces_hidden.is(&pieces(false))),
    ];
    checks
        .into_iter()
        .filter_map(|(name, right)| (!right).then_some(name))
        .collect()
}

/// The lists of a recording are read as lists of ids.
#[test]
fn id_lists() {
    assert_eq!(id_list(&json!([1, 2])), [1, 2]);
    assert!(id_list(&Value::Null).is_empty());
}
