//! Which keyword cannot be met: the schema is compiled without parts of it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use llguidance::ParserFactory;
use serde_json::{Map, Value};

use super::attempt;
use super::place::Place;
use super::rewrite::Rewritten;
use crate::Error;

/// How long the search may take.
const LIMIT: Duration = Duration::from_secs(1);

/// The error of a rewritten schema that does not compile, `why` being what `llguidance` said.
pub(super) fn explain(factory: &ParserFactory, rewritten: &Rewritten, why: &str) -> Error {
    let mut search = Search {
        factory,
        rewritten,
        end: Instant::now() + LIMIT,
        followed: HashSet::new(),
    };
    let found = search.find(&rewritten.schema, &Place::new("#"));
    found.unwrap_or_else(|| Place::new("#").wrong(clean(why)))
}

struct Search<'a> {
    factory: &'a ParserFactory,
    rewritten: &'a Rewritten,
    end: Instant,
    /// The definitions that were searched.
    followed: HashSet<&'a str>,
}

impl<'a> Search<'a> {
    /// The innermost part that does not compile, by its place.
    fn find(&mut self, schema: &'a Value, place: &Place<'_>) -> Option<Error> {
        let why = self.fault(schema)?;
        let members = schema.as_object()?;
        let reference = members.get("$ref").and_then(Value::as_str);
        if let Some(inner) = reference.and_then(|reference| self.follow(reference)) {
            return Some(inner);
        }
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

    /// Searches a definition, once.
    fn follow(&mut self, reference: &'a str) -> Option<Error> {
        let name = reference.strip_prefix("#/$defs/")?;
        let definition = self.rewritten.schema.get("$defs")?.get(name)?;
        let place = self.rewritten.references.get(name)?;
        let first = self.followed.insert(name);
        first.then(|| self.find(definition, &Place::new(place)))?
    }

    /// What `llguidance` says of a part; None: nothing, or the time is over.
    fn fault(&self, part: &Value) -> Option<String> {
        if !part.is_object() || Instant::now() > self.end {
            return None;
        }
        let mut whole = part.clone();
        if let (Value::Object(members), Some(defs)) =
            (&mut whole, self.rewritten.schema.get("$defs"))
        {
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
