//! Where a keyword stands, for error texts.

use crate::Error;

/// A JSON pointer, as a list from its end to its start.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    before: Option<&'a Place<'a>>,
    step: &'a str,
}

impl<'a> Place<'a> {
    /// The place that a pointer such as `#` or `#/$defs/a` names.
    pub(super) fn new(pointer: &'a str) -> Self {
        Self {
            before: None,
            step: pointer,
        }
    }

    /// The member or item of that name.
    pub(super) fn at(&'a self, step: &'a str) -> Self {
        Self {
            before: Some(self),
            step,
        }
    }

    /// An error here.
    pub(super) fn wrong(&self, why: impl Into<String>) -> Error {
        Error::Schema {
            place: self.to_string(),
            why: why.into(),
        }
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.before {
            None => f.write_str(self.step),
            Some(before) => {
                let step = self.step.replace('~', "~0").replace('/', "~1");
                write!(f, "{before}/{step}")
            }
        }
    }
}

/// The start of a value, for error texts.
pub(super) fn excerpt(value: &serde_json::Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}
