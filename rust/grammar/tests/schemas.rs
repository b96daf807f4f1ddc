//! What schemas allow, and why some are refused.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::time::{Duration, Instant};

use common::{Kit, bpe};
use ollamars_grammar::{Constraint, Format, Start};
use serde_json::{Value, json};

#[track_caller]
fn check(kit: &Kit, schema: &Value, valid: &[&str], invalid: &[&str]) {
    let grammar = kit.compile("schema", &schema.to_string());
    for text in valid {
        assert!(kit.accepts(&grammar, text), "{schema}: {text} is valid");
    }
    for text in invalid {
        assert!(
            !kit.accepts(&grammar, text),
            "{schema}: {text} is not valid"
        );
    }
}

#[test]
fn keywords() {
    let kit = Kit::new(bpe());
    check(
        &kit,
        &json!({}),
        &["1", "null", "[{}]", "\"x\""],
        &["x", ""],
    );
    check(
        &kit,
        &json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
                "required": ["b"], "additionalProperties": false}),
        &[r#"{"a": "x", "b": 1}"#, "{\n  \"b\": 1\n}", r#"{"b":1}"#],
        &[
            r#"{"a": "x"}"#,
            r#"{"b": 1.5}"#,
            r#"{"b": 1, "c": 2}"#,
            "{\"b\":   1}",
        ],
    );
    check(
        &kit,
        &json!({"type": "integer", "minimum": 3, "exclusiveMaximum": 12, "multipleOf": 2}),
        &["4", "10"],
        &["3", "12", "2", "4.0"],
    );
    check(
        &kit,
        &json!({"type": "string", "pattern": "^a.c$"}),
        &["\"abc\""],
        &["\"a\\nc\"", "\"abcd\""],
    );
    check(
        &kit,
        &json!({"enum": ["x", 1, null, {"a": [true]}]}),
        &["\"x\"", "1", "null", "{\"a\":[true]}"],
        &["2"],
    );
    check(
        &kit,
        &json!({"type": "array", "prefixItems": [{"type": "integer"}], "items": false}),
        &["[]", "[1]"],
        &["[1, 2]", "[null]"],
    );
    check(
        &kit,
        &json!({"type": "array", "items": [{"type": "integer"}], "additionalItems": {"type": "null"}}),
        &["[1]", "[1, null]"],
        &["[1, 2]"],
    );
    check(
        &kit,
        &json!({"minimum": 5, "exclusiveMinimum": true, "type": "integer"}),
        &["6"],
        &["5"],
    );
    check(
        &kit,
        &json!({"propertyNames": {"enum": ["a", "b"]}, "type": "object",
                "additionalProperties": {"type": "integer"}}),
        &["{}", r#"{"b": 1}"#],
        &[r#"{"c": 1}"#, r#"{"a": "x"}"#],
    );
    check(
        &kit,
        &json!({"type": "string", "format": "date"}),
        &["\"2024-02-29\""],
        &["\"2023-02-29\"", "\"x\""],
    );
    check(
        &kit,
        &json!({"type": "string", "format": "my-own"}),
        &["\"x\""],
        &["1"],
    );
}

#[test]
fn a_name_has_one_spelling() {
    let kit = Kit::new(bpe());
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}},
                        "additionalProperties": true});
    check(
        &kit,
        &schema,
        &[r#"{"a": 1, "b": "x"}"#],
        &[
            r#"{"a": "x"}"#,
            r#"{"\u0061": "x"}"#,
            r#"{"b": 1, "a": "x"}"#,
        ],
    );
}

#[test]
fn described_objects_are_closed() {
    let kit = Kit::new(bpe());
    let a = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]});
    let b = json!({"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]});
    check(&kit, &a, &[r#"{"a": 1}"#], &[r#"{"a": 1, "b": 1}"#]);
    check(
        &kit,
        &json!({"anyOf": [a, b]}),
        &[r#"{"b": 1}"#],
        &[r#"{"a": 1, "b": 1}"#],
    );
    // Each describes a part.
    let both = [r#"{"a": 1, "b": 2}"#];
    check(&kit, &json!({"allOf": [a, b]}), &both, &[r#"{"a": 1}"#]);
    let mut beside = b.clone();
    beside["$ref"] = json!("#/$defs/a");
    beside["$defs"] = json!({"a": a});
    let order = [r#"{"a": 1, "b": 2}"#, r#"{"b": 2, "a": 1}"#];
    let grammar = kit.compile("schema", &beside.to_string());
    assert!(order.iter().any(|text| kit.accepts(&grammar, text)));
    // The same definition, closed where it stands alone.
    let twice = json!({"type": "object", "properties": {
        "x": {"$ref": "#/$defs/a"}, "y": {"allOf": [{"$ref": "#/$defs/a"}, b]}},
        "required": ["x", "y"], "$defs": {"a": a}});
    check(
        &kit,
        &twice,
        &[r#"{"x": {"a": 1}, "y": {"a": 1, "b": 2}}"#],
        &[r#"{"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 2}}"#],
    );
}

#[test]
fn references() {
    let kit = Kit::new(bpe());
    let list = json!({
        "$ref": "#/$defs/a~1b",
        "$defs": {"a/b": {"type": "object", "properties": {"next": {"anyOf": [
            {"$ref": "#/$defs/a~1b"}, {"type": "null"}]}}, "required": ["next"],
            "additionalProperties": false}},
    });
    check(
        &kit,
        &list,
        &[r#"{"next": {"next": null}}"#],
        &[r#"{"next": 1}"#, "{}"],
    );
    let both =
        json!({"$ref": "#/definitions/n", "maximum": 5, "definitions": {"n": {"type": "integer"}}});
    check(&kit, &both, &["5"], &["6"]);
    let mut old = both;
    old["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    check(&kit, &old, &["5", "6"], &["1.5"]);
}

#[test]
fn a_union_of_tagged_objects() {
    let kit = Kit::new(bpe());
    let option = |kind: &str, member: &str| {
        json!({"type": "object", "properties": {"kind": {"const": kind}, member: {"type": "integer"}},
               "required": ["kind", member], "additionalProperties": false})
    };
    check(
        &kit,
        &json!({"oneOf": [{"$ref": "#/$defs/cat"}, {"$ref": "#/$defs/dog"}],
                "$defs": {"cat": option("cat", "lives"), "dog": option("dog", "age")}}),
        &[
            r#"{"kind": "cat", "lives": 7}"#,
            r#"{"kind": "dog", "age": 7}"#,
        ],
        &[r#"{"kind": "dog", "lives": 7}"#],
    );
}

#[test]
fn what_cannot_be_had_is_named() {
    let kit = Kit::new(bpe());
    for (schema, why) in [
        (json!({"type": "bad"}), "#/type: \"bad\" is no type"),
        (
            json!({"properties": {"a/b": {"type": 3}}}),
            "#/properties/a~1b/type: 3 is no type",
        ),
        (
            json!({"properties": 3}),
            "#/properties: must be an object of schemas, not 3",
        ),
        (
            json!({"items": "x"}),
            "#/items: a schema is an object or a boolean, not \"x\"",
        ),
        (
            json!({"$ref": "#/nope"}),
            "#/$ref: \"#/nope\" is not in the schema",
        ),
        (
            json!({"$ref": "https://example.com/x"}),
            "#/$ref: \"https://example.com/x\" is not",
        ),
        (
            json!({"minLength": -1}),
            "#/minLength: must be a whole number, at least 0, not -1",
        ),
        (
            json!({"maximum": "3"}),
            "#/maximum: must be a number, not \"3\"",
        ),
        (json!({"const": 1e300}), "#/const: 1e+300 is beyond 2^53"),
        (
            json!({"multipleOf": 0}),
            "#/multipleOf: must be a number above 0, not 0",
        ),
        (
            json!({"required": "a"}),
            "#/required: must be a list of strings",
        ),
        (json!({"enum": []}), "#/enum: must be a list of values"),
        (json!({"anyOf": []}), "#/anyOf: must be a list of schemas"),
        (json!({"not": {}}), "#/not: this keyword is not supported"),
        (
            json!({"if": {}, "then": {}}),
            "#/if: this keyword is not supported",
        ),
        (
            json!({"uniqueItems": true}),
            "#/uniqueItems: this keyword is not supported",
        ),
        (
            json!({"minProperties": 2}),
            "#/minProperties: at most one above",
        ),
        (
            json!({"pattern": "a(?=b)"}),
            "#/pattern: look-ahead is not supported",
        ),
        (
            json!({"type": "string", "pattern": "("}),
            "#: pattern cannot be met: unclosed group",
        ),
        (
            json!({"oneOf": [{"type": "integer"}, {"minimum": 1}]}),
            "#/oneOf: options 0 and 1 may both",
        ),
        (json!({"$ref": "#"}), "#: no value is ever complete"),
        (
            json!({"type": "integer", "minimum": 4, "maximum": 3}),
            "#: type with minimum with maximum cannot",
        ),
        (
            json!({"allOf": [{"type": "string"}, {"type": "null"}]}),
            "#: allOf cannot be met",
        ),
        (
            json!({"type": "string", "enum": [1]}),
            "#: type with enum cannot be met",
        ),
        (
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": false, "minItems": 1}}}),
            "#/$defs/a: type with items with minItems cannot be met",
        ),
    ] {
        let error = kit.refused("schema", &schema.to_string());
        assert!(
            error.starts_with(&format!("format: {why}")),
            "{schema}: {error}"
        );
    }
    assert!(
        kit.refused("schema", "{")
            .starts_with("format: the schema is not valid JSON")
    );
}

/// Each must be refused, or compiled, in a moment.
#[test]
fn hostile_formats() {
    let kit = Kit::new(bpe());
    let nested = |open: &str, close: &str, n: usize| open.repeat(n) + "{}" + &close.repeat(n);
    let doubling = |keyword: &str| {
        let defs = (0..40).map(|n| {
            let next = json!({"$ref": format!("#/$defs/a{}", n + 1)});
            (
                format!("a{n}"),
                json!({keyword: [next, {"anyOf": [next, {"type": "null"}]}]}),
            )
        });
        let mut defs: serde_json::Map<String, Value> = defs.collect();
        defs.insert(
            "a40".to_owned(),
            json!({"type": "object", "properties": {"x": {"type": "integer"}}}),
        );
        json!({"$ref": "#/$defs/a0", "$defs": defs}).to_string()
    };
    let any = json!({"anyOf": (0..10).map(|n| json!({"properties": {format!("p{n}"): {"const": n}}}))
        .collect::<Vec<_>>()});
    let patterns: serde_json::Map<String, Value> = (0..500)
        .map(|n| (format!("^a{{{n}}}b*$"), json!({})))
        .collect();
    let formats = [
        (
            "schema",
            format!("{{\"title\": \"{}\"}}", "x".repeat(10 << 20)),
        ),
        (
            "schema",
            format!("{{\"enum\": [{}1]}}", "\"abcdefg\",".repeat(90_000)),
        ),
        ("schema", nested("{\"items\":", "}", 120)),
        ("schema", nested("{\"items\":", "}", 50_000)),
        ("schema", nested("{\"anyOf\":[", "]}", 60)),
        ("schema", doubling("allOf")),
        ("schema", doubling("anyOf")),
        ("schema", json!({"allOf": vec![any; 12]}).to_string()),
        ("schema", json!({"patternProperties": patterns}).to_string()),
        (
            "schema",
            json!({"type": "string", "pattern": "^((a{1,999}){1,999}){1,999}$"}).to_string(),
        ),
        (
            "schema",
            json!({"type": "string", "pattern": "(x+x+)+y".repeat(300)}).to_string(),
        ),
        (
            "schema",
            json!({"type": "string", "minLength": 1_000_000_000}).to_string(),
        ),
        (
            "schema",
            json!({"type": "array", "minItems": 1_000_000_000_u64}).to_string(),
        ),
        (
            "schema",
            json!({"type": "string", "pattern": "(".repeat(100_000)}).to_string(),
        ),
        ("regex", "(a*)*".repeat(10_000)),
        ("regex", "(".repeat(100_000)),
        ("regex", "((((a{500}){500}){500}){500})".to_owned()),
        ("lark", format!("start: {}", "(".repeat(100_000))),
        ("lark", format!("start: {}\n", "a ".repeat(100_000))),
        (
            "gbnf",
            "root ::= ((((\"a\"{2000}){2000}){2000}){2000})".to_owned(),
        ),
        ("gbnf", format!("root ::= {}", "(".repeat(100_000))),
    ];
    for (kind, text) in formats {
        let begin = Instant::now();
        let format = Format::named(kind, text.clone()).unwrap();
        let result = kit.compiler.compile(&format, Start::AtOnce);
        let took = begin.elapsed();
        assert!(
            took < Duration::from_secs(11),
            "{kind} {:.60}: {took:?}",
            text
        );
        let Ok(grammar) = result else {
            continue;
        };
        // A step of what was compiled is bounded, too.
        let mut constraint = Constraint::new(&grammar);
        for _ in 0..20 {
            let begin = Instant::now();
            let Some(token) = constraint
                .mask()
                .ok()
                .and_then(|mask| mask.allowed().next())
            else {
                break;
            };
            let done = constraint.accept(token);
            let took = begin.elapsed();
            assert!(
                took < Duration::from_secs(1),
                "{kind} {:.60}: {took:?}",
                text
            );
            if done.is_err() || constraint.is_complete() {
                break;
            }
        }
    }
}
