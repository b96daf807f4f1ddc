//! Whether two schemas can hold for the same value: `oneOf` is `anyOf` where they cannot.

use serde_json::{Map, Value};

use super::refs::Document;

/// References and members that are followed.
const DEEPEST: usize = 8;

/// Whether it is certain that no value meets both.
pub(super) fn are_disjoint(document: &Document<'_>, a: &Value, b: &Value) -> bool {
    disjoint(document, a, b, DEEPEST)
}

fn disjoint(document: &Document<'_>, a: &Value, b: &Value, depth: usize) -> bool {
    if a == &Value::Bool(false) || b == &Value::Bool(false) {
        return true;
    }
    let (Value::Object(a), Value::Object(b), Some(depth)) = (a, b, depth.checked_sub(1)) else {
        return false;
    };
    let (a_views, b_views) = (views(document, a), views(document, b));
    let pairs = a_views
        .iter()
        .flat_map(|a| b_views.iter().map(move |b| (*a, *b)));
    for (a, b) in pairs {
        if types_differ(a, b) || values_differ(a, b) || members_differ(document, a, b, depth) {
            return true;
        }
    }
    options_differ(document, a, b, depth) || options_differ(document, b, a, depth)
}

/// A schema, what it refers to, and the parts of its `allOf`: all of them hold.
fn views<'a>(
    document: &Document<'a>,
    schema: &'a Map<String, Value>,
) -> Vec<&'a Map<String, Value>> {
    let mut found = Vec::new();
    let mut waiting = vec![schema];
    while let Some(schema) = waiting.pop() {
        if found.len() == DEEPEST {
            break;
        }
        found.push(schema);
        let reference = schema.get("$ref").and_then(Value::as_str);
        let referred = reference.and_then(|reference| document.find(reference));
        waiting.extend(referred.and_then(Value::as_object));
        let all = schema.get("allOf").and_then(Value::as_array);
        waiting.extend(all.into_iter().flatten().filter_map(Value::as_object));
    }
    found
}

/// Whether no option of `a` can hold with `b`.
fn options_differ(
    document: &Document<'_>,
    a: &Map<String, Value>,
    b: &Map<String, Value>,
    depth: usize,
) -> bool {
    let whole = Value::Object(b.clone());
    ["anyOf", "oneOf"].iter().any(|name| {
        let options = a.get(*name).and_then(Value::as_array);
        options.is_some_and(|options| {
            options
                .iter()
                .all(|option| disjoint(document, option, &whole, depth))
        })
    })
}

/// The types that a schema says it may be; None: it does not say.
fn types(schema: &Map<String, Value>) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

/// The type of a value; a whole number is an `integer`.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|n| n.fract() == 0.0) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_of(found: &str, named: &str) -> bool {
    found == named || (found == "integer" && named == "number")
}

fn types_differ(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    match (types(a), types(b)) {
        (Some(a), Some(b)) => {
            let same = |x: &str, y: &str| is_of(x, y) || is_of(y, x);
            !a.iter().any(|x| b.iter().any(|y| same(x, y)))
        }
        _ => false,
    }
}

/// The values that a schema lists; None: it lists none.
fn values(schema: &Map<String, Value>) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(Value::Array(values))) => Some(values.iter().collect()),
        _ => None,
    }
}

fn values_differ(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    let other_type = |values: &[&Value], types: &[&str]| {
        let is = |value: &&Value| types.iter().any(|named| is_of(type_of(value), named));
        !values.iter().any(is)
    };
    match (values(a), values(b)) {
        (Some(a), Some(b)) => !a.iter().any(|x| b.iter().any(|y| equal(x, y))),
        (Some(a), None) => types(b).is_some_and(|types| other_type(&a, &types)),
        (None, Some(b)) => types(a).is_some_and(|types| other_type(&b, &types)),
        (None, None) => false,
    }
}

/// Equality of JSON schema: 1 is 1.0.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(name, a)| b.get(name).is_some_and(|b| equal(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        _ => a == b,
    }
}

/// Whether both are objects with a member that one of them must have, and whose schemas differ.
fn members_differ(
    document: &Document<'_>,
    a: &Map<String, Value>,
    b: &Map<String, Value>,
    depth: usize,
) -> bool {
    let is_object = |schema| types(schema) == Some(vec!["object"]);
    if !is_object(a) || !is_object(b) {
        return false;
    }
    let member = |schema: &Map<String, Value>, name: &str| {
        let named = schema.get("properties").and_then(|all| all.get(name));
        let others = || schema.get("patternProperties").is_none();
        let rest = schema.get("additionalProperties").cloned();
        named.cloned().or_else(|| rest.filter(|_| others()))
    };
    let required = [a, b]
        .into_iter()
        .filter_map(|schema| schema.get("required"));
    let mut names = required
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str);
    names.any(|name| match (member(a, name), member(b, name)) {
        (Some(a), Some(b)) => disjoint(document, &a, &b, depth),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tagged_unions_are_disjoint() {
        let schema = json!({"$defs": {
            "cat": {"type": "object", "properties": {"kind": {"const": "cat"}}, "required": ["kind"]},
            "dog": {"type": "object", "properties": {"kind": {"enum": ["dog", "wolf"]}},
                    "required": ["kind"]},
            "any": {"type": "object", "properties": {"kind": {"const": "cat"}}},
        }});
        let document = Document::new(&schema);
        let test = |a: Value, b: Value| {
            assert_eq!(
                are_disjoint(&document, &a, &b),
                are_disjoint(&document, &b, &a)
            );
            are_disjoint(&document, &a, &b)
        };
        assert!(test(
            json!({"$ref": "#/$defs/cat"}),
            json!({"$ref": "#/$defs/dog"})
        ));
        assert!(!test(
            json!({"$ref": "#/$defs/cat"}),
            json!({"$ref": "#/$defs/any"})
        ));
        assert!(test(
            json!({"type": "string"}),
            json!({"type": ["null", "number"]})
        ));
        assert!(!test(json!({"type": "integer"}), json!({"type": "number"})));
        assert!(test(json!({"const": 1.5}), json!({"type": "integer"})));
        assert!(!test(json!({"const": 1.0}), json!({"const": 1})));
        assert!(test(
            json!({"anyOf": [{"type": "string"}, {"const": 1}]}),
            json!({"enum": [2, null]})
        ));
        assert!(!test(json!({"minimum": 3}), json!({"maximum": 2})));
    }
}
