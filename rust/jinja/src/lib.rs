//! Chat templates: the Jinja texts that models carry as `tokenizer.chat_template`.
//!
//! They are rendered with minijinja in the environment that such templates are written for, that of
//! Hugging Face's transformers: blocks swallow the line they stand on, values have Python's methods,
//! `tojson` writes as `json.dumps` does, there are `raise_exception` and `strftime_now`, and
//! `{% generation %}` means nothing. A template comes from a file that anybody may have made, so its
//! work, its text and its nesting are bounded.
//!
//! ```
//! let context = serde_json::json!({"messages": [{"role": "user", "content": "Hi"}]});
//! let template = "{% for m in messages %}<{{ m.role }}>{{ m.content | upper }}{% endfor %}";
//! let text = ollamars_jinja::render(template, context, &Default::default())?;
//! assert_eq!(text, "<user>HI");
//! # Ok::<(), ollamars_jinja::Error>(())
//! ```

mod dumps;
mod environment;
mod error;
mod strftime;
mod tags;

use std::error::Error as _;
use std::thread;

use minijinja::ErrorKind;
use serde_json::Value as Json;

pub use error::Error;

use environment::Raised;
use strftime::Moment;

/// Longest template that is compiled. The compiler's use of stack and time grows with the length.
pub const MAX_TEMPLATE_BYTES: usize = 128 << 10;

/// Member of the context that `strftime_now` reads: `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`.
///
/// The template does not see it.
pub const NOW: &str = "__now__";

/// Most fuel that a render may have; more is cut to this.
pub const MAX_FUEL: u64 = 4_000_000;

/// Stack that compiling the longest template needs (measured: 64 MiB for `1+1+1+...`).
const COMPILE_STACK: usize = 96 << 20;

/// Stack for each unit of fuel: a value nested once more costs seven units to make and up to 420
/// bytes of stack to print (both measured).
const STACK_PER_FUEL: usize = 128;

/// Deepest nesting of loops and calls, in minijinja's units.
const RECURSION_LIMIT: usize = 200;

/// What a render may use up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Instructions, plus one for each 64 bytes of text and data.
    pub fuel: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: MAX_FUEL }
    }
}

/// Renders `template` with the members of the object `context` as variables.
///
/// The work is done on a thread of its own, whose stack is as large as the limits need it to be:
/// nested values are printed and dropped recursively.
///
/// # Errors
///
/// See [`Error`].
pub fn render(template: &str, context: Json, limits: &Limits) -> Result<String, Error> {
    if template.len() > MAX_TEMPLATE_BYTES {
        return Err(Error::TooLong(template.len()));
    }
    let Json::Object(mut variables) = context else {
        return Err(Error::Context("not an object".to_owned()));
    };
    let now = match variables.shift_remove(NOW) {
        None | Some(Json::Null) => None,
        Some(Json::String(text)) => Some(text.parse::<Moment>().map_err(Error::Context)?),
        Some(other) => return Err(Error::Context(format!("{NOW} is {other}"))),
    };
    let fuel = limits.fuel.min(MAX_FUEL);
    let stack = COMPILE_STACK + usize::try_from(fuel).map_or(0, |fuel| fuel * STACK_PER_FUEL);
    let source = tags::without_generation(template);
    thread::scope(|scope| {
        thread::Builder::new()
            .name("chat-template".to_owned())
            .stack_size(stack)
            .spawn_scoped(scope, move || {
                render_here(&source, Json::Object(variables), now, fuel)
            })?
            .join()
            .unwrap_or(Err(Error::Stopped))
    })
}

fn render_here(
    source: &str,
    context: Json,
    now: Option<Moment>,
    fuel: u64,
) -> Result<String, Error> {
    environment::new(now, fuel)
        .and_then(|environment| {
            let context = minijinja::Value::from(minijinja::value::Serde(context));
            environment.template_from_str(source)?.render(context)
        })
        .map_err(|error| classify(&error, fuel))
}

/// Which of our errors one of minijinja's is.
fn classify(error: &minijinja::Error, fuel: u64) -> Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(Raised(text)) = inner.downcast_ref() {
            return Error::Raised(text.clone());
        }
        cause = inner.source();
    }
    let mut innermost = error;
    while let Some(inner) = innermost.source().and_then(|inner| inner.downcast_ref()) {
        innermost = inner;
    }
    let text = error.to_string();
    match innermost.kind() {
        ErrorKind::OutOfFuel => Error::OutOfFuel(fuel),
        _ if innermost
            .detail()
            .is_some_and(|detail| detail.contains("recursion limit")) =>
        {
            Error::TooDeep(text)
        }
        _ => Error::Template(text),
    }
}

#[cfg(test)]
mod tests;
