//! Schemas that no finite value can meet.

use std::collections::HashMap;

use serde_json::Value;

/// Whether every value of a rewritten schema would have to hold itself.
pub(super) fn is_endless(schema: &Value) -> bool {
    let empty = serde_json::Map::new();
    let defs = schema.get("$defs").and_then(Value::as_object);
    let defs = defs.unwrap_or(&empty);
    let mut finite: HashMap<&str, bool> = defs.keys().map(|name| (name.as_str(), false)).collect();
    loop {
        let mut changed = false;
        for (name, def) in defs {
            if finite.get(name.as_str()) == Some(&false) && is_finite(def, &finite) {
                finite.insert(name, true);
                changed = true;
            }
        }
        if !changed {
            return !is_finite(schema, &finite);
        }
    }
}

/// Whether a value can be complete, given the definitions of which one can.
fn is_finite(schema: &Value, finite: &HashMap<&str, bool>) -> bool {
    let Value::Object(members) = schema else {
        return true;
    };
    let list = |name| members.get(name).and_then(Value::as_array);
    let each = |schema: &Value| is_finite(schema, finite);
    let definition = members.get("$ref").and_then(Value::as_str);
    let referred = definition.and_then(|reference| reference.strip_prefix("#/$defs/"));
    if referred.is_some_and(|name| finite.get(name) == Some(&false)) {
        return false;
    }
    let all = list("allOf").is_none_or(|all| all.iter().all(each));
    let any = list("anyOf").is_none_or(|any| any.iter().any(each));
    all && any
        && (can_be_other(members)
            || (has_finite_members(members, &each) && has_finite_items(members, &each)))
}

/// Whether it can be something else than an object or an array.
fn can_be_other(members: &serde_json::Map<String, Value>) -> bool {
    let holds = |name: &str| matches!(name, "object" | "array");
    match members.get("type") {
        Some(Value::String(name)) => !holds(name),
        Some(Value::Array(names)) => !names.iter().filter_map(Value::as_str).all(holds),
        _ => true,
    }
}

fn has_finite_members(
    members: &serde_json::Map<String, Value>,
    each: &impl Fn(&Value) -> bool,
) -> bool {
    let required = members.get("required").and_then(Value::as_array);
    let property = |name: &str| members.get("properties").and_then(|all| all.get(name));
    let mut names = required.into_iter().flatten().filter_map(Value::as_str);
    names.all(|name| property(name).is_none_or(each))
}

fn has_finite_items(
    members: &serde_json::Map<String, Value>,
    each: &impl Fn(&Value) -> bool,
) -> bool {
    let least = members.get("minItems").and_then(Value::as_u64).unwrap_or(0);
    let prefix = members.get("prefixItems").and_then(Value::as_array);
    let prefix: &[Value] = prefix.map_or(&[], Vec::as_slice);
    let count = usize::try_from(least).unwrap_or(usize::MAX);
    let rest_needed = count > prefix.len();
    prefix.iter().take(count).all(each) && (!rest_needed || members.get("items").is_none_or(each))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_that_must_have_a_tail_has_no_end() {
        let list = |required: &[&str]| {
            json!({"$ref": "#/$defs/r0", "$defs": {"r0": {
                "type": "object",
                "properties": {"tail": {"$ref": "#/$defs/r0"}},
                "required": required,
            }}})
        };
        assert!(is_endless(&list(&["tail"])));
        assert!(!is_endless(&list(&[])));
        let tree = |least: u32| {
            json!({"$ref": "#/$defs/r0", "$defs": {"r0": {
                "type": "array", "items": {"$ref": "#/$defs/r0"}, "minItems": least,
            }}})
        };
        assert!(is_endless(&tree(1)) && !is_endless(&tree(0)));
        let either = json!({"$ref": "#/$defs/r0", "$defs": {"r0": {
            "anyOf": [{"type": "null"}, {"$ref": "#/$defs/r0"}]}}});
        assert!(!is_endless(&either));
        assert!(is_endless(
            &json!({"$ref": "#/$defs/r0", "$defs": {"r0": {"$ref": "#/$defs/r0"}}})
        ));
    }
}
