//! From the schema of a request to one that `llguidance` gets right.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::keywords::{Keyword, TYPES, keyword};
use super::overlap::are_disjoint;
use super::place::{Place, excerpt};
use super::refs::Document;
use super::strings;
use crate::{Error, Result};

/// Subschemas of the largest schema; a copy of a member counts each time.
const MOST_SCHEMAS: usize = 20_000;
/// Patterns of one object: each pair is compared.
const MOST_PATTERNS: usize = 16;
/// The largest whole number that every reader of JSON has.
const EXACT: f64 = 9_007_199_254_740_992.0;

type Members = Map<String, Value>;

/// Checks and rewrites a whole schema. What `$ref` names stands in `$defs`, each once.
///
/// # Errors
/// [`Error::Schema`]: a keyword that makes no sense or is not supported, and where.
pub(super) fn rewrite(schema: &Value) -> Result<Rewritten> {
    let mut rewriter = Rewriter {
        document: Document::new(schema),
        definitions: HashMap::new(),
        waiting: Vec::new(),
        schemas: 0,
        open: false,
    };
    let mut root = rewriter.schema(schema, &Place::new("#"))?;
    let mut defs = Map::new();
    while let Some((name, reference, target, open)) = rewriter.waiting.pop() {
        rewriter.open = open;
        let def = rewriter.schema(target, &Place::new(&reference))?;
        defs.insert(name, def);
    }
    if let (Value::Object(members), false) = (&mut root, defs.is_empty()) {
        members.insert("$defs".to_owned(), Value::Object(defs));
    }
    let references = rewriter.definitions.into_iter();
    Ok(Rewritten {
        schema: root,
        references: references.map(|((text, _), name)| (name, text)).collect(),
    })
}

/// A schema that `llguidance` gets right.
pub(super) struct Rewritten {
    pub(super) schema: Value,
    /// The references that the request has for what stands in `$defs`, by the names there.
    pub(super) references: HashMap<String, String>,
}

struct Rewriter<'a> {
    document: Document<'a>,
    /// Names in `$defs` by what refers to it, and whether it is open there.
    definitions: HashMap<(String, bool), String>,
    /// Definitions that were not rewritten yet: name, reference, value, whether it is open.
    waiting: Vec<(String, String, &'a Value, bool)>,
    schemas: usize,
    /// Another schema must hold for the same value, which may have members that are not described
    /// here.
    open: bool,
}

/// Keywords beside which an object is not closed.
const OPENING: &[&str] = &[
    "allOf",
    "anyOf",
    "oneOf",
    "$ref",
    "const",
    "enum",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "minProperties",
];

impl Rewriter<'_> {
    fn schema(&mut self, schema: &Value, place: &Place<'_>) -> Result<Value> {
        self.schemas += 1;
        if self.schemas > MOST_SCHEMAS {
            let why = format!("the schema has more than {MOST_SCHEMAS} subschemas");
            return Err(place.wrong(why));
        }
        match schema {
            Value::Bool(_) => Ok(schema.clone()),
            Value::Object(members) => self.members(members, place).map(Value::Object),
            other => Err(place.wrong(format!(
                "a schema is an object or a boolean, not {}",
                excerpt(other)
            ))),
        }
    }

    fn members(&mut self, members: &Members, place: &Place<'_>) -> Result<Members> {
        let alone = !self.document.ref_has_siblings && members.contains_key("$ref");
        let mut out = Map::new();
        for (name, value) in members {
            let here = place.at(name);
            match keyword(name) {
                Some(keyword) if !alone || keyword == Keyword::Ref => {
                    let open = self.is_open_within(keyword, members);
                    let before = std::mem::replace(&mut self.open, open);
                    self.keyword(keyword, name, value, members, &mut out, &here)?;
                    self.open = before;
                }
                _ => {}
            }
        }
        if !self.open && !OPENING.iter().any(|name| members.contains_key(*name)) {
            close(&mut out);
        }
        Ok(out)
    }

    /// Whether what stands in a keyword is about the same value as other schemas.
    fn is_open_within(&self, inner: Keyword, members: &Members) -> bool {
        let known = members
            .keys()
            .filter(|name| *name != "type" && keyword(name).is_some());
        match inner {
            Keyword::AllOf => true,
            Keyword::AnyOf | Keyword::OneOf | Keyword::Ref => self.open || known.count() > 1,
            _ => false,
        }
    }

    /// Rewrites the keyword `name` of `members` into `out`.
    fn keyword(
        &mut self,
        keyword: Keyword,
        name: &str,
        value: &Value,
        members: &Members,
        out: &mut Members,
        place: &Place<'_>,
    ) -> Result<()> {
        let rewritten = match keyword {
            Keyword::Schema => self.schema(value, place)?,
            Keyword::AllOf => {
                for schema in self.schemas(value, place)? {
                    also(out, schema);
                }
                return Ok(());
            }
            Keyword::Schemas | Keyword::AnyOf => Value::Array(self.schemas(value, place)?),
            Keyword::SchemasByName => self.by_name(value, place)?,
            Keyword::SchemasByPattern => self.by_pattern(value, place)?,
            Keyword::Ref => self.reference(value, place)?,
            Keyword::OneOf => return self.one_of(value, out, place),
            Keyword::Items => return self.items(value, members, out, place),
            Keyword::PropertyNames => return self.property_names(value, members, out, place),
            Keyword::Type => types(value, place)?,
            Keyword::Count => json!(count(value, place)?),
            Keyword::Number => number(value, place)?,
            Keyword::Exclusive(plain) => return exclusive(plain, name, value, members, out, place),
            Keyword::MultipleOf => multiple_of(value, place)?,
            Keyword::Required => names(value, place)?,
            Keyword::Enum => listed(value, place)?,
            Keyword::Const => constant(value, place)?,
            Keyword::Pattern => return pattern(value, out, place),
            Keyword::Format => return format(value, out, place),
            Keyword::UniqueItems => return unique_items(value, members, place),
            Keyword::MinProperties => return min_properties(value, members, out, place),
            Keyword::Refused => return Err(place.wrong("this keyword is not supported")),
        };
        out.insert(name.to_owned(), rewritten);
        Ok(())
    }

    fn schemas(&mut self, value: &Value, place: &Place<'_>) -> Result<Vec<Value>> {
        let schemas = value.as_array().filter(|schemas| !schemas.is_empty());
        let schemas = schemas.ok_or_else(|| expected("a list of schemas", value, place))?;
        let mut out = Vec::with_capacity(schemas.len());
        for (index, schema) in schemas.iter().enumerate() {
            out.push(self.schema(schema, &place.at(&index.to_string()))?);
        }
        Ok(out)
    }

    fn by_name(&mut self, value: &Value, place: &Place<'_>) -> Result<Value> {
        let members = value.as_object();
        let members = members.ok_or_else(|| expected("an object of schemas", value, place))?;
        let mut out = Map::new();
        for (name, schema) in members {
            out.insert(name.clone(), self.schema(schema, &place.at(name))?);
        }
        Ok(Value::Object(out))
    }

    fn by_pattern(&mut self, value: &Value, place: &Place<'_>) -> Result<Value> {
        let members = value.as_object();
        let members = members.ok_or_else(|| expected("an object of schemas", value, place))?;
        if members.len() > MOST_PATTERNS {
            return Err(place.wrong(format!("more than {MOST_PATTERNS} patterns")));
        }
        let mut out = Map::new();
        for (name, schema) in members {
            let here = place.at(name);
            let schema = self.schema(schema, &here)?;
            out.insert(
                strings::pattern(name).map_err(|why| here.wrong(why))?,
                schema,
            );
        }
        Ok(Value::Object(out))
    }

    fn reference(&mut self, value: &Value, place: &Place<'_>) -> Result<Value> {
        let reference = value.as_str();
        let reference = reference.ok_or_else(|| expected("a string", value, place))?;
        let target = self.document.find(reference);
        let target =
            target.ok_or_else(|| place.wrong(format!("{reference:?} is not in the schema")))?;
        let next = format!("r{}", self.definitions.len());
        let key = (reference.to_owned(), self.open);
        let name = match self.definitions.get(&key) {
            Some(name) => name.clone(),
            None => {
                let waiting = (next.clone(), reference.to_owned(), target, self.open);
                self.waiting.push(waiting);
                self.definitions.insert(key, next.clone());
                next
            }
        };
        Ok(json!(format!("#/$defs/{name}")))
    }

    fn one_of(&mut self, value: &Value, out: &mut Members, place: &Place<'_>) -> Result<()> {
        let rewritten = self.schemas(value, place)?;
        let options = value.as_array().map_or(&[] as &[Value], Vec::as_slice);
        for (index, option) in options.iter().enumerate() {
            let others = options.iter().enumerate().skip(index + 1);
            for (other, second) in others {
                if !are_disjoint(&self.document, option, second) {
                    return Err(place.wrong(format!(
                        "options {index} and {other} may both hold for one value; \
                         make them differ in type or in a required constant, or use anyOf"
                    )));
                }
            }
        }
        also(out, json!({"anyOf": rewritten}));
        Ok(())
    }

    /// Older drafts list the first items here, and those after them in `additionalItems`.
    fn items(
        &mut self,
        value: &Value,
        members: &Members,
        out: &mut Members,
        place: &Place<'_>,
    ) -> Result<()> {
        if !value.is_array() {
            out.insert("items".to_owned(), self.schema(value, place)?);
            return Ok(());
        }
        out.insert("prefixItems".to_owned(), json!(self.schemas(value, place)?));
        if let Some(rest) = members.get("additionalItems") {
            let schema = self.schema(rest, &place.at("additionalItems"))?;
            out.insert("items".to_owned(), schema);
        }
        Ok(())
    }

    /// Names of a list become properties, names of a pattern a pattern; where others are described
    /// beside them it is refused.
    fn property_names(
        &mut self,
        value: &Value,
        members: &Members,
        out: &mut Members,
        place: &Place<'_>,
    ) -> Result<()> {
        let beside = [
            "properties",
            "patternProperties",
            "required",
            "minProperties",
        ];
        let found = beside.iter().find(|name| members.contains_key(**name));
        if let Some(found) = found {
            return Err(place.wrong(format!("not supported beside {found}")));
        }
        let rest = members
            .get("additionalProperties")
            .unwrap_or(&Value::Bool(true));
        let rest = self.schema(rest, &place.at("additionalProperties"))?;
        let list = value.get("enum").and_then(Value::as_array);
        let pattern = value.get("pattern").and_then(Value::as_str);
        let (name, described) = match (list, pattern) {
            (Some(list), None) => {
                let names = list.iter().filter_map(Value::as_str);
                let all = names.map(|name| (name.to_owned(), rest.clone()));
                ("properties", all.collect::<Members>())
            }
            (None, Some(pattern)) => {
                let pattern = strings::pattern(pattern).map_err(|why| place.wrong(why))?;
                ("patternProperties", Members::from_iter([(pattern, rest)]))
            }
            _ => return Err(place.wrong("only an enum or a pattern is supported")),
        };
        also(
            out,
            json!({"type": TYPES, name: described, "additionalProperties": false}),
        );
        Ok(())
    }
}

/// An object whose members are described has no others, as in Ollama: a model that may would go on
/// inventing them.
fn close(out: &mut Members) {
    let described = |name: &Value| {
        let properties = out.get("properties");
        name.as_str()
            .is_some_and(|name| properties.is_some_and(|all| all.get(name).is_some()))
    };
    let properties = out.get("properties").and_then(Value::as_object);
    let required = out.get("required").and_then(Value::as_array);
    let all = required.is_none_or(|names| names.iter().all(described));
    if all && properties.is_some_and(|properties| !properties.is_empty()) {
        out.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

/// Adds a schema that must hold, too.
fn also(out: &mut Members, schema: Value) {
    match out.get_mut("allOf") {
        Some(Value::Array(all)) => all.push(schema),
        _ => {
            out.insert("allOf".to_owned(), json!([schema]));
        }
    }
}

fn expected(what: &str, found: &Value, place: &Place<'_>) -> Error {
    place.wrong(format!("must be {what}, not {}", excerpt(found)))
}

fn types(value: &Value, place: &Place<'_>) -> Result<Value> {
    let names: Vec<&Value> = match value {
        Value::Array(names) if !names.is_empty() => names.iter().collect(),
        other => vec![other],
    };
    let known = |name: &&Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
    match names.iter().find(|name| !known(name)) {
        None => Ok(value.clone()),
        Some(unknown) => Err(place.wrong(format!(
            "{} is no type; there are {}",
            excerpt(unknown),
            TYPES.join(", ")
        ))),
    }
}

fn count(value: &Value, place: &Place<'_>) -> Result<u64> {
    let whole = value
        .as_f64()
        .filter(|n| n.fract() == 0.0 && (0.0..=EXACT).contains(n));
    let whole = whole.ok_or_else(|| expected("a whole number, at least 0", value, place))?;
    Ok(whole as u64)
}

fn number(value: &Value, place: &Place<'_>) -> Result<Value> {
    let number = value.as_f64().filter(|number| number.is_finite());
    let number = number.ok_or_else(|| expected("a number", value, place))?;
    if number.fract() == 0.0 && number.abs() > EXACT {
        return Err(place.wrong(format!("{value} is beyond 2^53")));
    }
    Ok(value.clone())
}

fn multiple_of(value: &Value, place: &Place<'_>) -> Result<Value> {
    let number = number(value, place)?;
    match number.as_f64() {
        Some(step) if step > 0.0 => Ok(number),
        _ => Err(expected("a number above 0", value, place)),
    }
}

/// Draft 4 has booleans here, that make the plain bound exclusive.
fn exclusive(
    plain: &str,
    name: &str,
    value: &Value,
    members: &Members,
    out: &mut Members,
    place: &Place<'_>,
) -> Result<()> {
    let bound = match (value, members.get(plain)) {
        (Value::Bool(true), Some(bound)) => bound,
        (Value::Bool(_), _) => return Ok(()),
        (bound, _) => bound,
    };
    out.insert(name.to_owned(), number(bound, place)?);
    Ok(())
}

fn names(value: &Value, place: &Place<'_>) -> Result<Value> {
    match value {
        Value::Array(names) if names.iter().all(Value::is_string) => Ok(value.clone()),
        // Draft 3 and articles put a boolean into the property.
        Value::Bool(_) => Err(place.wrong("must be a list of names, beside properties")),
        _ => Err(expected("a list of strings", value, place)),
    }
}

fn listed(value: &Value, place: &Place<'_>) -> Result<Value> {
    let values = value.as_array().filter(|values| !values.is_empty());
    let values = values.ok_or_else(|| expected("a list of values", value, place))?;
    for (index, each) in values.iter().enumerate() {
        constant(each, &place.at(&index.to_string()))?;
    }
    Ok(value.clone())
}

/// Every number in it must be one that all readers have.
fn constant(value: &Value, place: &Place<'_>) -> Result<Value> {
    match value {
        Value::Number(_) => drop(number(value, place)?),
        Value::Array(items) => {
            for item in items {
                constant(item, place)?;
            }
        }
        Value::Object(members) => {
            for member in members.values() {
                constant(member, place)?;
            }
        }
        _ => {}
    }
    Ok(value.clone())
}

fn pattern(value: &Value, out: &mut Members, place: &Place<'_>) -> Result<()> {
    let text = value
        .as_str()
        .ok_or_else(|| expected("a string", value, place))?;
    let pattern = strings::pattern(text).map_err(|why| place.wrong(why))?;
    out.insert("pattern".to_owned(), json!(pattern));
    Ok(())
}

/// A format that is not of the specification is an annotation.
fn format(value: &Value, out: &mut Members, place: &Place<'_>) -> Result<()> {
    let name = value
        .as_str()
        .ok_or_else(|| expected("a string", value, place))?;
    if let Some(pattern) = strings::format_pattern(name) {
        also(out, json!({"pattern": pattern}));
    }
    Ok(())
}

/// Nothing keeps items apart; one item is unique.
fn unique_items(value: &Value, members: &Members, place: &Place<'_>) -> Result<()> {
    match (value, members.get("maxItems").and_then(Value::as_u64)) {
        (Value::Bool(false), _) | (Value::Bool(true), Some(0 | 1)) => Ok(()),
        (Value::Bool(true), _) => Err(place.wrong("this keyword is not supported")),
        _ => Err(expected("a boolean", value, place)),
    }
}

/// Required members count, and one other: beyond that a name could come twice and count once.
fn min_properties(
    value: &Value,
    members: &Members,
    out: &mut Members,
    place: &Place<'_>,
) -> Result<()> {
    let least = count(value, place)?;
    let required = members.get("required").and_then(Value::as_array);
    let mut required: Vec<&Value> = required.into_iter().flatten().collect();
    required.sort_by_key(|name| name.as_str());
    required.dedup();
    let more = least.saturating_sub(required.len() as u64);
    if more > 1 {
        return Err(place.wrong(format!(
            "at most one above the number of required properties ({}) is supported",
            required.len()
        )));
    }
    if more > 0 {
        out.insert("minProperties".to_owned(), json!(least));
    }
    Ok(())
}
