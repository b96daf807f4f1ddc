//! JSON schemas: checked and rewritten to what `llguidance` gets right, then compiled.
//!
//! The rewritten schema says the same or less: every text that it allows is valid for the original,
//! by the specification of 2020-12 (of draft 4 to 7 for a schema that says so). What cannot be
//! brought into that form is refused with its place.

mod endless;
mod keywords;
mod overlap;
mod place;
mod refs;
mod rewrite;
mod strings;
mod why;

use llguidance::api::TopLevelGrammar;
use llguidance::{ParserFactory, TokenParser};
use serde_json::{Value, json};

use crate::compiler::said;
use crate::{Error, Result};

/// White space between the parts of a value: one space, or a line end with an indent.
const WHITE_SPACE: &str = r"[ ]|\r?\n[ \t]{0,32}";
/// Escapes in strings. `u` is not among them, so that a name has one spelling and cannot come
/// again in another one.
const ESCAPES: &str = r#"nrbtf\""#;

/// Compiles a schema.
///
/// # Errors
/// [`Error::Json`]; [`Error::Schema`]: what is wrong, where.
pub(crate) fn compile(factory: &ParserFactory, text: &str) -> Result<TokenParser> {
    let schema = serde_json::from_str(text).map_err(|error| Error::Json(error.to_string()))?;
    let rewritten = rewrite::rewrite(&schema)?;
    if endless::is_endless(&rewritten.schema) {
        return Err(Error::Schema {
            place: "#".to_owned(),
            why: "no value is ever complete: it must hold itself ($ref)".to_owned(),
        });
    }
    let parser = attempt(factory, &rewritten.schema);
    parser.map_err(|why| why::explain(factory, &rewritten, &why))
}

/// Compiles what was rewritten; the error is `llguidance`'s.
fn attempt(factory: &ParserFactory, schema: &Value) -> Result<TokenParser, String> {
    let mut schema = schema.clone();
    if let Value::Object(members) = &mut schema {
        let options = json!({"whitespace_pattern": WHITE_SPACE, "json_allowed_escapes": ESCAPES});
        members.insert("x-guidance".to_owned(), options);
    }
    let grammar = TopLevelGrammar::from_json_schema(schema);
    factory.create_parser(grammar).map_err(|error| said(&error))
}
