//! What each kind of format allows.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Kit, bpe, spm};
use ollamars_grammar::{Constraint, Error, Format, Start};
use serde_json::Value;

#[test]
fn json_is_an_object_and_nothing_comes_behind_it() {
    for kit in [Kit::new(bpe()), Kit::new(spm())] {
        let grammar = kit.compile("json", "");
        let mut ended = 0;
        for seed in 0..100 {
            if let Some(text) = kit.walk(&grammar, seed) {
                ended += 1;
                assert!(
                    serde_json::from_str::<Value>(&text).unwrap().is_object(),
                    "{text}"
                );
                assert_eq!(text, text.trim(), "{text:?}");
            }
        }
        assert!(ended > 50, "{ended}");
        assert!(!kit.accepts(&grammar, "[]") && !kit.accepts(&grammar, " {}"));
    }
}

#[test]
fn at_the_end_only_the_end_is_left() {
    let kit = Kit::new(bpe());
    let mut constraint = Constraint::new(&kit.compile("json", ""));
    for text in ["{\"", "name", "\":", "true"] {
        constraint.accept(kit.token(text)).unwrap();
    }
    assert!(!constraint.is_complete() && !kit.may_end(constraint.mask().unwrap()));
    constraint.accept(kit.token("}")).unwrap();
    assert!(constraint.is_complete());
    let left: Vec<u32> = constraint.mask().unwrap().allowed().collect();
    assert_eq!(left, kit.tokenizer.eog());
}

#[test]
fn special_tokens_are_no_text() {
    let kit = Kit::new(bpe());
    let mut constraint = Constraint::new(&kit.compile("json", ""));
    constraint.accept(kit.token("{\"")).unwrap();
    let mask = constraint.mask().unwrap();
    for special in common::SPECIALS {
        assert!(!mask.allows(kit.token(special)), "{special}");
    }
    assert!(mask.allows(kit.token("<")) && mask.allows(kit.token("think")));
    // A byte that no character has.
    assert!(!mask.allows(kit.token("ÿ")));
}

#[test]
fn what_was_not_allowed_is_not_accepted() {
    let kit = Kit::new(bpe());
    let mut constraint = Constraint::new(&kit.compile("regex", "ab"));
    assert!(matches!(
        constraint.accept(kit.token("b")),
        Err(Error::Step(_))
    ));
    assert!(constraint.mask().is_err());
}

#[test]
fn pieces_of_sentencepiece_with_their_spaces() {
    let kit = Kit::new(spm());
    let grammar = kit.compile("schema", r#"{"const": {"a": "ä 1"}}"#);
    let mut constraint = Constraint::new(&grammar);
    assert!(!constraint.mask().unwrap().allows(kit.token("▁{")));
    // The character comes as a whole or in bytes.
    for text in [
        "{", "\"", "a", "\":", "▁\"", "<0xC3>", "<0xA4>", "▁1", "\"", "}",
    ] {
        assert!(constraint.mask().unwrap().allows(kit.token(text)), "{text}");
        constraint.accept(kit.token(text)).unwrap();
    }
    assert!(constraint.is_complete());
}

#[test]
fn regular_expressions() {
    let kit = Kit::new(bpe());
    let grammar = kit.compile("regex", r"(ja|nein)(, (ja|nein)){0,2}\.");
    for (text, fits) in [
        ("ja.", true),
        ("nein, ja.", true),
        ("ja", false),
        ("ja, ja, ja, ja.", false),
    ] {
        assert_eq!(kit.accepts(&grammar, text), fits, "{text}");
    }
    assert!(kit.refused("regex", "(a").starts_with("regex: "));
    assert!(kit.refused("regex", "a(?=b)").starts_with("regex: "));
}

#[test]
fn lark() {
    let kit = Kit::new(bpe());
    let grammar = kit.compile(
        "lark",
        "start: item (\",\" item)*\nitem: /[a-z]+/ | \"(\" start \")\"\n",
    );
    for (text, fits) in [
        ("a", true),
        ("a,(b,(c))", true),
        ("a,", false),
        ("(a", false),
    ] {
        assert_eq!(kit.accepts(&grammar, text), fits, "{text}");
    }
    let error = kit.refused("lark", "start: item\n");
    assert!(
        error.starts_with("lark: ") && error.contains("item"),
        "{error}"
    );
    assert!(kit.refused("lark", "start: <|aux|>").starts_with("lark: "));
}

#[test]
fn gbnf_of_json() {
    let kit = Kit::new(bpe());
    let grammar = kit.compile(
        "gbnf",
        r##"
# as llama.cpp writes JSON
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws
array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws
string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
"##,
    );
    for (text, fits) in [
        (r#"{"a": [1, -2.5e3, "x\"y\u00e4", {}], "b":true}"#, true),
        ("{\n  \"ä\": null\n}", true),
        ("{\"a\": 1", false),
        ("{\"a\": 01}", false),
        ("{\"a\" 1}", false),
    ] {
        assert_eq!(kit.accepts(&grammar, text), fits, "{text}");
    }
    let texts: Vec<String> = (0..60)
        .filter_map(|seed| kit.walk(&grammar, seed))
        .collect();
    assert!(texts.len() > 20);
    for text in texts {
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    }
}

#[test]
fn gbnf_where_the_longest_match_would_mislead() {
    let kit = Kit::new(bpe());
    let recursive = kit.compile(
        "gbnf",
        "root ::= [a-z]* \"x\" | \"(\" root \")\" | \"ab\" \"?\"",
    );
    for (text, fits) in [
        ("x", true),
        ("abx", true),
        ("((xx))", true),
        ("ab?", true),
        ("ab", false),
    ] {
        assert_eq!(kit.accepts(&recursive, text), fits, "{text}");
    }
    let left = kit.compile("gbnf", "root ::= root \"+\" n | n\nn ::= [0-9]{1,3}");
    for (text, fits) in [("1+22+333", true), ("1+", false), ("4444", false)] {
        assert_eq!(kit.accepts(&left, text), fits, "{text}");
    }
    assert_eq!(
        kit.refused("gbnf", "root ::= root"),
        "format: no token of the vocabulary fits the grammar here"
    );
}

fn marks(opening: &str) -> Start {
    Start::AfterThinking {
        opening: opening.to_owned(),
        closing: "</think>".to_owned(),
    }
}

#[test]
fn behind_thinking() {
    let kit = Kit::new(bpe());
    let grammar = kit.compile_after("regex", "[0-9]", marks("<think>"));
    let says = |constraint: &mut Constraint, token: &str| {
        assert!(
            constraint.mask().unwrap().allows(kit.token(token)),
            "{token}"
        );
        constraint.accept(kit.token(token)).unwrap();
    };
    // It may begin to think, or answer at once.
    let mut constraint = Constraint::new(&grammar);
    let mask = constraint.mask().unwrap();
    for (token, allowed) in [
        ("<think>", true),
        ("<", true),
        ("7", true),
        ("a", false),
        ("<s>", false),
    ] {
        assert_eq!(mask.allows(kit.token(token)), allowed, "{token}");
    }
    says(&mut constraint, "7");
    assert!(constraint.is_complete());
    // Thinking is free, but must end; a space may follow.
    let mut constraint = Constraint::new(&grammar);
    for token in ["<think>", "a", "{\"", "<|aux|>", "</think>", "Ċ", "ĠĠ"] {
        says(&mut constraint, token);
        let mask = constraint.mask().unwrap();
        assert!(!kit.may_end(mask));
    }
    assert!(
        !constraint.mask().unwrap().allows(kit.token("Ġ")),
        "enough white space"
    );
    says(&mut constraint, "7");
    assert!(constraint.is_complete());
}

#[test]
fn the_closing_mark_in_pieces() {
    let kit = Kit::new(bpe());
    let grammar = kit.compile_after("json", "", marks(""));
    let mut constraint = Constraint::new(&grammar);
    for token in ["a", "</", "think"] {
        assert!(
            constraint.mask().unwrap().allows(kit.token(token)),
            "{token}"
        );
        constraint.accept(kit.token(token)).unwrap();
    }
    let mask = constraint.mask().unwrap();
    assert!(mask.allows(kit.token(">ĊĊ")) && !mask.allows(kit.token(">{")));
    constraint.accept(kit.token(">ĊĊ")).unwrap();
    let mask = constraint.mask().unwrap();
    assert!(mask.allows(kit.token("{\"")) && !mask.allows(kit.token("a")));
}

#[test]
fn kinds_have_names() {
    let error = Format::named("xml", String::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown kind of format 'xml'; there are json, schema, regex, lark, gbnf"
    );
}
