//! JSON as Python's `json.dumps` writes it.

use std::fmt::Write as _;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

/// Deepest nesting that is written.
const MAX_DEPTH: usize = 200;
/// Largest indentation of a level.
const MAX_INDENT: usize = 32;
/// Text that is paid for at once, in bytes.
const CHARGED_AT: usize = 4096;

/// Options of `json.dumps`.
pub(crate) struct Style {
    pub ensure_ascii: bool,
    pub indent: Option<usize>,
    /// Between items and behind a key; None: Python's defaults.
    pub separators: Option<(String, String)>,
    pub sort_keys: bool,
}

/// The JSON text of a value; its length costs fuel.
pub(crate) fn dumps(state: &State, value: &Value, style: &Style) -> Result<String, Error> {
    let default_item = if style.indent.is_some() { "," } else { ", " };
    let (item, key) = match &style.separators {
        Some((item, key)) => (item.as_str(), key.as_str()),
        None => (default_item, ": "),
    };
    let mut writer = Writer {
        state,
        style,
        item,
        key,
        out: String::new(),
        charged: 0,
    };
    writer.value(value, 0)?;
    writer.charge(true)?;
    Ok(writer.out)
}

struct Writer<'a, 'vm, 'env> {
    state: &'a State<'vm, 'env>,
    style: &'a Style,
    item: &'a str,
    key: &'a str,
    out: String,
    charged: usize,
}

impl Writer<'_, '_, '_> {
    /// Pays for what was written since the last time.
    fn charge(&mut self, all: bool) -> Result<(), Error> {
        let new = self.out.len() - self.charged;
        if new >= CHARGED_AT || all {
            self.charged = self.out.len();
            self.state.consume_fuel((new / 64) as u64)?;
        }
        Ok(())
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            let message = "tojson: recursion limit exceeded";
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        match value.kind() {
            ValueKind::None => self.out.push_str("null"),
            ValueKind::Bool => self
                .out
                .push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.out.push_str(&number(value)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Map => self.map(value, depth)?,
            ValueKind::Seq | ValueKind::Iterable => self.list(value, depth)?,
            other => {
                let message = format!("tojson: a value of type {other} is not JSON serializable");
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        }
        self.charge(false)
    }

    fn list(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.out.push('[');
        let mut empty = true;
        for element in value.try_iter()? {
            self.next_item(empty, depth + 1);
            self.value(&element, depth + 1)?;
            empty = false;
        }
        self.close(']', empty, depth);
        Ok(())
    }

    fn map(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let mut members = Vec::new();
        for key in value.try_iter()? {
            members.push((key_text(&key)?, value.get_item(&key)?));
        }
        if self.style.sort_keys {
            members.sort_by(|left, right| left.0.cmp(&right.0));
        }
        self.out.push('{');
        for (index, (name, member)) in members.iter().enumerate() {
            self.next_item(index == 0, depth + 1);
            self.string(name);
            self.out.push_str(self.key);
            self.value(member, depth + 1)?;
        }
        self.close('}', members.is_empty(), depth);
        Ok(())
    }

    fn next_item(&mut self, first: bool, depth: usize) {
        if !first {
            self.out.push_str(self.item);
        }
        self.new_line(depth);
    }

    fn close(&mut self, bracket: char, empty: bool, depth: usize) {
        if !empty {
            self.new_line(depth);
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self, depth: usize) {
        if let Some(indent) = self.style.indent {
            self.out.push('\n');
            self.out
                .extend(std::iter::repeat_n(' ', indent.min(MAX_INDENT) * depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for char in text.chars() {
            match char {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                _ if char < ' ' || (self.style.ensure_ascii && !(' '..='~').contains(&char)) => {
                    for unit in char.encode_utf16(&mut [0; 2]) {
                        // Writing into a string cannot fail.
                        let _ = write!(self.out, "\\u{unit:04x}");
                    }
                }
                _ => self.out.push(char),
            }
        }
        self.out.push('"');
    }
}

fn key_text(key: &Value) -> Result<String, Error> {
    match key.kind() {
        ValueKind::String => Ok(key.as_str().unwrap_or_default().to_owned()),
        ValueKind::None => Ok("null".to_owned()),
        ValueKind::Bool => Ok(key.to_string().to_lowercase()),
        ValueKind::Number => Ok(number(key)),
        other => {
            let message = format!("tojson: keys must be strings, not {other}");
            Err(Error::new(ErrorKind::InvalidOperation, message))
        }
    }
}

fn number(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    f64::try_from(value.clone()).map_or_else(|_| value.to_string(), python_float)
}

/// `repr` of a float: an exponent below 1e-4 and from 1e16 on.
fn python_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let exponent: i32 = scientific
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let text = value.to_string();
        return if text.contains('.') {
            text
        } else {
            text + ".0"
        };
    }
    let mantissa = scientific
        .split_once('e')
        .map_or(scientific.as_str(), |(mantissa, _)| mantissa);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
