//! What `$ref` refers to.

use std::collections::HashMap;

use serde_json::Value;

/// The parts of a document that can be referred to.
pub(super) struct Document<'a> {
    root: &'a Value,
    /// Subschemas by `$anchor` and `$id`.
    named: HashMap<&'a str, &'a Value>,
    /// Members beside `$ref` count (from draft 2019-09 on).
    pub(super) ref_has_siblings: bool,
}

/// Drafts in which `$ref` stands alone.
const OLD_DRAFTS: [&str; 3] = ["draft-04", "draft-06", "draft-07"];

impl<'a> Document<'a> {
    /// Looks for the names in a document.
    pub(super) fn new(root: &'a Value) -> Self {
        let draft = root.get("$schema").and_then(Value::as_str);
        let is_old = |draft: &str| OLD_DRAFTS.iter().any(|old| draft.contains(old));
        let mut document = Self {
            root,
            named: HashMap::new(),
            ref_has_siblings: !draft.is_some_and(is_old),
        };
        document.find_names();
        document
    }

    fn find_names(&mut self) {
        let mut waiting = vec![self.root];
        while let Some(value) = waiting.pop() {
            match value {
                Value::Array(items) => waiting.extend(items),
                Value::Object(members) => {
                    for (key, member) in members {
                        match (key.as_str(), member.as_str()) {
                            ("$anchor" | "$id" | "$dynamicAnchor", Some(name)) => {
                                self.named.entry(name).or_insert(value);
                            }
                            _ => waiting.push(member),
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The value that a reference names; None: it is not in this document.
    pub(super) fn find(&self, reference: &str) -> Option<&'a Value> {
        let (resource, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let base = match resource {
            "" => self.root,
            id => self.named.get(id).copied()?,
        };
        let fragment = unquote(fragment)?;
        if fragment.is_empty() {
            return Some(base);
        }
        if !fragment.starts_with('/') {
            return self.named.get(fragment.as_str()).copied();
        }
        base.pointer(&fragment)
    }
}

/// Resolves `%20` and the like.
fn unquote(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        rest = rest.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_pointers_anchors_and_ids() {
        let schema = json!({
            "$defs": {"a/b": {"const": 1}, "c d": {"$anchor": "here", "const": 2},
                      "e": {"$id": "https://example.com/e", "$defs": {"f": {"const": 3}}}},
            "prefixItems": [{"const": 4}],
        });
        let document = Document::new(&schema);
        let constant = |reference| {
            document
                .find(reference)
                .and_then(|found| found.get("const"))
        };
        assert_eq!(constant("#/$defs/a~1b"), Some(&json!(1)));
        assert_eq!(constant("#/$defs/c%20d"), Some(&json!(2)));
        assert_eq!(constant("#here"), Some(&json!(2)));
        assert_eq!(constant("https://example.com/e#/$defs/f"), Some(&json!(3)));
        assert_eq!(constant("#/prefixItems/0"), Some(&json!(4)));
        assert_eq!(document.find("#"), Some(&schema));
        for missing in [
            "#/$defs/x",
            "#nowhere",
            "other.json",
            "#/%zz",
            "#/prefixItems/1",
        ] {
            assert_eq!(document.find(missing), None, "{missing}");
        }
    }
}
