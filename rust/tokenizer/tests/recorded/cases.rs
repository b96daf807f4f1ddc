//! The recorded cases, what they leave out filled in.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::gen_text;

/// Lower-case hex digits of a SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// Bytes, or the hash of long ones.
#[derive(Clone, Debug)]
pub enum Text {
    Bytes(Vec<u8>),
    Hash(String),
}

impl Text {
    pub fn is(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Bytes(wanted) => wanted == bytes,
            Self::Hash(hash) => *hash == sha256(bytes),
        }
    }
}

/// Ids with what is around them; the middle may be a hash over `i32` little-endian.
#[derive(Clone, Debug)]
pub struct Ids {
    before: Vec<u32>,
    middle: Middle,
    after: Vec<u32>,
}

#[derive(Clone, Debug)]
enum Middle {
    Ids(Vec<u32>),
    Hash(String),
}

impl Ids {
    pub fn is(&self, ids: &[u32]) -> bool {
        let rest = ids.strip_prefix(self.before.as_slice());
        let middle = rest.and_then(|rest| rest.strip_suffix(self.after.as_slice()));
        middle.is_some_and(|middle| match &self.middle {
            Middle::Ids(wanted) => wanted == middle,
            Middle::Hash(hash) => {
                let bytes: Vec<u8> = middle.iter().flat_map(|id| id.to_le_bytes()).collect();
                *hash == sha256(&bytes)
            }
        })
    }
}

/// One text and everything that is known of it.
pub struct Case {
    pub index: u64,
    pub group: String,
    pub text: Vec<u8>,
    pub ids: Ids,
    pub ids_parsed: Ids,
    pub ids_added: Ids,
    pub ids_added_parsed: Ids,
    pub detok: Text,
    pub detok_parsed: Text,
    pub detok_parsed_hidden: Text,
    pub detok_added: Text,
    pub detok_added_removed: Text,
    pub pieces: Text,
    pub pieces_hidden: Text,
}

/// First line and cases of a file.
pub fn load(path: &Path) -> (Value, Vec<Case>) {
    let mut text = String::new();
    let file = File::open(path).expect("readable");
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("gzip");
    let mut lines = text.split('\n').filter(|line| !line.is_empty());
    let mut parse = || {
        lines
            .next()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
    };
    let head = parse().expect("a first line");
    let cases = std::iter::from_fn(parse)
        .map(|line| case(&head, &line))
        .collect();
    (head, cases)
}

/// A list of ids.
pub fn id_list(value: &Value) -> Vec<u32> {
    let ids = value.as_array().into_iter().flatten();
    ids.map(|id| id.as_u64().expect("an id") as u32).collect()
}

fn case(head: &Value, line: &Value) -> Case {
    let text = input(line);
    let given = |key: &str, default: &Text| bytes(line, key).unwrap_or_else(|| default.clone());
    let listed = |key: &str, default: &Ids| match &line[key] {
        Value::Null => default.clone(),
        value => ids(value),
    };
    let added = |inner: &Ids| Ids {
        before: id_list(&head["special_prefix"]),
        middle: inner.middle.clone(),
        after: id_list(&head["special_suffix"]),
    };
    let plain = ids(&line["ids"]);
    let parsed = listed("ids_parsed", &plain);
    let same = Text::Bytes(text.clone());
    let detok_parsed = given("detok_parsed", &same);
    let hidden = given("detok_parsed_hidden", &detok_parsed);
    Case {
        index: line["i"].as_u64().expect("an index"),
        group: line["group"].as_str().expect("a group").to_owned(),
        ids_added: listed("ids_added", &added(&plain)),
        ids_added_parsed: listed("ids_added_parsed", &added(&parsed)),
        ids: plain,
        ids_parsed: parsed,
        detok: given("detok", &same),
        detok_added: given("detok_added", &detok_parsed),
        detok_added_removed: given("detok_added_removed", &detok_parsed),
        pieces: given("pieces", &detok_parsed),
        pieces_hidden: given("pieces_hidden", &hidden),
        detok_parsed,
        detok_parsed_hidden: hidden,
        text,
    }
}

fn input(line: &Value) -> Vec<u8> {
    let generated = &line["gen"];
    if generated.is_null() {
        match bytes(line, "text") {
            Some(Text::Bytes(text)) => return text,
            _ => panic!("no text in {line}"),
        }
    }
    let number = |key: &str| generated[key].as_u64().expect("a number");
    let kind = generated["kind"].as_str().expect("a kind");
    let text = gen_text::text(kind, number("seed"), number("bytes") as usize).into_bytes();
    assert_eq!(line["text_sha256"], sha256(&text), "the generator differs");
    text
}

fn bytes(line: &Value, key: &str) -> Option<Text> {
    let field = |suffix: &str| line[format!("{key}{suffix}")].as_str();
    if let Some(text) = field("") {
        return Some(Text::Bytes(text.as_bytes().to_vec()));
    }
    if let Some(text) = field("_b64") {
        return Some(Text::Bytes(STANDARD.decode(text).expect("base64")));
    }
    field("_sha256").map(|hash| Text::Hash(hash.to_owned()))
}

fn ids(value: &Value) -> Ids {
    let middle = match value["sha256"].as_str() {
        Some(hash) => Middle::Hash(hash.to_owned()),
        None => Middle::Ids(id_list(value)),
    };
    Ids {
        before: Vec::new(),
        middle,
        after: Vec::new(),
    }
}
