//! Small vocabularies that run everywhere: round trips, special tokens, and data that lies.

use std::sync::Arc;

use ollamars_gguf::{Gguf, TensorSpec, Value, Writer};
use ollamars_tokenizer::{Error, Kind, Special, Tokenizer, Vocab, attr};
use proptest::prelude::*;

/// GPT-2's alphabet, written out again so that the crate's own is checked.
fn alphabet() -> Vec<String> {
    let printable = |b: u32| matches!(b, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 0x100 - 1;
    let character = |b: u32| {
        let c = if printable(b) {
            b
        } else {
            next += 1;
            next
        };
        char::from_u32(c).expect("below U+0200").to_string()
    };
    (0..256).map(character).collect()
}

/// All bytes, some merges, a control and a user-defined token.
fn bpe(pre: &str) -> Vocab {
    let mut tokens = alphabet();
    let merges = [
        "h e",
        "l l",
        "he ll",
        "hell o",
        "Ġ w",
        "a a",
        "aa aa",
        "Ġ Ġ",
        "ĠĠ ĠĠ",
        "1 2",
    ];
    tokens.extend(merges.iter().map(|merge| merge.replace(' ', "")));
    let plain = tokens.len();
    tokens.extend(["<|endoftext|>", "<|user|>"].map(String::from));
    let mut types = vec![1; plain];
    types.extend([3, 4]);
    Vocab {
        model: "gpt2".into(),
        pre: pre.into(),
        tokens: tokens.iter().collect(),
        types,
        merges: merges.iter().collect(),
        special: vec![(Special::Bos, plain as i64), (Special::Eos, plain as i64)],
        ..Vocab::default()
    }
}

/// Bytes, and pieces of words with scores.
fn spm() -> Vocab {
    let pieces = [("<unk>", 2, 0.0), ("<s>", 3, 0.0), ("</s>", 3, 0.0)];
    let bytes = (0..256).map(|b| (format!("<0x{b:02X}>"), 6, 0.0));
    let words = [
        ("▁", -9.0),
        ("a", -8.0),
        ("b", -8.0),
        ("c", -8.0),
        ("ab", -1.0),
        ("bc", -2.0),
        ("▁a", -3.0),
        ("▁▁", -4.0),
        ("é", -5.0),
    ];
    let all: Vec<(String, i32, f32)> = pieces
        .map(|(text, kind, score)| (text.to_owned(), kind, score))
        .into_iter()
        .chain(bytes)
        .chain(words.map(|(text, score)| (text.to_owned(), 1, score)))
        .collect();
    Vocab {
        model: "llama".into(),
        tokens: all.iter().map(|row| &row.0).collect(),
        types: all.iter().map(|row| row.1).collect(),
        scores: all.iter().map(|row| row.2).collect(),
        ..Vocab::default()
    }
}

fn tokenizer(vocab: Vocab) -> Tokenizer {
    Tokenizer::new(vocab).expect("a good vocabulary")
}

fn texts(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<String> {
    let text = |&id| String::from_utf8_lossy(tokenizer.text(id).expect("in range")).into_owned();
    ids.iter().map(text).collect()
}

#[test]
fn merges_by_rank_then_from_the_left() {
    let tokenizer = tokenizer(bpe("gpt-2"));
    let tokens = |text: &str| texts(&tokenizer, &tokenizer.encode(text.as_bytes(), false, false));
    assert_eq!(tokens("hello world"), ["hello", "Ġw", "o", "r", "l", "d"]);
    assert_eq!(tokens("aaaaaaa"), ["aaaa", "aa", "a"]);
    assert_eq!(tokens("helhello"), ["he", "l", "hello"]);
    assert_eq!(tokenizer.kind(), Kind::Bpe);
}

#[test]
fn special_tokens_of_bpe() {
    let tokenizer = tokenizer(bpe("gpt-2"));
    let end = tokenizer.find(b"<|endoftext|>").expect("there");
    let user = tokenizer.find(b"<|user|>").expect("there");
    let encode = |special| tokenizer.encode(b"a<|user|>b<|endoftext|>", special, false);
    assert!(
        encode(false).contains(&user),
        "user-defined tokens are always found"
    );
    assert!(!encode(false).contains(&end));
    assert_eq!(encode(true).last(), Some(&end));
    assert_eq!(tokenizer.eog(), [end]);
    assert_eq!(tokenizer.special_ids().get(Special::Eot), Some(end));
    assert_eq!(
        tokenizer.special_ids().get(Special::Nl),
        tokenizer.find("Ċ".as_bytes())
    );
    assert_eq!(tokenizer.attr(user).expect("in range"), attr::USER_DEFINED);
    assert_eq!(
        tokenizer.piece(end, true).expect("in range"),
        b"<|endoftext|>"
    );
    assert_eq!(tokenizer.piece(end, false).expect("in range"), b"");
    assert_eq!(tokenizer.piece(user, false).expect("in range"), b"<|user|>");
}

#[test]
fn sentencepiece() {
    let tokenizer = tokenizer(spm());
    let encode = |text: &str, add| tokenizer.encode(text.as_bytes(), true, add);
    assert_eq!(texts(&tokenizer, &encode("abc", false)), ["▁", "ab", "c"]);
    assert_eq!(texts(&tokenizer, &encode(" a", false)), ["▁", "▁a"]);
    assert_eq!(texts(&tokenizer, &encode("", true)), ["<s>"]);
    assert_eq!(
        texts(&tokenizer, &encode("é<s>ü", true)),
        ["<s>", "▁", "é", "<s>", "▁", "<0xC3>", "<0xBC>"]
    );
    let ids = encode("a b", true);
    assert_eq!(
        tokenizer.detokenize(&ids, false).expect("in range"),
        b" a b"
    );
    assert_eq!(
        tokenizer.detokenize_added(&ids, false).expect("in range"),
        b" a b"
    );
    assert_eq!(
        tokenizer
            .detokenize(&encode("a b", false), true)
            .expect("in range"),
        b"a b"
    );
    assert_eq!(
        tokenizer
            .pieces(&encode("a b", false), true)
            .expect("in range"),
        b" a b"
    );
    assert!(tokenizer.add_bos() && !tokenizer.add_eos());
    assert_eq!(tokenizer.kind(), Kind::Spm);
}

#[test]
fn ids_outside_are_errors() {
    let tokenizer = tokenizer(bpe("gpt-2"));
    let id = tokenizer.n_tokens();
    let outside = |result: Result<(), Error>| matches!(result, Err(Error::NoSuchToken { id: bad, .. }) if bad == id);
    assert!(outside(tokenizer.piece(id, true).map(|_| ())));
    assert!(outside(tokenizer.attr(id).map(|_| ())));
    assert!(outside(tokenizer.text(id).map(|_| ())));
    assert!(outside(tokenizer.pieces(&[1, id], true).map(|_| ())));
    assert!(outside(tokenizer.detokenize(&[id], true).map(|_| ())));
    assert!(!tokenizer.is_eog(u32::MAX));
}

#[test]
fn lies_are_named() {
    let message = |vocab: Vocab| Tokenizer::new(vocab).err().expect("an error").to_string();
    let with = |change: fn(&mut Vocab)| {
        let mut vocab = spm();
        change(&mut vocab);
        message(vocab)
    };
    assert_eq!(
        with(|v| v.model = "bert2".into()),
        "tokenizer.ggml.model: unknown tokenizer 'bert2' (known: gpt2, gemma4, llama, bert, t5)"
    );
    assert_eq!(
        message(bpe("qwen99")),
        "tokenizer.ggml.pre: unknown pre-tokenizer type: 'qwen99'"
    );
    assert_eq!(
        with(|v| v.scores.truncate(5)),
        "tokenizer.ggml.scores: 5 elements for 268 tokens"
    );
    assert_eq!(
        with(|v| v.types.truncate(267)),
        "tokenizer.ggml.token_type: 267 elements for 268 tokens"
    );
    assert_eq!(
        with(|v| v.tokens.push(b"ab")),
        "tokenizer.ggml.scores: 268 elements for 269 tokens"
    );
    assert_eq!(
        with(|v| {
            v.tokens.push(b"ab");
            (v.scores, v.types) = (vec![], vec![]);
        }),
        "tokenizer.ggml.tokens: 'ab' has ids 263 and 268"
    );
    assert_eq!(
        with(|v| v.types[0] = 6),
        "tokenizer.ggml.tokens: byte token 0 is '<unk>', not of the form '<0x2A>'"
    );
    assert_eq!(
        with(|v| v.scores[7] = f32::NAN),
        "tokenizer.ggml.scores: the score of token 7 is not a number"
    );
    assert_eq!(
        message(Vocab {
            special: vec![],
            tokens: ["a"].iter().collect(),
            types: vec![],
            add_bos: Some(true),
            ..bpe("")
        }),
        "add_bos_token is true, but bos_token_id is not set"
    );
}

#[test]
fn odd_tokens_are_accepted() {
    let tokenizer = tokenizer(Vocab {
        model: "gpt2".into(),
        tokens: ["", "a\0b", "Ġ▁", "b"].iter().collect(),
        merges: ["", " ", "a", "a ", " a b", "a b c", "a b", "b b"]
            .iter()
            .collect(),
        special: vec![(Special::Bos, 99), (Special::Eos, -1), (Special::Pad, 3)],
        ..Vocab::default()
    });
    assert_eq!(tokenizer.text(0).expect("in range"), b"[EMPTY_0]");
    assert_eq!(tokenizer.text(1).expect("in range"), b"a");
    assert_eq!(tokenizer.special_ids().get(Special::Bos), None);
    assert_eq!(tokenizer.special_ids().get(Special::Pad), Some(3));
    // "ab" is merged but is no token: its bytes are.
    assert_eq!(tokenizer.encode(b"abz", true, true), [1, 3]);
    assert!(
        tokenizer
            .pieces(&[2], true)
            .expect("in range")
            .starts_with(b" [UNK_BYTE_0x")
    );
}

#[test]
fn llama3_files_are_repaired() {
    let mut tokens: Vec<String> = (0..128_256).map(|id| format!("t{id}")).collect();
    tokens[128_001] = "<|end_of_text|>".into();
    tokens[128_006] = "<|start_header_id|>".into();
    tokens[128_009] = "<|eot_id|>".into();
    let metadata = [
        ("general.architecture".to_owned(), Value::from("llama")),
        ("tokenizer.ggml.model".to_owned(), Value::from("gpt2")),
        (
            "tokenizer.ggml.tokens".to_owned(),
            Value::Array(ollamars_gguf::Array::String(tokens.iter().collect())),
        ),
        (
            "tokenizer.ggml.merges".to_owned(),
            Value::Array(ollamars_gguf::Array::String(["t 1"].iter().collect())),
        ),
        (
            "tokenizer.ggml.bos_token_id".to_owned(),
            Value::U32(128_000),
        ),
        (
            "tokenizer.ggml.eos_token_id".to_owned(),
            Value::U32(128_001),
        ),
    ];
    let none: [TensorSpec; 0] = [];
    let writer = Writer::new(Vec::new(), &metadata, &none).expect("small");
    let gguf = Gguf::from_bytes(writer.finish().expect("in memory")).expect("well-formed");
    let vocab = Vocab::from_gguf(&gguf).expect("complete");
    assert_eq!(vocab.pre, "llama-bpe");
    let tokenizer = tokenizer(vocab);
    assert_eq!(tokenizer.special_ids().get(Special::Eos), Some(128_009));
    assert_eq!(tokenizer.special_ids().get(Special::Eot), Some(128_009));
    assert_eq!(tokenizer.eog(), [128_001, 128_009]);
    assert!(tokenizer.add_bos(), "the pre-tokenizer's default");
}

#[test]
fn long_runs_take_linear_time() {
    let shared = Arc::new(tokenizer(bpe("llama-bpe")));
    let spm = tokenizer(spm());
    for unit in [
        "a", " ", "\n", "1", "'", "<|user|", " \n", "\u{301}", "中", "<s>",
    ] {
        let text = unit.repeat((1 << 20) / unit.len());
        let ids = shared.encode(text.as_bytes(), true, true);
        assert_eq!(
            shared.pieces(&ids[1..], true).expect("in range"),
            text.as_bytes()
        );
        assert!(!spm.encode(text.as_bytes(), true, true).is_empty());
    }
}

#[test]
fn threads_share_it() {
    let shared = Arc::new(tokenizer(bpe("qwen2")));
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.encode(format!("hello {n}").as_bytes(), true, false))
        })
        .collect();
    let all: Vec<Vec<u32>> = threads
        .into_iter()
        .map(|t| t.join().expect("no panic"))
        .collect();
    assert!(all.iter().all(|ids| ids[0] == all[0][0]));
}

/// Every name that the vocabulary of bytes can be used with.
const PRES: &[&str] = &[
    "",
    "default",
    "gpt-2",
    "smollm",
    "llama-bpe",
    "qwen2",
    "qwen35",
    "tekken",
    "gpt-4o",
    "falcon",
    "deepseek-llm",
    "deepseek-coder",
    "deepseek-v3",
    "bloom",
    "viking",
    "superbpe",
    "jais-2",
    "tiny_aya",
    "seed-coder",
    "glm4",
    "minicpm5",
];

/// Vocabularies of nonsense over a few texts that mean something.
fn nonsense() -> impl Strategy<Value = Vocab> {
    let text = prop_oneof![
        prop::sample::select(vec![
            "",
            "a",
            "b",
            "ab",
            "▁",
            "Ġ",
            "Ġa",
            "<0x0A>",
            "<s>",
            "</s>",
            "<|im_end|>",
            "a b",
            "<|end|>",
            "<|call|>",
            "<|return|>",
            "<|tool_response>",
            "unused",
            "é",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..5),
    ];
    let texts = || prop::collection::vec(text.clone(), 0..12);
    let ids = prop::collection::vec(
        (prop::sample::select(Special::ALL.to_vec()), -2i64..14),
        0..6,
    );
    (
        prop::sample::select(vec!["gpt2", "llama", "gemma4", "bert", "t5"]),
        prop::sample::select(PRES.to_vec()),
        prop::sample::select(vec!["", "phi-3", "modern-bert"]),
        (texts(), texts()),
        prop::collection::vec(-1i32..8, 0..14),
        prop::collection::vec(any::<f32>(), 0..14),
        (ids, any::<[Option<bool>; 8]>(), charsmaps()),
    )
        .prop_map(
            |(model, pre, name, (tokens, merges), types, scores, (special, flags, charsmap))| {
                Vocab {
                    model: model.into(),
                    pre: pre.into(),
                    name: name.into(),
                    architecture: "nomic-bert-moe".into(),
                    tokens: tokens.iter().collect(),
                    merges: merges.iter().collect(),
                    types,
                    scores,
                    special,
                    add_bos: flags[0],
                    add_eos: flags[1],
                    add_sep: flags[2],
                    add_space_prefix: flags[3],
                    lowercase: flags[4],
                    merge_spaces: flags[5],
                    escape_spaces: flags[6],
                    space_suffix: flags[7],
                    charsmap,
                }
            },
        )
}

/// Maps of characters whose sizes mostly fit, over nonsense.
fn charsmaps() -> impl Strategy<Value = Vec<u8>> {
    let units = prop::collection::vec(any::<u32>(), 0..300);
    let texts = prop::collection::vec(any::<u8>(), 0..20);
    (units, texts, 0_u32..2).prop_map(|(units, texts, wrong)| {
        let mut bytes = (units.len() as u32 * 4 + wrong).to_le_bytes().to_vec();
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend(texts);
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn bpe_restores_text(
        pre in prop::sample::select(PRES.to_vec()),
        text in "(?s)(.|[ \\n'a-hlo1-3]|<\\|user\\|>|中|ि){0,60}",
    ) {
        let tokenizer = tokenizer(bpe(pre));
        let ids = tokenizer.encode(text.as_bytes(), true, false);
        prop_assert_eq!(tokenizer.pieces(&ids, true).expect("in range"), text.as_bytes());
    }

    #[test]
    fn spm_restores_text(text in "(?s)(.|[ abcé]|<s>){0,60}") {
        let tokenizer = tokenizer(spm());
        let ids = tokenizer.encode(text.as_bytes(), false, false);
        let wanted = text.replace('▁', " ");
        prop_assert_eq!(tokenizer.detokenize(&ids, true).expect("in range"), wanted.as_bytes());
    }

    #[test]
    fn bytes_never_panic(bytes: Vec<u8>, special: bool, add: bool) {
        let lossy = String::from_utf8_lossy(&bytes);
        for tokenizer in [tokenizer(bpe("llama-bpe")), tokenizer(spm())] {
            let ids = tokenizer.encode(&bytes, special, add);
            prop_assert_eq!(&ids, &tokenizer.encode(lossy.as_bytes(), special, add));
            prop_assert!(ids.iter().all(|&id| id < tokenizer.n_tokens()));
        }
    }

    #[test]
    fn nonsense_never_panics(vocab in nonsense(), text in "(?s)(.|[ab \\n▁]|<s>|<\\|end\\|>){0,30}") {
        let Ok(tokenizer) = Tokenizer::new(vocab) else {
            return Ok(());
        };
        for (special, add) in [(false, false), (true, true)] {
            let ids = tokenizer.encode(text.as_bytes(), special, add);
            prop_assert!(ids.iter().all(|&id| id < tokenizer.n_tokens()));
            prop_assert!(tokenizer.detokenize(&ids, special).is_ok());
            prop_assert!(tokenizer.detokenize_added(&ids, special).is_ok());
        }
        let known = |id: Option<u32>| id.is_none_or(|id| id < tokenizer.n_tokens());
        prop_assert!(tokenizer.special_ids().named().all(|(_, id)| known(id)));
    }
}
