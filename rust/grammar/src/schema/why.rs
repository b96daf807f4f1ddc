//! Which keyword cannot be met: the schema is compiled without parts of it.

use std::time::{Duration, Instant};

use llguidance::ParserFactory;
use serde_json::{Map, Value};

use super::attempt;
use super::place::Place;
use crate::Error;

/// How long the search may take.
const LIMIT: Duration = Duration::from_secs(1);

/// The error of a rewritten schema that does not compile, `why` being what `llguidance` said.
pub(super) fn explain(factory: &ParserFactory, schema: &Value, why: &str) -> Error {
    let search = Search {
        factory,
        defs: schema.get("$defs"),
        end: Instant::now() + LIMIT,
    };
    let defs = search.defs.and_then(Value::as_object);
    let wrong_def = defs.into_iter().flatten().find_map(|(name, def)| {
        let pointer = format!("#/$defs/{name}");
        search.find(def, &Place::new(&pointer))
    });
    let found = search.find(schema, &Place::new("#")).or(wrong_def);
    found.unwrap_or_else(|| Place::new("#").wrong(clean(why)))
}

struct Search<'a> {
    factory: &'a ParserFactory,
    defs: Option<&'a Value>,
    end: Instant,
}

impl Search<'_> {
    /// The innermost part that does not compile, by its place.
    fn find(&self, schema: &Value, place: &Place<'_>) -> Option<Error> {
        let why = self.fault(schema)?;
        let members = schema.as_object()?;
        for (name, value) in members {
            if name == "$defs" {
                continue;
            }
            let here = place.at(name);
            let inner = match value {
                Value::Object(_) if matches!(name.as_str(), "items" | "additionalProperties") => {
                    self.find(value, &here)
                }
                Value::Object(parts) if name != "const" => parts
                    .iter()
                    .find_map(|(name, part)| self.find(part, &here.at(name))),
                Value::Array(parts) if name != "enum" => parts
                    .iter()
                    .enumerate()
                    .find_map(|(index, part)| self.find(part, &here.at(&index.to_string()))),
                _ => None,
            };
            if inner.is_some() {
                return inner;
            }
        }
        Some(place.wrong(format!(
            "{} cannot be met: {}",
            self.culprits(members),
            clean(&why)
        )))
    }

    /// What `llguidance` says of a part; None: nothing, or the time is over.
    fn fault(&self, part: &Value) -> Option<String> {
        if !part.is_object() || Instant::now() > self.end {
            return None;
        }
        let mut whole = part.clone();
        if let (Value::Object(members), Some(defs)) = (&mut whole, self.defs) {
            members.insert("$defs".to_owned(), defs.clone());
        }
        attempt(self.factory, &whole).err()
    }

    /// The keywords without any one of which it would compile.
    fn culprits(&self, members: &Map<String, Value>) -> String {
        let needed = members.keys().filter(|name| {
            let mut others = members.clone();
            others.shift_remove(*name);
            *name != "$defs" && self.fault(&Value::Object(others)).is_none()
        });
        let found: Vec<&str> = needed.map(String::as_str).collect();
        match found.is_empty() {
            true => "the schema".to_owned(),
            false => found.join(" with "),
        }
    }
}

/// `llguidance`'s words without its own frame; of a drawing, what it shows.
fn clean(why: &str) -> &str {
    let why = why.strip_prefix("Unsatisfiable schema: ").unwrap_or(why);
    let first = why.lines().next().unwrap_or_default();
    match why.rsplit_once("error: ") {
        Some((_, shown)) if first.ends_with(':') => shown,
        _ => first,
    }
}
