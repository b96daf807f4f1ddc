//! The functions, filters and settings that chat templates expect.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, Value};

use crate::RECURSION_LIMIT;
use crate::dumps::{Style, dumps};
use crate::strftime::Moment;

/// What `raise_exception` was called with; the source of the error that it makes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Raised(pub String);

/// Filters and functions whose cost minijinja does not bound by fuel, and that templates do not need.
const UNBOUNDED_FILTERS: [&str; 1] = ["pprint"];
const UNBOUNDED_FUNCTIONS: [&str; 1] = ["debug"];

/// An environment as transformers makes it, for one render at the moment `now`.
pub(crate) fn new(now: Option<Moment>, fuel: u64) -> Result<Environment<'static>, Error> {
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    let mut environment = Environment::new();
    environment.set_syntax(syntax);
    environment.set_fuel(Some(fuel));
    environment.set_recursion_limit(RECURSION_LIMIT);
    // `messages[0]['role']` is asked of conversations that are empty.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    for name in UNBOUNDED_FILTERS {
        environment.remove_filter(name);
    }
    for name in UNBOUNDED_FUNCTIONS {
        environment.remove_global(name);
    }
    environment.add_filter("tojson", tojson);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", move |format: &str| {
        strftime_now(now, format)
    });
    Ok(environment)
}

fn raise_exception(message: &Value) -> Result<Value, Error> {
    let text = message.to_string();
    Err(Error::new(ErrorKind::InvalidOperation, text.clone()).with_source(Raised(text)))
}

fn strftime_now(now: Option<Moment>, format: &str) -> Result<String, Error> {
    let Some(now) = now else {
        let message = "strftime_now: the context has no date";
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    };
    now.format(format)
        .map_err(|message| Error::new(ErrorKind::InvalidOperation, message))
}

/// `json.dumps(value, ensure_ascii, indent, separators, sort_keys)`.
fn tojson(
    state: &State,
    value: &Value,
    ensure_ascii: Option<bool>,
    indent: Option<usize>,
    options: Kwargs,
) -> Result<Value, Error> {
    let separators: Option<(String, String)> =
        match options.get::<Option<Vec<String>>>("separators")? {
            None => None,
            Some(pair) => match <[String; 2]>::try_from(pair) {
                Ok([item, key]) => Some((item, key)),
                Err(_) => {
                    let message = "tojson: separators must be two strings";
                    return Err(Error::new(ErrorKind::InvalidOperation, message));
                }
            },
        };
    let style = Style {
        ensure_ascii: options
            .get::<Option<bool>>("ensure_ascii")?
            .or(ensure_ascii)
            .unwrap_or(false),
        indent: options.get::<Option<usize>>("indent")?.or(indent),
        separators,
        sort_keys: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
    };
    options.assert_all_used()?;
    dumps(state, value, &style).map(Value::from)
}
